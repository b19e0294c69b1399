import { test } from "node:test";
import assert from "node:assert/strict";
import {
  BlobNotFoundError,
  BufferPool,
  type ContentStore,
  DigestMismatchError,
  exportArchive,
  InvalidPlatformError,
  MemoryStore,
  NotAManifestError,
  planArchive,
  type Progress,
  SizeMismatchError,
} from "../../mod.ts";
import { collect, concat, drain, equal, macrotask, noise } from "../helpers/bytes.ts";
import { addImage, addIndex } from "../helpers/image.ts";
import { blobEntries, imageOf } from "../helpers/plans.ts";
import { SpyStore } from "../helpers/spy_store.ts";
import { stalledStream } from "../helpers/streams.ts";

test("exportArchive() is the plan's stream, in one call", async () => {
  const { memory, root } = await imageOf(200_000, 10);
  const plan = await planArchive(memory, [root]);
  const archive = await collect(exportArchive(memory, [root]));
  assert.equal(archive.length, plan.size);
  assert.ok(equal(archive, await collect(plan.stream())));
});

test("exportArchive() takes the options of a plan", async () => {
  const { memory, root } = await imageOf(10);
  const roots = [{ descriptor: root, names: ["example.com/app:1"] }];
  for (const options of [{ skipManifestJson: true }, { filter: () => false }, {}]) {
    const plan = await planArchive(memory, roots, options);
    assert.ok(
      equal(await collect(exportArchive(memory, roots, options)), await collect(plan.stream())),
    );
  }
});

test("exportArchive() hands the store the buffers to fill", async () => {
  const { memory, root } = await imageOf(10);
  const buffers = new BufferPool();
  const seen = new Set<unknown>();
  const store: ContentStore = {
    open(descriptor, options) {
      if (descriptor.digest !== root.digest) seen.add(options?.buffers);
      return memory.open(descriptor, options);
    },
  };
  await collect(exportArchive(store, [root], { buffers }));
  assert.deepEqual([...seen], [buffers]);
});

test("exportArchive() gives small bodies back to the buffers, once they are copied", async () => {
  const { memory, root } = await imageOf(10, 2000, 70_000);
  const given: Uint8Array[] = [];
  class SpyPool extends BufferPool {
    override give = (chunk: Uint8Array) => void given.push(chunk);
  }
  const opened: Uint8Array[] = [];
  const store: ContentStore = {
    async open(descriptor, options) {
      const body = (await memory.open(descriptor, options)).slice();
      if (descriptor.digest !== root.digest && body.length < 65_536) opened.push(body);
      return body;
    },
  };
  await collect(exportArchive(store, [root], { buffers: new SpyPool() }));
  assert.equal(opened.length, 3);
  assert.ok(opened.every((body) => given.includes(body)));
});

