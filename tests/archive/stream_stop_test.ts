import { test } from "node:test";
import assert from "node:assert/strict";
import { type ArchivePlan, type BlobBody, type ContentStore, planArchive } from "../../mod.ts";
import { drain, macrotask, noise } from "../helpers/bytes.ts";
import { imageOf } from "../helpers/plans.ts";
import { SpyStore } from "../helpers/spy_store.ts";
import { stalledStream } from "../helpers/streams.ts";

// How an archive's stream ends before its end: cancelled, aborted, stalled.

test("a cancel after any chunk closes what is open", async () => {
  const { memory, root } = await imageOf(200_000, 150_000, 100_000);
  for (const lookAhead of [0, 2]) {
    for (let chunks = 0; chunks < 9; chunks++) {
      const store = new SpyStore(memory, { chunkSize: 65_536, lookAhead });
      const reader = (await planArchive(store, [root])).stream().getReader();
      for (let i = 0; i < chunks; i++) await reader.read();
      const before = store.opened.length;
      await reader.cancel();
      await macrotask();
      assert.equal(store.openNow, 0, `after ${chunks} chunks`);
      assert.equal(store.opened.length, before, "and nothing more is opened");
    }
  }
});

test("a cancel reaches a store that has stalled in open()", async () => {
  const late = Promise.withResolvers<BlobBody>();
  const { plan, opened } = await stallingPlan(() => late.promise);
  const reader = plan.stream().getReader();
  const pending = reader.read();
  await opened;
  await reader.cancel(new Error("enough"));
  assert.equal((await pending).done, true);
  const closed = Promise.withResolvers<unknown>();
  late.resolve(stalledStream([], closed.resolve));
  await closed.promise;
});

test("a cancel reaches a blob that has stalled", async () => {
  const closed = Promise.withResolvers<unknown>();
  const { plan, opened } = await stallingPlan(() =>
    Promise.resolve(stalledStream([noise(10)], closed.resolve))
  );
  const reader = plan.stream().getReader();
  const pending = reader.read();
  await opened;
  await macrotask();
  const reason = new Error("enough");
  await reader.cancel(reason);
  assert.equal((await pending).done, true);
  assert.equal(await closed.promise, reason);
});

test("an abort rejects with the signal's reason, wherever the store has stalled", async () => {
  for (
    const body of [
      () => new Promise<BlobBody>(() => {}),
      () => Promise.resolve(stalledStream<Uint8Array>()),
      () => Promise.resolve(stalledStream([noise(10)])),
    ]
  ) {
    const { plan, opened } = await stallingPlan(body);
    const controller = new AbortController();
    const reading = drain(plan.stream({ signal: controller.signal }));
    await opened;
    await macrotask();
    const reason = new Error("enough");
    controller.abort(reason);
    const { failed, error } = await reading;
    assert.deepEqual([failed, error], [true, reason]);
  }
});

test("an abort hands its signal on to the store", async () => {
  const controller = new AbortController();
  let signal: AbortSignal | undefined;
  const { plan, opened } = await stallingPlan((given) => {
    signal = given;
    return new Promise(() => {});
  });
  const reading = drain(plan.stream({ signal: controller.signal }));
  await opened;
  assert.equal(signal!.aborted, false);
  const reason = new Error("enough");
  controller.abort(reason);
  await reading;
  assert.equal(signal!.reason, reason);
});

test("a stream whose signal has aborted opens nothing", async () => {
  const { memory, root } = await imageOf(10);
  const store = new SpyStore(memory);
  const plan = await planArchive(store, [root]);
  store.opened.length = 0;
  const reason = new Error("enough");
  const { error } = await drain(plan.stream({ signal: AbortSignal.abort(reason) }));
  assert.equal(error, reason);
  assert.deepEqual(store.opened, []);
});

/** A plan whose layer is answered by this body; `opened` is done when somebody has asked for it. */
async function stallingPlan(
  body: (signal?: AbortSignal) => Promise<BlobBody>,
): Promise<{ plan: ArchivePlan; opened: Promise<void> }> {
  const { memory, root } = await imageOf(100_000);
  const opened = Promise.withResolvers<void>();
  const store: ContentStore = {
    open(descriptor, options) {
      if (descriptor.size !== 100_000) return memory.open(descriptor, options);
      opened.resolve();
      return body(options?.signal);
    },
  };
  return { plan: await planArchive(store, [root]), opened: opened.promise };
}
