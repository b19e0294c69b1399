import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  InvalidDigestError,
  MemoryStore,
  SizeMismatchError,
  UnsupportedAlgorithmError,
  VerifyStream,
} from "../../mod.ts";
import { collect, concat, drain, macrotask, noise, utf8 } from "../helpers/bytes.ts";
import { streamOf } from "../helpers/streams.ts";

const HELLO = {
  digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
  size: 5,
};

const verified = (chunks: Uint8Array<ArrayBuffer>[], expected = HELLO) =>
  streamOf(chunks).pipeThrough(new VerifyStream(expected));

test("VerifyStream lets the right bytes through unchanged", async () => {
  assert.deepEqual(await collect(verified([utf8("hello")])), utf8("hello"));
  assert.deepEqual(await collect(verified([utf8("he"), utf8(""), utf8("llo")])), utf8("hello"));
});

test("VerifyStream lets an empty blob through", async () => {
  const empty = {
    digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    size: 0,
  };
  assert.deepEqual((await drain(verified([], empty))).chunks, []);
  assert.deepEqual((await drain(verified([utf8("")], empty))).chunks, []);
});

test("VerifyStream verifies every algorithm, around every block size", async () => {
  const store = new MemoryStore();
  for (const algorithm of ["sha256", "sha384", "sha512", "blake3"] as const) {
    for (const size of [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1023, 1024, 1025]) {
      const bytes = noise(size);
      const expected = await store.add("", bytes, algorithm);
      const halves = [bytes.slice(0, size >> 1), bytes.slice(size >> 1)];
      assert.deepEqual(await collect(verified(halves, expected)), bytes, `${algorithm} ${size}`);
    }
  }
});

test("VerifyStream fails on other bytes, and names both digests", async () => {
  const { failed, error, chunks } = await drain(verified([utf8("he"), utf8("llO")]));
  assert.ok(failed && error instanceof DigestMismatchError, String(error));
  assert.equal(error.name, "DigestMismatchError");
  assert.equal(error.digest, HELLO.digest);
  assert.equal(
    error.actual,
    "sha256:04a6f55face2f46be8c23f627d539827615851e10751b63ec59db6d2c706b770",
  );
  assert.ok(error.message.includes(error.digest) && error.message.includes(error.actual));
  assert.deepEqual(concat(chunks), utf8("he"));
});

test("VerifyStream fails at the end on too few bytes", async () => {
  const { failed, error, chunks } = await drain(verified([utf8("he"), utf8("ll")]));
  assert.ok(failed && error instanceof SizeMismatchError, String(error));
  assert.deepEqual([error.digest, error.expected, error.actual], [HELLO.digest, 5, 4]);
  assert.deepEqual(concat(chunks), utf8("he"));
});

test("VerifyStream fails on the first byte too many, though the source never ends", async () => {
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(utf8("hel")),
  });
  const { failed, error, chunks } = await drain(endless.pipeThrough(new VerifyStream(HELLO)));
  assert.ok(failed && error instanceof SizeMismatchError, String(error));
  assert.deepEqual([error.expected, error.actual], [5, 6]);
  assert.match(error.message, /6 or more/);
  assert.ok(concat(chunks).length < 5, "never all bytes of a corrupt blob");
});

test("VerifyStream cancels its source when it fails", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(utf8("hello, world")),
    cancel: cancelled.resolve,
  });
  const { error } = await drain(source.pipeThrough(new VerifyStream(HELLO)));
  assert.ok(error instanceof SizeMismatchError);
  assert.equal(await cancelled.promise, error);
});

test("VerifyStream lets the last chunk out only after the digest has passed", async () => {
  const verdict = Promise.withResolvers<string>();
  const stream = new VerifyStream(HELLO, {
    createDigester: () => ({ update() {}, digest: () => verdict.promise }),
  });
  const output = streamOf([utf8("hel"), utf8("lo")]).pipeThrough(stream).getReader();
  assert.deepEqual((await output.read()).value, utf8("hel"));
  let out = false;
  const last = output.read().finally(() => out = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(out, false, "before the verdict");
  verdict.resolve(HELLO.digest.slice("sha256:".length));
  assert.deepEqual((await last).value, utf8("lo"));
  assert.equal((await output.read()).done, true);
});

test("VerifyStream gives a blob of one chunk only after the digest has passed", async () => {
  const { chunks, error } = await drain(verified([utf8("hellO")]));
  assert.ok(error instanceof DigestMismatchError);
  assert.deepEqual(chunks, []);
});

test("VerifyStream hashes with the digester it was given, and waits for it", async () => {
  const log: string[] = [];
  const stream = new VerifyStream(HELLO, {
    async createDigester(algorithm) {
      await Promise.resolve();
      log.push(algorithm);
      return {
        async update(bytes) {
          await macrotask();
          log.push(`update ${bytes.length}`);
        },
        digest() {
          log.push("digest");
          return Promise.resolve(HELLO.digest.slice("sha256:".length));
        },
      };
    },
  });
  await collect(streamOf([utf8("hel"), utf8("lo")]).pipeThrough(stream));
  assert.deepEqual(log, ["sha256", "update 3", "update 2", "digest"]);
});

test("VerifyStream fails as its digester does", async () => {
  const broken = new Error("no more entropy");
  const fail = () => {
    throw broken;
  };
  for (
    const createDigester of [
      fail,
      () => ({ update: fail, digest: () => "" }),
      () => ({ update() {}, digest: fail }),
    ]
  ) {
    const stream = new VerifyStream(HELLO, { createDigester });
    const { error, chunks } = await drain(streamOf([utf8("hello")]).pipeThrough(stream));
    assert.equal(error, broken);
    assert.deepEqual(chunks, []);
  }
});

test("VerifyStream throws at once where nothing could ever be verified", () => {
  assert.throws(() => new VerifyStream({ digest: "nonsense", size: 1 }), InvalidDigestError);
  assert.throws(
    () => new VerifyStream({ digest: `md5:${"a".repeat(32)}`, size: 1 }),
    UnsupportedAlgorithmError,
  );
});

test("VerifyStream hands a cancel on, even where the source has stalled", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const stalled = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(utf8("he")),
    cancel: cancelled.resolve,
  });
  const reader = stalled.pipeThrough(new VerifyStream(HELLO)).getReader();
  const pending = reader.read();
  const reason = new Error("enough");
  await reader.cancel(reason);
  assert.equal(await cancelled.promise, reason);
  assert.equal((await pending).done, true);
});

test("VerifyStream hands on an error of its source", async () => {
  const broken = new Error("disk on fire");
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.error(broken),
  });
  const { error } = await drain(source.pipeThrough(new VerifyStream(HELLO)));
  assert.equal(error, broken);
});
