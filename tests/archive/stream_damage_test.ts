import { test } from "node:test";
import assert from "node:assert/strict";
import {
  BlobNotFoundError,
  BlobReadError,
  type ContentStore,
  type CreateDigester,
  createDigester,
  DigestMismatchError,
  MemoryStore,
  planArchive,
  SizeMismatchError,
} from "../../mod.ts";
import { collect, concat, drain, equal, macrotask, noise, utf8 } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";
import { blobEntries, entryOf, imageOf } from "../helpers/plans.ts";
import { SpyStore } from "../helpers/spy_store.ts";
import { streamOf } from "../helpers/streams.ts";

// Whatever has befallen a blob, its archive ends there, and never looks whole.

/** What may befall a blob. */
const DAMAGE: [what: string, damage: (bytes: Uint8Array) => Uint8Array][] = [
  ["the first byte changed", (bytes) => flip(bytes, 0)],
  ["the last byte changed", (bytes) => flip(bytes, bytes.length - 1)],
  ["its last byte gone", (bytes) => bytes.slice(0, -1)],
  ["one byte more", (bytes) => concat([bytes, new Uint8Array(1)])],
  ["512 bytes more", (bytes) => concat([bytes, new Uint8Array(512)])],
  ["no bytes at all", () => new Uint8Array()],
];

for (const [what, damage] of DAMAGE) {
  test(`a blob with ${what} is never complete, and ends the archive`, async () => {
    const { memory, root } = await imageOf(200_000, 131_072, 700, 1);
    const whole = await collect((await planArchive(memory, [root])).stream());
    for (const chunkSize of [undefined, 1000, 65_536]) {
      for (const lookAhead of [0, 2]) {
        const replaced = new Map<string, Uint8Array>();
        const store = new SpyStore(memory, { chunkSize, lookAhead, replaced });
        const plan = await planArchive(store, [root]);
        for (const { descriptor, bodyOffset, size } of blobEntries(plan)) {
          const { digest } = descriptor!;
          const damaged = damage(await memory.open(descriptor!));
          replaced.clear();
          replaced.set(digest, damaged);
          const { chunks, failed, error } = await drain(plan.stream());
          assert.equal(failed, true);
          const ErrorClass = damaged.length === size ? DigestMismatchError : SizeMismatchError;
          assert.ok(error instanceof ErrorClass, String(error));
          assert.equal(error.digest, digest);
          assert.ok(error.message.includes(digest));
          const came = concat(chunks);
          assert.ok(came.length < bodyOffset + size, "never all of its bytes");
          assert.ok(
            equal(
              came.subarray(0, bodyOffset),
              whole.subarray(0, Math.min(came.length, bodyOffset)),
            ),
          );
          await macrotask();
          assert.equal(store.openNow, 0);
        }
      }
    }
  });
}

test("an empty blob that is not empty ends the archive before its place", async () => {
  const memory = new MemoryStore();
  const { manifest, layers: [empty] } = await addImage(memory, { layers: [""] });
  const replaced = new Map([[empty!.digest, utf8("x")]]);
  const plan = await planArchive(new SpyStore(memory, { replaced }), [manifest]);
  const { error, chunks } = await drain(plan.stream());
  assert.ok(error instanceof SizeMismatchError && error.digest === empty!.digest);
  assert.ok(concat(chunks).length <= entryOf(plan, 0).bodyOffset);
});

test("a blob that has gone ends the archive by name", async () => {
  const { memory, root } = await imageOf(700);
  const replaced = new Map<string, undefined>();
  const plan = await planArchive(new SpyStore(memory, { replaced }), [root]);
  for (const { descriptor } of blobEntries(plan)) {
    replaced.clear();
    replaced.set(descriptor!.digest, undefined);
    const { error } = await drain(plan.stream());
    assert.ok(error instanceof BlobNotFoundError, String(error));
    assert.equal(error.digest, descriptor!.digest);
  }
});

