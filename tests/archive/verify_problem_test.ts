import { test } from "node:test";
import assert from "node:assert/strict";
import { MemoryStore, planArchive, verifyArchive } from "../../mod.ts";
import { collect, noise } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";
import { chunked, streamOf } from "../helpers/streams.ts";

/** An archive, one byte of its first large blob changed. */
async function damagedArchive() {
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers: [noise(100_000), noise(100_000, 2)] });
  const plan = await planArchive(store, [manifest]);
  const { bodyOffset, name } = plan.entries.find(({ size }) => size === 100_000)!;
  const bytes = await collect(plan.stream());
  bytes[bodyOffset + 5]! ^= 1;
  return { bytes, name, size: plan.size };
}

test("verifyArchive() tells onProblem of a problem before it has read on", async () => {
  const { bytes, name } = await damagedArchive();
  const told: string[] = [];
  const entries: string[] = [];
  const report = await verifyArchive(streamOf(chunked(bytes, 4096)), {
    onProgress: ({ entry }) => entries.push(entry),
    onProblem: ({ code, name }) => told.push(`${code} ${name} after ${entries.at(-1)}`),
  });
  assert.deepEqual(told, [`digest ${name} after ${name}`]);
  assert.deepEqual(report.problems.map(({ name }) => name), [name]);
  assert.equal(entries.at(-1), "oci-layout");
});

test("verifyArchive() stops where onProblem throws, and cancels the stream", async () => {
  const { bytes, size } = await damagedArchive();
  let read = 0;
  let cancelled = false;
  const chunks = chunked(bytes, 4096);
  const archive = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { value } = chunks.next();
      read += value!.length;
      controller.enqueue(value!);
    },
    cancel() {
      cancelled = true;
    },
  }, { highWaterMark: 0 });
  const enough = new Error("enough");
  const onProblem = () => {
    throw enough;
  };
  await assert.rejects(verifyArchive(archive, { onProblem }), enough);
  assert.ok(cancelled);
  assert.ok(read < size / 2 + 8192, `${read} of ${size} bytes read`);
});
