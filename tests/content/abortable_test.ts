import { test } from "node:test";
import assert from "node:assert/strict";
import { abortable } from "../../src/content/abortable.ts";

const never = new Promise<never>(() => {});

test("abortable() is the promise's outcome where nobody aborts", async () => {
  const { signal } = new AbortController();
  assert.equal(await abortable(Promise.resolve(1), signal), 1);
  assert.equal(await abortable(Promise.resolve(2), undefined), 2);
  const broken = new Error("broken");
  await assert.rejects(abortable(Promise.reject(broken), signal), (error) => error === broken);
});

test("abortable() is the signal's reason as soon as it aborts, for all who wait", async () => {
  const abort = new AbortController();
  const reason = new Error("enough");
  const outcomes = [1, 2].map(() => abortable(never, abort.signal));
  abort.abort(reason);
  for (const outcome of outcomes) {
    await assert.rejects(outcome, (error) => error === reason);
  }
});

test("abortable() is the reason of a signal that has aborted, whatever the promise does", async () => {
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  for (const promise of [Promise.resolve(1), Promise.reject(new Error("broken")), never]) {
    await assert.rejects(abortable<number>(promise, signal), (error) => error === reason);
  }
});

test("abortable() adds one listener for all who wait, and lets go of those who have their outcome", async () => {
  const target = new EventTarget();
  let listeners = 0;
  let rejected = 0;
  const signal = {
    aborted: false,
    get reason() {
      rejected++;
      return new Error("enough");
    },
    addEventListener(type: string, listener: () => void) {
      listeners++;
      target.addEventListener(type, listener);
    },
  } as unknown as AbortSignal;
  await abortable(Promise.resolve(1), signal);
  await assert.rejects(abortable(Promise.reject(new Error("broken")), signal));
  const waiting = abortable(never, signal);
  target.dispatchEvent(new Event("abort"));
  await assert.rejects(waiting, { message: "enough" });
  assert.deepEqual([listeners, rejected], [1, 1]);
});
