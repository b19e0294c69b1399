import { test } from "node:test";
import assert from "node:assert/strict";
import { type ContentStore, MediaType, MemoryStore, planArchive } from "../../mod.ts";
import { collect, concat, drain, equal, utf8 } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";
import { eachChunk, entryOf, imageOf, smallImage } from "../helpers/plans.ts";
import { SpyStore } from "../helpers/spy_store.ts";

// What the chunks of an archive's stream are like: large, and the consumer's own.

const KIB = 1024;

test("no chunk from the middle of a large blob is under 64 KiB", async () => {
  const { memory, root } = await imageOf(1_000_000);
  for (const chunkSize of [1000, 65_535, 65_536, 65_537, 100_000, 300_000, undefined]) {
    const plan = await planArchive(new SpyStore(memory, { chunkSize }), [root]);
    const { bodyOffset, size } = entryOf(plan, 1_000_000);
    await eachChunk(plan, (chunk, at) => {
      if (at < bodyOffset || at + chunk.length >= bodyOffset + size) return;
      assert.ok(chunk.length >= 64 * KIB, `${chunk.length} bytes at ${at} by ${chunkSize}`);
    });
  }
});

test("a chunk under 64 KiB stands before a larger one or at the end, however uneven the store's", async () => {
  const { memory, root } = await imageOf(1_000_000, 70_000, 100_000, 65_536);
  const uneven = [100, 70_000, 1, 65_536, 65_535, 300_000, 5];
  const store: ContentStore = {
    async open(descriptor) {
      const bytes = await memory.open(descriptor);
      let at = 0;
      let turn = 0;
      return new ReadableStream({
        pull(controller) {
          if (at === bytes.length) return controller.close();
          controller.enqueue(bytes.slice(at, at += uneven[turn++ % uneven.length]!));
          at = Math.min(at, bytes.length);
        },
      });
    },
  };
  const plan = await planArchive(store, [root]);
  const whole = await collect((await planArchive(memory, [root])).stream());
  assert.ok(equal(await collect(plan.stream()), whole));
  let before = Infinity;
  await eachChunk(plan, (chunk, at) => {
    const isLast = at + chunk.length === plan.size;
    assert.ok(
      before >= 64 * KIB || chunk.length >= 64 * KIB || isLast,
      `${before} and ${chunk.length} bytes at ${at}`,
    );
    before = chunk.length;
  });
});

test("an archive of small blobs leaves in few chunks", async () => {
  const { memory, root } = await imageOf(...Array.from({ length: 100 }, (_, i) => 10 + i));
  const plan = await planArchive(memory, [root]);
  const { chunks } = await drain(plan.stream());
  assert.ok(plan.size > 100 * KIB);
  assert.ok(chunks.length <= Math.ceil(plan.size / (64 * KIB)), `${chunks.length} chunks`);
  // And as soon as they make one: memory does not grow with the archive.
  assert.ok(chunks.every(({ length }) => length < 66 * KIB), `${chunks.map((c) => c.length)}`);
});

test("no chunk is empty", async () => {
  const { memory, root } = await smallImage();
  const plan = await planArchive(memory, [root]);
  for (const options of [{}, { start: plan.size }, { end: 0 }, { start: 5, end: 5 }]) {
    const { chunks } = await drain(plan.stream(options));
    assert.ok(chunks.every(({ length }) => length > 0));
  }
});

test("a consumer may transfer its chunks: neither the store nor the plan is hurt", async () => {
  const { memory, root } = await imageOf(200_000, 10, 0, 65_536);
  const whole = await collect((await planArchive(memory, [root])).stream());
  for (const chunkSize of [undefined, 1000, 70_000, 200_000]) {
    const plan = await planArchive(new SpyStore(memory, { chunkSize }), [root]);
    const received: Uint8Array[] = [];
    await eachChunk(plan, (chunk) => {
      received.push(chunk.slice());
      chunk.fill(0xff);
      structuredClone(chunk, { transfer: [chunk.buffer] });
    });
    assert.ok(equal(concat(received), whole), "the first time");
    assert.ok(equal(await collect(plan.stream()), whole), "the second time");
  }
});

test("data of a descriptor serves its entry", async () => {
  const memory = new MemoryStore();
  const config = {
    mediaType: MediaType.ImageConfig,
    digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size: 2,
    data: "e30=",
  };
  const { manifest } = await addImage(memory, { layers: [], fields: { config } });
  const bare = new MemoryStore();
  await bare.add("", await memory.open(manifest));
  const plan = await planArchive(bare, [manifest]);
  const { bodyOffset } = entryOf(plan, 2);
  const archive = await collect(plan.stream());
  assert.deepEqual(archive.subarray(bodyOffset, bodyOffset + 2), utf8("{}"));
});

test("data serves its entry, whichever of the blob's descriptors has it", async () => {
  const memory = new MemoryStore();
  const bare = {
    mediaType: MediaType.ImageConfig,
    digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size: 2,
  };
  const full = { ...bare, data: "e30=" };
  for (const layers of [[bare, full], [full, bare], [bare, { ...bare, data: "" }, full]]) {
    const { manifest } = await addImage(memory, { layers: [], fields: { config: bare, layers } });
    const store = new MemoryStore();
    await store.add("", await memory.open(manifest));
    const plan = await planArchive(store, [manifest]);
    assert.equal((await collect(plan.stream())).length, plan.size);
  }
});