test("a blob that fails on the way ends the archive by name, with the cause", async () => {
  const { memory, root } = await imageOf(1000);
  const broken = new Error("connection reset");
  const store: ContentStore = {
    open(descriptor) {
      if (descriptor.size !== 1000) return memory.open(descriptor);
      let turn = 0;
      return Promise.resolve(
        new ReadableStream({
          pull: (controller) =>
            turn++ === 0 ? controller.enqueue(noise(10)) : controller.error(broken),
        }),
      );
    },
  };
  const { error } = await drain((await planArchive(store, [root])).stream());
  assert.ok(error instanceof BlobReadError, String(error));
  assert.equal(error.cause, broken);
  assert.match(error.message, /sha256:[0-9a-f]{64}.*connection reset/);
});

test("the digester that was given judges, and closes what is open where it cannot", async () => {
  const { memory, root } = await imageOf(100_000);
  const broken = new Error("no hash today");
  const store = new SpyStore(memory, { chunkSize: 10_000, lookAhead: 2 });
  const plan = await planArchive(store, [root]);
  const { error } = await drain(plan.stream({ createDigester: () => Promise.reject(broken) }));
  assert.equal(error, broken);
  await macrotask();
  assert.equal(store.openNow, 0);
  const wrong = { update() {}, digest: () => "0".repeat(64) };
  const judged = await drain(plan.stream({ createDigester: () => wrong }));
  assert.ok(judged.error instanceof DigestMismatchError);
});

test("the archive waits for a digester that takes its time", async () => {
  const { memory, root } = await imageOf(100_000, 700);
  const whole = await collect((await planArchive(memory, [root])).stream());
  const slow = (verdict?: string): CreateDigester => async (algorithm) => {
    const digester = await createDigester(algorithm);
    return {
      async update(bytes) {
        // Longer than the digest takes.
        for (let i = 0; i < 3; i++) await macrotask();
        digester.update(bytes);
      },
      async digest() {
        await macrotask();
        return verdict ?? digester.digest();
      },
    };
  };
  for (const chunkSize of [undefined, 10_000]) {
    const plan = await planArchive(new SpyStore(memory, { chunkSize }), [root]);
    assert.ok(equal(await collect(plan.stream({ createDigester: slow() })), whole));
    const wrong = slow("0".repeat(64));
    const { chunks, error } = await drain(plan.stream({ createDigester: wrong }));
    assert.ok(error instanceof DigestMismatchError, String(error));
    const { bodyOffset, size } = blobEntries(plan)[0]!;
    assert.ok(concat(chunks).length < bodyOffset + size, "never all of its bytes");
  }
});

test("a part of a corrupt blob comes unverified, unless it has the end or all is to be", async () => {
  const { memory, root } = await imageOf(200_000);
  const replaced = new Map<string, Uint8Array>();
  const plan = await planArchive(new SpyStore(memory, { chunkSize: 1000, replaced }), [root]);
  const { descriptor, bodyOffset } = entryOf(plan, 200_000);
  replaced.set(descriptor!.digest, flip(await memory.open(descriptor!), 100));
  const middle = { start: bodyOffset + 1000, end: bodyOffset + 199_999 };
  const end = { ...middle, end: bodyOffset + 200_000 };
  assert.equal((await collect(plan.stream(middle))).length, 198_999);
  assert.equal((await collect(plan.stream({ ...end, verify: "range" }))).length, 199_000);
  for (const options of [end, { ...middle, verify: "blob" } as const]) {
    const { error, chunks } = await drain(plan.stream(options));
    assert.ok(error instanceof DigestMismatchError, String(error));
    assert.ok(concat(chunks).length < 198_999, "never all that was wanted of it");
  }
});

