import { test } from "node:test";
import assert from "node:assert/strict";
import { ByteReader } from "../../src/tar/byte_reader.ts";
import { concat, equal, noise } from "../helpers/bytes.ts";
import { chunked, streamOf } from "../helpers/streams.ts";

/** A reader of 0, 1, 2, … in chunks of these sizes. */
function readerOf(...sizes: number[]): ByteReader {
  let next = 0;
  const chunks = sizes.map((size) => Uint8Array.from({ length: size }, () => next++));
  return new ByteReader(streamOf(chunks));
}

test("some() gives what is there, up to the limit", async () => {
  const reader = readerOf(3, 2);
  assert.deepEqual(await reader.some(10), new Uint8Array([0, 1, 2]));
  assert.deepEqual(await reader.some(1), new Uint8Array([3]));
  assert.deepEqual(await reader.some(1), new Uint8Array([4]));
});

test("some() gives nothing only at the end", async () => {
  const reader = readerOf(0, 1, 0, 0, 1, 0);
  assert.equal((await reader.some(9)).length, 1);
  assert.equal((await reader.some(9)).length, 1);
  assert.equal((await reader.some(9)).length, 0);
  assert.equal((await reader.some(9)).length, 0);
});

test("exactly() puts chunks together", async () => {
  const reader = readerOf(1, 1, 3, 5);
  assert.deepEqual(await reader.exactly(4), new Uint8Array([0, 1, 2, 3]));
  assert.deepEqual(await reader.exactly(6), new Uint8Array([4, 5, 6, 7, 8, 9]));
});

test("exactly() gives fewer only at the end", async () => {
  const reader = readerOf(2, 1);
  assert.deepEqual(await reader.exactly(5), new Uint8Array([0, 1, 2]));
  assert.deepEqual(await reader.exactly(5), new Uint8Array());
});

test("exactly(0) reads nothing", async () => {
  const reader = new ByteReader({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("read")) }),
  });
  assert.deepEqual(await reader.exactly(0), new Uint8Array());
});

test("position counts what was read, not what came", async () => {
  const reader = readerOf(10);
  assert.equal(reader.position, 0);
  await reader.some(3);
  assert.equal(reader.position, 3);
  await reader.exactly(4);
  assert.equal(reader.position, 7);
  await reader.exactly(100);
  assert.equal(reader.position, 10);
});

test("exactly() gives the same bytes from chunks of every size", async () => {
  const bytes = noise(3000);
  for (let size = 1; size <= 1025; size++) {
    const reader = new ByteReader(streamOf(chunked(bytes, size)));
    const parts = [];
    for (const length of [512, 1, 511, 1024, 952]) parts.push(await reader.exactly(length));
    assert.ok(equal(concat(parts), bytes), `chunks of ${size}`);
    assert.equal((await reader.some(1)).length, 0);
  }
});

test("both fail as the stream does", async () => {
  const broken = new Error("broken");
  for (const read of ["some", "exactly"] as const) {
    const reader = new ByteReader(
      new ReadableStream({ pull: (controller) => controller.error(broken) }),
    );
    await assert.rejects(() => reader[read](1), (error) => error === broken);
  }
});

test("close() cancels a stream that has not ended", async () => {
  let cancelled = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(5)),
    cancel: () => void cancelled++,
  }, { highWaterMark: 0 });
  const reader = new ByteReader(stream);
  await reader.some(1);
  await reader.close();
  assert.equal(cancelled, 1);
});
