import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { BufferPool, type ContentStore, planArchive, type Progress } from "../../mod.ts";
import { collect, drain, equal, macrotask, noise } from "../helpers/bytes.ts";
import { blobEntries, entryOf, imageOf, smallImage } from "../helpers/plans.ts";
import { SpyStore } from "../helpers/spy_store.ts";

test("stream() from every start, and to every end, is the slice", async () => {
  const { memory, root } = await smallImage();
  const plan = await planArchive(memory, [root]);
  const whole = await collect(plan.stream());
  assert.equal(whole.length, plan.size);
  const length = 600;
  for (let start = 1 - length; start <= plan.size; start++) {
    const range = { start: Math.max(start, 0), end: Math.min(start + length, plan.size) };
    const part = await collect(plan.stream(range));
    assert.ok(equal(part, whole.subarray(range.start, range.end)), `${start} to ${range.end}`);
  }
});

test("stream() between any two places where something begins or ends is the slice", async () => {
  const { memory, root } = await smallImage();
  const whole = await collect((await planArchive(memory, [root])).stream());
  const plans = await Promise.all(
    [1, 7, 512, 600].map((chunkSize) => planArchive(new SpyStore(memory, { chunkSize }), [root])),
  );
  const places = plans[0]!.entries
    .flatMap(({ offset, bodyOffset, size }) => [offset, bodyOffset, bodyOffset + size])
    .concat(whole.length - 1024, whole.length);
  let turn = 0;
  for (const start of new Set(places)) {
    for (const end of new Set(places)) {
      if (end < start) continue;
      const verify = (["end", "blob", "range"] as const)[++turn % 3];
      const part = await collect(plans[turn % plans.length]!.stream({ start, end, verify }));
      assert.ok(equal(part, whole.subarray(start, end)), `${start} to ${end}`);
    }
  }
});

test("stream() of any part of a large archive is the slice, however the store chunks", async () => {
  const { memory, root } = await imageOf(150_000, 65_536, 3, 131_073);
  const whole = await collect((await planArchive(memory, [root])).stream());
  const place = fc.integer({ min: 0, max: whole.length });
  await fc.assert(
    fc.asyncProperty(
      place,
      place,
      fc.constantFrom(100, 511, 512, 10_000, 65_535, 65_536, 65_537, 1 << 20, undefined),
      fc.constantFrom("end" as const, "blob" as const, "range" as const),
      fc.integer({ min: 0, max: 3 }),
      async (a, b, chunkSize, verify, lookAhead) => {
        const [start, end] = a < b ? [a, b] : [b, a];
        const store = new SpyStore(memory, { chunkSize, lookAhead });
        const plan = await planArchive(store, [root]);
        const part = await collect(plan.stream({ start, end, verify }));
        assert.ok(equal(part, whole.subarray(start, end)));
        assert.equal(store.openNow, 0);
      },
    ),
    { numRuns: 60 },
  );
});

test("stream() may be called many times, at the same time too", async () => {
  const { memory, root } = await imageOf(100_000, 200_000);
  const plan = await planArchive(new SpyStore(memory, { chunkSize: 10_000 }), [root]);
  const [first, ...others] = await Promise.all(
    Array.from({ length: 5 }, () => collect(plan.stream())),
  );
  for (const other of others) assert.ok(equal(other, first!));
});

test("stream() refuses a range outside of the archive", async () => {
  const { memory, root } = await smallImage();
  const plan = await planArchive(memory, [root]);
  const { size } = plan;
  for (
    const options of [
      { start: -1 },
      { start: 0.5 },
      { start: NaN },
      { start: size + 1 },
      { end: -1 },
      { end: 1.5 },
      { end: Infinity },
      { end: size + 1 },
      { start: 10, end: 9 },
    ]
  ) {
    assert.throws(() => plan.stream(options), RangeError, JSON.stringify(options));
  }
});

test("a part of a blob is all that is asked of the store", async () => {
  const { memory, root } = await imageOf(100_000);
  const asked: unknown[] = [];
  const handed: unknown[] = [];
  const buffers = new BufferPool();
  const store: ContentStore = {
    open(descriptor, options) {
      asked.push([options?.offset, options?.length]);
      handed.push(options?.buffers);
      return memory.open(descriptor, options);
    },
  };
  const plan = await planArchive(store, [root]);
  const { bodyOffset } = entryOf(plan, 100_000);
  asked.length = 0;
  const end = { start: bodyOffset + 10, end: bodyOffset + 100_000 };
  const middle = { ...end, end: bodyOffset + 99_999 };
  handed.length = 0;
  await collect(plan.stream({ ...middle, buffers }));
  await collect(plan.stream({ ...end, verify: "range" }));
  assert.deepEqual(asked, [[10, 99_989], [10, 99_990]]);
  assert.deepEqual(handed, [buffers, undefined]);
  asked.length = 0;
  await collect(plan.stream(end));
  await collect(plan.stream({ ...middle, verify: "blob" }));
  assert.deepEqual(asked, [[undefined, undefined], [undefined, undefined]], "to be verified");
});

