import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Gatherer } from "../../src/archive/gatherer.ts";
import { BufferPool } from "../../src/content/buffer_pool.ts";
import { concat, noise } from "../helpers/bytes.ts";

test("Gatherer puts pieces one behind the other, of any number and size, with a pool or without", () => {
  const sizes = fc.array(fc.nat(3000), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.option(fc.integer({ min: 1, max: 9000 })), (sizes, poolSize) => {
      const gatherer = new Gatherer(poolSize ? new BufferPool(poolSize) : undefined);
      const pieces = sizes.map((size) => noise(size));
      for (const [i, piece] of pieces.entries()) {
        if (i % 2 === 0) gatherer.add(piece);
        else gatherer.reserve(piece.length).set(piece);
      }
      const whole = concat(pieces);
      assert.equal(gatherer.length, whole.length);
      assert.deepEqual(gatherer.take(), whole);
      assert.equal(gatherer.length, 0);
    }),
  );
});

test("take() gives its chunk away: what comes later does not touch it", () => {
  const gatherer = new Gatherer();
  gatherer.add(new Uint8Array([1, 2]));
  const first = gatherer.take();
  gatherer.add(new Uint8Array([3]));
  assert.deepEqual(first, new Uint8Array([1, 2]));
  assert.deepEqual(gatherer.take(), new Uint8Array([3]));
});

test("Gatherer takes its buffers from the pool", () => {
  const pool = new BufferPool(1000);
  const buffer = pool.take();
  pool.give(buffer);
  const gatherer = new Gatherer(pool);
  gatherer.add(new Uint8Array(10));
  assert.equal(gatherer.take().buffer, buffer.buffer);
});
