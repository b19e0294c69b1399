import { test } from "node:test";
import assert from "node:assert/strict";
import { once } from "../../src/content/one_call.ts";
import { macrotask } from "../helpers/bytes.ts";

/** Calls that end when they are told to, each with the signal it got. */
function calls() {
  const made: { signal: AbortSignal; end: (value: string) => void; fail: (e: Error) => void }[] =
    [];
  const call = (signal: AbortSignal) =>
    new Promise<string>((end, fail) => {
      signal.addEventListener("abort", () => fail(signal.reason));
      made.push({ signal, end, fail });
    });
  return { made, call };
}

test("once() calls once, for those who come meanwhile and those who come later", async () => {
  const { made, call } = calls();
  const get = once(call);
  assert.equal(made.length, 0);
  const both = Promise.all([get(), get()]);
  made[0]!.end("value");
  assert.deepEqual(await both, ["value", "value"]);
  assert.equal(await get(), "value");
  assert.equal(made.length, 1);
});

test("once() calls again after a failure", async () => {
  const { made, call } = calls();
  const get = once(call);
  const first = get();
  made[0]!.fail(new Error("broken"));
  await assert.rejects(first, { message: "broken" });
  const second = get();
  made[1]!.end("value");
  assert.equal(await second, "value");
});

test("once() ends the call when the last of its callers has gone", async () => {
  const { made, call } = calls();
  const get = once(call);
  const [one, other] = [new AbortController(), new AbortController()];
  const waiting = [get({ signal: one.signal }), get({ signal: other.signal })];
  one.abort(new Error("one"));
  await assert.rejects(waiting[0]!, { message: "one" });
  assert.ok(!made[0]!.signal.aborted);
  other.abort(new Error("other"));
  await assert.rejects(waiting[1]!, { message: "other" });
  assert.ok(made[0]!.signal.aborted);
  const again = get();
  made[1]!.end("value");
  assert.equal(await again, "value");
});

test("once() calls anew after the last has gone, though the call has not ended", async () => {
  const ends: ((value: string) => void)[] = [];
  const get = once<string>(() => new Promise((end) => ends.push(end)));
  const controller = new AbortController();
  const first = get(controller);
  controller.abort(new Error("gone"));
  await assert.rejects(first, { message: "gone" });
  const second = get();
  ends[0]!("late");
  await macrotask();
  const third = get();
  assert.equal(ends.length, 2);
  ends[1]!("value");
  assert.deepEqual(await Promise.all([second, third]), ["value", "value"]);
});

test("once() begins nothing for a signal that has aborted, and gives it nothing", async () => {
  const { made, call } = calls();
  const get = once(call);
  const signal = AbortSignal.abort(new Error("gone"));
  await assert.rejects(() => get({ signal }), { message: "gone" });
  assert.equal(made.length, 0);
  const first = get();
  made[0]!.end("value");
  await first;
  await assert.rejects(() => get({ signal }), { message: "gone" });
});
