import { test } from "node:test";
import assert from "node:assert/strict";
import { type ArchiveEntry, planArchive } from "../../mod.ts";
import { isMedium, isWorthAThread } from "../../src/cli/medium_blobs.ts";
import { imageOf } from "../helpers/plans.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;

test("isMedium() from 64 KiB to less than 1 MiB", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const sizes = [0, 64 * KIB - 1, 64 * KIB, MIB - 1, MIB];
  const medium = sizes.filter((size) => isMedium({ mediaType: "", digest, size }));
  assert.deepEqual(medium, [64 * KIB, MIB - 1]);
});

test("isMedium() leaves out what is hashed slowly, and what stands in its descriptor", () => {
  const blob = { mediaType: "", digest: `sha512:${"a".repeat(128)}`, size: 64 * KIB };
  assert.ok(isMedium(blob));
  assert.ok(!isMedium({ ...blob, digest: `blake3:${"a".repeat(64)}` }));
  assert.ok(!isMedium({ ...blob, data: "YQ==" }));
});

test("isWorthAThread() only for 200 MB of them", async () => {
  const { memory, root } = await imageOf(64 * KIB);
  const plan = await planArchive(memory, [root]);
  assert.ok(!isWorthAThread(plan));
  const medium = plan.entries.find(({ size }) => size === 64 * KIB)!;
  const cores = globalThis.navigator?.hardwareConcurrency ?? 2;
  const planOf = (entries: ArchiveEntry[]) => ({ size: 1e9, entries });
  assert.equal(isWorthAThread(planOf(Array(3052).fill(medium))), cores > 1);
  assert.ok(!isWorthAThread(planOf(Array(3051).fill(medium))));
  assert.ok(!isWorthAThread(planOf(Array(1000).fill({ ...medium, descriptor: undefined }))));
});

test("isWorthAThread() asks for no entry where the archive is too small", () => {
  const plan = {
    size: 200e6 - 1,
    get entries(): never {
      throw new Error("to list them takes time");
    },
  };
  assert.ok(!isWorthAThread(plan));
});