test("a corrupt blob that lies wholly inside is found out, whatever verify says", async () => {
  const { memory, root } = await imageOf(200_000);
  const replaced = new Map<string, Uint8Array>();
  for (const chunkSize of [undefined, 1000]) {
    const plan = await planArchive(new SpyStore(memory, { chunkSize, replaced }), [root]);
    const { descriptor, offset, bodyOffset } = entryOf(plan, 200_000);
    replaced.set(descriptor!.digest, flip(await memory.open(descriptor!), 100));
    for (const verify of ["end", "blob", "range"] as const) {
      for (const start of [0, offset, bodyOffset]) {
        for (const end of [bodyOffset + 200_000, plan.size]) {
          const { error, chunks } = await drain(plan.stream({ start, end, verify }));
          assert.ok(error instanceof DigestMismatchError, `${verify}, ${start} to ${end}`);
          assert.ok(concat(chunks).length < bodyOffset + 200_000 - start);
        }
      }
    }
    replaced.clear();
  }
});

test("an empty chunk at its end does not let a corrupt blob out", async () => {
  const { memory, root } = await imageOf(100_000);
  const store: ContentStore = {
    async open(descriptor) {
      const bytes = await memory.open(descriptor);
      if (descriptor.size !== 100_000) return bytes;
      return streamOf([flip(bytes, 5), new Uint8Array(), new Uint8Array()]);
    },
  };
  const plan = await planArchive(store, [root]);
  const { bodyOffset } = entryOf(plan, 100_000);
  const { error, chunks } = await drain(plan.stream());
  assert.ok(error instanceof DigestMismatchError, String(error));
  assert.ok(concat(chunks).length <= bodyOffset);
});

test("whoever goes on where a corrupt blob broke never gets all of it", async () => {
  const { memory, root } = await imageOf(200_000, 3000);
  const replaced = new Map<string, Uint8Array>();
  const plan = await planArchive(new SpyStore(memory, { chunkSize: 1000, replaced }), [root]);
  const { descriptor, bodyOffset } = entryOf(plan, 200_000);
  replaced.set(descriptor!.digest, flip(await memory.open(descriptor!), 199_999));
  let bytes = 0;
  for (const length of [Infinity, Infinity, 1000, 1, 512, Infinity]) {
    const end = Math.min(bytes + length, plan.size);
    bytes += concat((await drain(plan.stream({ start: bytes, end }))).chunks).length;
  }
  assert.ok(bytes > bodyOffset && bytes < bodyOffset + 200_000, `${bytes}`);
});

test("a store that gives another part than was asked for is found out", async () => {
  const { memory, root } = await imageOf(1000);
  const answers: [what: string, open: ContentStore["open"]][] = [
    ["the whole blob", (descriptor) => memory.open(descriptor)],
    ["too few bytes", (descriptor) => memory.open(descriptor, { length: 9 })],
    ["nothing", () => Promise.resolve(new Uint8Array())],
  ];
  for (const [what, open] of answers) {
    const store: ContentStore = {
      open: (descriptor, options) => options?.length ? open(descriptor) : memory.open(descriptor),
    };
    const plan = await planArchive(store, [root]);
    const { bodyOffset, descriptor } = entryOf(plan, 1000);
    const stream = plan.stream({ start: bodyOffset + 5, end: bodyOffset + 15 });
    const { error } = await drain(stream);
    assert.ok(error instanceof BlobReadError, `${what}: ${error}`);
    assert.equal(error.digest, descriptor!.digest);
  }
});

test("a store that gives a part without end is stopped at the first byte too many", async () => {
  const { memory, root } = await imageOf(1000);
  const closed = Promise.withResolvers<unknown>();
  let pulls = 0;
  const store: ContentStore = {
    open(descriptor, options) {
      if (!options?.length) return memory.open(descriptor, options);
      return new ReadableStream({
        pull(controller) {
          // Even where nobody stops it, the test comes to its end.
          if (++pulls > 1000) controller.error(new Error("nobody stopped it"));
          else controller.enqueue(new Uint8Array(4));
        },
        cancel: closed.resolve,
      });
    },
  };
  const plan = await planArchive(store, [root]);
  const { bodyOffset } = entryOf(plan, 1000);
  const { error } = await drain(plan.stream({ start: bodyOffset + 5, end: bodyOffset + 15 }));
  assert.match(String(error), /expected its bytes 5 to 15, more of them came/);
  await closed.promise;
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}
