import { test } from "node:test";
import assert from "node:assert/strict";
import { BufferPool } from "../../mod.ts";

test("take() gives a buffer of the pool's size, 4 MiB where none was said", () => {
  assert.equal(new BufferPool().size, 4_194_304);
  assert.equal(new BufferPool().take().length, 4_194_304);
  assert.equal(new BufferPool(100).take().length, 100);
});

test("take() gives what give() took, and fresh buffers otherwise", () => {
  const pool = new BufferPool(8);
  const [one, other] = [pool.take(), pool.take()];
  assert.notEqual(one.buffer, other.buffer);
  pool.give(one);
  assert.equal(pool.take().buffer, one.buffer);
  assert.notEqual(pool.take().buffer, one.buffer);
});

test("give() takes a part for its whole buffer", () => {
  const pool = new BufferPool(8);
  const buffer = pool.take();
  pool.give(buffer.subarray(3, 5));
  const again = pool.take();
  assert.equal(again.buffer, buffer.buffer);
  assert.equal(again.length, 8);
});

test("give() takes a buffer once, however often it is given", () => {
  const pool = new BufferPool(8);
  const buffer = pool.take();
  for (let i = 0; i < 3; i++) pool.give(buffer.subarray(i));
  assert.notEqual(pool.take().buffer, pool.take().buffer);
});

test("give() takes a buffer of another pool of the same size, and no other", () => {
  const pool = new BufferPool(8);
  for (const size of [0, 7, 8, 9]) {
    const foreign = new Uint8Array(size);
    pool.give(foreign);
    assert.notEqual(pool.take().buffer, foreign.buffer);
  }
  const sister = new BufferPool(8).take();
  pool.give(sister);
  assert.equal(pool.take().buffer, sister.buffer);
});

test("give() takes no shared memory, whatever its size", {
  skip: !("SharedArrayBuffer" in globalThis),
}, () => {
  const pool = new BufferPool(8);
  const { byteLength } = pool.take().buffer;
  const shared = new SharedArrayBuffer(byteLength);
  pool.give(new Uint8Array(shared));
  assert.ok(pool.take().buffer instanceof ArrayBuffer);
});

test("give() leaves a buffer that was transferred away", () => {
  const pool = new BufferPool(8);
  const buffer = pool.take();
  structuredClone(buffer, { transfer: [buffer.buffer] });
  pool.give(buffer);
  assert.equal(pool.take().length, 8);
});

test("take() gives the buffer first that was given last", () => {
  const pool = new BufferPool(8);
  const [first, second] = [pool.take(), pool.take()];
  pool.give(first);
  pool.give(second);
  assert.equal(pool.take().buffer, second.buffer);
  assert.equal(pool.take().buffer, first.buffer);
});

test("takeSmall() cuts pieces that do not overlap, of any length", () => {
  const pool = new BufferPool();
  const pieces = [1000, 60_000, 0, 5000, 1, 100_000].map((length, i) => {
    const piece = pool.takeSmall(length);
    assert.equal(piece.length, length);
    return piece.fill(i);
  });
  for (const [i, piece] of pieces.entries()) assert.ok(piece.every((byte) => byte === i));
});

test("give() takes the small piece that was cut last, also where its end was cut off", () => {
  const pool = new BufferPool();
  const first = pool.takeSmall(10);
  const second = pool.takeSmall(10);
  pool.give(second.subarray(0, 9));
  assert.equal(pool.takeSmall(5).byteOffset, second.byteOffset);
  // What was cut before is still in use.
  pool.give(first);
  const next = pool.takeSmall(5);
  assert.equal(next.buffer, first.buffer);
  assert.equal(next.byteOffset, second.byteOffset + 5);
});

test("give() of something else leaves the small piece that was cut last in use", () => {
  const pool = new BufferPool(8);
  for (const other of [new Uint8Array(10), pool.take(), new Uint8Array(100).subarray(10)]) {
    const piece = pool.takeSmall(10);
    pool.give(other);
    const next = pool.takeSmall(10);
    assert.equal(next.byteOffset, piece.byteOffset + 10);
  }
});

test("give() never gives small pieces out as large buffers", () => {
  const pool = new BufferPool(64 << 10);
  const piece = pool.takeSmall(10);
  pool.give(piece);
  assert.notEqual(pool.take().buffer, piece.buffer);
});
