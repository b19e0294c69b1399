import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { RING_SIZE, RingLayout } from "../../src/cli/ring_layout.ts";

const MIB = 1 << 20;

test("place() keeps files apart for which hasRoom(), each whole and with a byte to spare", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: MIB }), { minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(sizes, (sizes) => {
      const layOut = new RingLayout(new Float64Array(sizes));
      let released = 0;
      for (let file = 0; file < sizes.length; file++) {
        while (!layOut.hasRoom(file, released)) released++;
        const start = layOut.place(file);
        const end = start + sizes[file]! + 1;
        assert.ok(end <= RING_SIZE);
        for (let other = released; other < file; other++) {
          const place = layOut.place(other);
          assert.ok(end <= place || place + sizes[other]! + 1 <= start, `${file} and ${other}`);
        }
      }
    }),
  );
});

test("hasRoom() as long as all files fit", () => {
  const layOut = new RingLayout(new Float64Array(9).fill(MIB - 1));
  assert.ok(layOut.hasRoom(7, 0));
  assert.ok(!layOut.hasRoom(8, 0));
  assert.ok(layOut.hasRoom(8, 1));
});