test("blobs outside of the part are not opened", async () => {
  const { memory, root } = await smallImage();
  const store = new SpyStore(memory);
  const plan = await planArchive(store, [root]);
  for (const { offset, bodyOffset, size, descriptor } of blobEntries(plan)) {
    store.opened.length = 0;
    await collect(plan.stream({ start: offset, end: bodyOffset + size }));
    assert.deepEqual(store.opened, [descriptor!.digest]);
  }
  // Nor where the part has only what stands before or behind a blob.
  store.opened.length = 0;
  for (const { offset, bodyOffset, size } of blobEntries(plan)) {
    if (size === 0) continue;
    for (const verify of ["end", "blob", "range"] as const) {
      await collect(plan.stream({ start: offset, end: bodyOffset, verify }));
      const behind = bodyOffset + size;
      await collect(plan.stream({ start: behind, end: behind + 1, verify }));
    }
  }
  assert.deepEqual(store.opened, []);
  await collect(plan.stream({ end: blobEntries(plan)[0]!.offset }));
  await collect(plan.stream({ start: plan.size - 1024 }));
  assert.deepEqual(store.opened, []);
});

test("nothing is opened before the first pull", async () => {
  const { memory, root } = await imageOf(1000);
  const store = new SpyStore(memory);
  const plan = await planArchive(store, [root]);
  store.opened.length = 0;
  const stream = plan.stream();
  await macrotask();
  assert.deepEqual(store.opened, []);
  await collect(stream);
  assert.equal(store.opened.length, 3);
});

test("blobs are opened once each, in the archive's order, one at a time", async () => {
  const { memory, root } = await imageOf(100_000, 70_000, 5, 200_000);
  const store = new SpyStore(memory, { chunkSize: 10_000 });
  const plan = await planArchive(store, [root]);
  store.opened.length = 0;
  store.mostOpen = 0;
  await collect(plan.stream());
  assert.deepEqual(store.opened, blobEntries(plan).map(({ descriptor }) => descriptor!.digest));
  assert.equal(store.mostOpen, 1);
  assert.equal(store.openNow, 0);
});

test("a store that asks for it has so many blobs opened ahead, and no more", async () => {
  const { memory, root } = await imageOf(100_000, 70_000, 80_000, 90_000, 200_000, 100);
  for (const lookAhead of [1, 3, 100]) {
    const store = new SpyStore(memory, { chunkSize: 10_000, lookAhead });
    const plan = await planArchive(store, [root]);
    store.mostOpen = 0;
    await collect(plan.stream());
    assert.equal(store.mostOpen, Math.min(1 + lookAhead, 8));
    assert.equal(store.openNow, 0);
  }
});

test("a blob is read no faster than the archive", async () => {
  const { memory, root } = await imageOf(1_000_000);
  let pulled = 0;
  const bytes = noise(1_000_000);
  const store: ContentStore = {
    open(descriptor) {
      if (descriptor.size !== 1_000_000) return memory.open(descriptor);
      return Promise.resolve(
        new ReadableStream({
          pull: (controller) => controller.enqueue(bytes.slice(pulled, pulled += 100_000)),
        }, { highWaterMark: 0 }),
      );
    },
  };
  const plan = await planArchive(store, [root]);
  const reader = plan.stream({ start: entryOf(plan, 1_000_000).bodyOffset }).getReader();
  await reader.read();
  await macrotask();
  assert.ok(pulled <= 300_000, `${pulled} bytes pulled for one chunk`);
  await reader.cancel();
});

test("onProgress hears of each chunk before it leaves", async () => {
  const { memory, root } = await imageOf(300_000);
  const plan = await planArchive(new SpyStore(memory, { chunkSize: 100_000 }), [root]);
  const heard: Progress[] = [];
  const sizes: number[] = [];
  const stream = plan.stream({ onProgress: (progress) => heard.push(progress) });
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    sizes.push(next.value.length);
    assert.equal(heard.length, sizes.length);
  }
  let bytes = 0;
  assert.deepEqual(heard.map((progress) => progress.bytes), sizes.map((size) => bytes += size));
  assert.ok(heard.every(({ total }) => total === plan.size));
  assert.equal(heard.at(-1)!.bytes, plan.size);
  const names = new Set(plan.entries.map(({ name }) => name));
  assert.ok(heard.every(({ entry }) => names.has(entry)));
  assert.ok(heard.some(({ entry }) => entry === entryOf(plan, 300_000).name));
  assert.equal(heard.at(-1)!.entry, plan.entries.at(-1)!.name);
});

test("onProgress counts a part from its start", async () => {
  const { memory, root } = await imageOf(10);
  const plan = await planArchive(memory, [root]);
  const heard: Progress[] = [];
  await collect(plan.stream({
    start: 100,
    end: 700,
    onProgress: (progress) => heard.push(progress),
  }));
  assert.deepEqual(heard.map(({ bytes, total }) => [bytes, total]), [[600, 600]]);
});

test("what onProgress throws ends the stream, and closes the blob", async () => {
  const { memory, root } = await imageOf(300_000);
  const store = new SpyStore(memory, { chunkSize: 100_000 });
  const plan = await planArchive(store, [root]);
  const broken = new Error("no more room on the screen");
  const { error } = await drain(plan.stream({
    onProgress({ bytes }) {
      if (bytes > 100_000) throw broken;
    },
  }));
  assert.equal(error, broken);
  await macrotask();
  assert.equal(store.openNow, 0);
});
