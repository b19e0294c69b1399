import { test } from "node:test";
import assert from "node:assert/strict";
import { planArchive } from "../../mod.ts";
import { pullStream } from "../../src/archive/pull_stream.ts";
import { drain } from "../helpers/bytes.ts";
import { imageOf } from "../helpers/plans.ts";

/** Waits for the signal, and throws its reason: what a source does that has stalled. */
function stall(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

test("pullStream() gives what the generator yields", async () => {
  const stream = pullStream(async function* () {
    yield 1;
    yield 2;
  });
  assert.deepEqual(await drain(stream), { chunks: [1, 2], failed: false });
});

test("pullStream() runs nothing before the first pull, and one step a pull", async () => {
  const steps: string[] = [];
  const reader = pullStream(async function* () {
    steps.push("first");
    yield 1;
    steps.push("second");
    yield 2;
  }).getReader();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(steps, []);
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(steps, ["first"]);
  await reader.read();
  assert.deepEqual(steps, ["first", "second"]);
});

test("pullStream() fails as the generator does, and tells it to stop", async () => {
  const broken = new Error("broken");
  let signal!: AbortSignal;
  const stream = pullStream(async function* (given) {
    signal = given;
    yield 1;
    throw broken;
  });
  assert.deepEqual(await drain(stream), { chunks: [1], failed: true, error: broken });
  assert.equal(signal.reason, broken);
});

test("pullStream() minds no failure of the generator's finally once it is told to stop", async () => {
  const generate = async function* () {
    try {
      yield 1;
      yield 2;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error("cannot close");
    }
  };
  const cancelled = pullStream(generate).getReader();
  await cancelled.read();
  await cancelled.cancel();
  const controller = new AbortController();
  const aborted = pullStream(generate, controller).getReader();
  await aborted.read();
  controller.abort(new Error("enough"));
  await assert.rejects(aborted.read(), { message: "enough" });
  await new Promise((resolve) => setTimeout(resolve));
});

test("pullStream() ends a waiting generator by its finally when cancelled", async () => {
  const log: unknown[] = [];
  const reader = pullStream(async function* (signal) {
    try {
      yield 1;
      yield 2;
    } finally {
      log.push(signal.reason);
    }
  }).getReader();
  await reader.read();
  await reader.cancel("enough");
  assert.deepEqual(log, ["enough"]);
});

test("pullStream() never runs a generator that is cancelled before the first pull", async () => {
  let ran = false;
  const stream = pullStream(async function* () {
    ran = true;
    yield 1;
  });
  await stream.cancel();
  assert.equal(ran, false);
});

test("pullStream() ends a stalled generator when cancelled, and waits for its end", async () => {
  const log: unknown[] = [];
  const reader = pullStream<number>(async function* (signal) {
    try {
      yield await stall(signal);
    } finally {
      await new Promise((resolve) => setTimeout(resolve));
      log.push(signal.reason);
    }
  }).getReader();
  const pending = reader.read();
  await new Promise((resolve) => setTimeout(resolve));
  await reader.cancel("enough");
  assert.deepEqual(log, ["enough"]);
  assert.equal((await pending).done, true);
});

test("pullStream() fails with the reason of its signal, though the generator has stalled", async () => {
  const ended = Promise.withResolvers<unknown>();
  const controller = new AbortController();
  const stream = pullStream<number>(async function* (signal) {
    try {
      yield await stall(signal);
    } finally {
      ended.resolve(signal.reason);
    }
  }, controller);
  const reading = drain(stream);
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason));
  const { failed, error } = await reading;
  assert.deepEqual([failed, error], [true, reason]);
  assert.equal(await ended.promise, reason);
});

test("pullStream() fails at once where its signal has aborted", async () => {
  const reason = new Error("enough");
  let ran = false;
  const stream = pullStream(async function* () {
    ran = true;
    yield 1;
  }, { signal: AbortSignal.abort(reason) });
  assert.deepEqual(await drain(stream), { chunks: [], failed: true, error: reason });
  assert.equal(ran, false);
});

test("pullStream() fails with the signal's reason, whatever the generator throws then", async () => {
  const controller = new AbortController();
  const stream = pullStream<number>(async function* (signal) {
    yield await stall(signal).catch(() => {
      throw new Error("its own");
    });
  }, controller);
  const reading = drain(stream);
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason));
  assert.equal((await reading).error, reason);
});

test("pullStream() takes an abort after the end in silence", async () => {
  const controller = new AbortController();
  const stream = pullStream(async function* () {
    yield 1;
  }, controller);
  await drain(stream);
  controller.abort();
});

test("pullStream() leaves no listener on the signal, however it ends", async () => {
  const outcomes: [name: string, end: (stream: ReadableStream<number>) => Promise<unknown>][] = [
    ["read to the end", drain],
    ["cancelled", (stream) => stream.cancel()],
  ];
  for (const [name, end] of outcomes) {
    let listeners = 0;
    const signal = {
      aborted: false,
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    } as unknown as AbortSignal;
    await end(pullStream(async function* () {
      yield 1;
    }, { signal }));
    assert.equal(listeners, 0, name);
  }
});

test("pullStream() tells the runtime how many bytes to expect, where somebody knows", async () => {
  const original = globalThis.ReadableStream;
  const Stream = original as unknown as new (source?: object, strategy?: object) => object;
  const sources: unknown[] = [];
  const generate = async function* () {};
  try {
    globalThis.ReadableStream = class extends Stream {
      constructor(source: { expectedLength?: number }, strategy: object) {
        super(source, strategy);
        sources.push(source.expectedLength);
      }
    } as unknown as typeof original;
    await pullStream(generate, { expectedLength: 5 }).cancel();
    await pullStream(generate, { expectedLength: 0 }).cancel();
    await pullStream(generate).cancel();
    const { memory, root } = await imageOf(10);
    const plan = await planArchive(memory, [root]);
    await plan.stream().cancel();
    await plan.stream({ start: 10, end: 30 }).cancel();
    assert.deepEqual(sources, [5, 0, undefined, plan.size, 20]);
  } finally {
    globalThis.ReadableStream = original;
  }
});