test("exportArchive() asks nothing of the store before the first pull", async () => {
  const { memory, root } = await imageOf(10);
  const calls: string[] = [];
  const store = new Proxy(memory, {
    get(target, property) {
      calls.push(String(property));
      const value = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const stream = exportArchive(store, [root]);
  await macrotask();
  assert.deepEqual(calls, []);
  await collect(stream);
  assert.notEqual(calls.length, 0);
});

test("exportArchive() that nobody reads may be cancelled, and has touched nothing", async () => {
  const { memory, root } = await imageOf(10);
  const store = new SpyStore(memory);
  await exportArchive(store, [root]).cancel();
  assert.deepEqual(store.opened, []);
});

test("exportArchive() fails as the walk and the plan do, before any byte", async () => {
  const { memory, root } = await imageOf(10);
  const replaced = new Map([[root.digest, undefined]]);
  const config = await memory.add("application/json", new Uint8Array(2));
  const failures: [stream: ReadableStream<Uint8Array>, ErrorClass: unknown][] = [
    [exportArchive(memory, []), TypeError],
    [exportArchive(memory, [config]), NotAManifestError],
    [exportArchive(memory, [root], { platforms: ["linux"] }), InvalidPlatformError],
    [exportArchive(new SpyStore(memory, { replaced }), [root]), BlobNotFoundError],
  ];
  for (const [stream, ErrorClass] of failures) {
    const { chunks, error } = await drain(stream);
    assert.ok(error instanceof (ErrorClass as typeof Error), String(error));
    assert.deepEqual(chunks, []);
  }
});

test("exportArchive() of anything damaged never ends, and never with a trailer", async () => {
  const memory = new MemoryStore();
  const { manifest } = await addImage(memory, { layers: [noise(100_000), "small"] });
  const index = await addIndex(memory, [manifest]);
  const plan = await planArchive(memory, [index]);
  const whole = await collect(plan.stream());
  for (const { descriptor, bodyOffset, size } of blobEntries(plan)) {
    const bytes = await memory.open(descriptor!);
    const last = bytes.slice();
    last[size - 1]! ^= 1;
    const damages: [damaged: Uint8Array | undefined, ErrorClass: unknown][] = [
      [last, DigestMismatchError],
      [bytes.slice(0, -1), SizeMismatchError],
      [concat([bytes, new Uint8Array(1)]), SizeMismatchError],
      [new Uint8Array(), SizeMismatchError],
      [undefined, BlobNotFoundError],
    ];
    for (const [damaged, ErrorClass] of damages) {
      const replaced = new Map([[descriptor!.digest, damaged]]);
      const store = new SpyStore(memory, { chunkSize: 1000, replaced });
      const { chunks, error } = await drain(exportArchive(store, [index]));
      assert.ok(error instanceof (ErrorClass as typeof Error), String(error));
      assert.equal((error as unknown as { digest: string }).digest, descriptor!.digest);
      const came = concat(chunks);
      assert.ok(came.length < bodyOffset + size);
      const good = Math.min(came.length, bodyOffset);
      assert.ok(equal(came.subarray(0, good), whole.subarray(0, good)));
      await macrotask();
      assert.equal(store.openNow, 0);
    }
  }
});

test("exportArchive() hands a cancel on while it plans", async () => {
  const { root } = await imageOf(10);
  const closed = Promise.withResolvers<unknown>();
  const opened = Promise.withResolvers<void>();
  const store: ContentStore = {
    open() {
      opened.resolve();
      return Promise.resolve(stalledStream([], closed.resolve));
    },
  };
  const reader = exportArchive(store, [root]).getReader();
  const pending = reader.read();
  await opened.promise;
  await macrotask();
  await reader.cancel(new Error("enough"));
  assert.equal((await pending).done, true);
  await closed.promise;
});

test("exportArchive() hands a cancel on while it streams", async () => {
  const { memory, root } = await imageOf(300_000);
  const store = new SpyStore(memory, { chunkSize: 65_536 });
  for (let chunks = 1; chunks < 5; chunks++) {
    const reader = exportArchive(store, [root]).getReader();
    for (let i = 0; i < chunks; i++) await reader.read();
    await reader.cancel();
    await macrotask();
    assert.equal(store.openNow, 0, `after ${chunks} chunks`);
  }
});

test("exportArchive() fails with the reason of its signal, whether it plans or streams", async () => {
  const { memory, root } = await imageOf(100_000);
  for (const stalls of [root.size, 100_000]) {
    const opened = Promise.withResolvers<void>();
    const store: ContentStore = {
      open(descriptor, options) {
        if (descriptor.size !== stalls) return memory.open(descriptor, options);
        opened.resolve();
        return new Promise(() => {});
      },
    };
    const controller = new AbortController();
    const reading = drain(exportArchive(store, [root], { signal: controller.signal }));
    await opened.promise;
    const reason = new Error("enough");
    controller.abort(reason);
    const { failed, error } = await reading;
    assert.deepEqual([failed, error], [true, reason]);
  }
});

test("exportArchive() tells how far it is", async () => {
  const { memory, root } = await imageOf(200_000);
  const heard: Progress[] = [];
  const onProgress = (progress: Progress) => heard.push(progress);
  const archive = await collect(exportArchive(memory, [root], { onProgress }));
  assert.ok(heard.length > 1);
  assert.deepEqual([heard.at(-1)!.bytes, heard.at(-1)!.total], [archive.length, archive.length]);
});

test("exportArchive() verifies with the digester that it was given", async () => {
  const { memory, root } = await imageOf(10);
  const made: string[] = [];
  const createDigester = (algorithm: string) => {
    made.push(algorithm);
    return { update() {}, digest: () => root.digest.slice("sha256:".length) };
  };
  // It takes everything for the manifest: the first blob that is another one fails.
  const { error } = await drain(exportArchive(memory, [root], { createDigester }));
  assert.ok(error instanceof DigestMismatchError, String(error));
  assert.ok(made.length > 0);
});
