import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { inOrder } from "../../src/archive/in_order.ts";

async function all<T>(outcomes: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const outcome of outcomes) list.push(outcome);
  return list;
}

/** A task that somebody else ends. */
function tasks() {
  const ends = new Map<number, PromiseWithResolvers<string>>();
  const run = (item: number) => {
    const end = Promise.withResolvers<string>();
    ends.set(item, end);
    return end.promise;
  };
  return { ends, run };
}

test("inOrder() yields the outcomes in the items' order, whichever is done first", async () => {
  const delays = [5, 1, 3, 0, 2];
  const task = async (delay: number) => {
    for (let i = 0; i < delay; i++) await Promise.resolve();
    return delay * 10;
  };
  for (const atATime of [1, 2, 5, 100]) {
    assert.deepEqual(await all(inOrder(delays, atATime, task)), [50, 10, 30, 0, 20]);
  }
});

test("inOrder() yields nothing for nothing", async () => {
  assert.deepEqual(await all(inOrder([], 3, () => Promise.resolve(1))), []);
});

test("inOrder() starts nothing before somebody asks", async () => {
  const started: number[] = [];
  const outcomes = inOrder([1, 2, 3], 2, (item) => {
    started.push(item);
    return Promise.resolve(item);
  });
  await Promise.resolve();
  assert.deepEqual(started, []);
  await outcomes.next();
  assert.deepEqual(started, [1, 2]);
  await outcomes.next();
  assert.deepEqual(started, [1, 2, 3]);
});

test("inOrder() takes its items one by one, no more than it needs", async () => {
  let taken = 0;
  function* endless() {
    for (;;) yield taken++;
  }
  const outcomes = inOrder(endless(), 3, (item) => Promise.resolve(item));
  assert.equal((await outcomes.next()).value, 0);
  assert.equal(taken, 3);
  await outcomes.return(undefined);
  assert.equal(taken, 3);
});

test("inOrder() never runs more than so many at a time, for any number", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(5), { maxLength: 20 }),
      fc.integer({ min: 1, max: 8 }),
      async (delays, atATime) => {
        let running = 0;
        const task = async (delay: number) => {
          running++;
          assert.ok(running <= atATime);
          for (let i = 0; i < delay; i++) await Promise.resolve();
          running--;
          return delay;
        };
        assert.deepEqual(await all(inOrder(delays, atATime, task)), delays);
      },
    ),
  );
});

test("inOrder() throws the failure that is first in order, not in time", async () => {
  const { ends, run } = tasks();
  const outcomes = inOrder([1, 2, 3], 3, run);
  const first = outcomes.next();
  ends.get(3)!.reject(new Error("third"));
  ends.get(2)!.reject(new Error("second"));
  ends.get(1)!.resolve("one");
  assert.equal((await first).value, "one");
  await assert.rejects(outcomes.next(), /second/);
  assert.equal((await outcomes.next()).done, true);
});

test("inOrder() drops the outcomes that nobody took", async () => {
  const { ends, run } = tasks();
  const dropped: string[] = [];
  const outcomes = inOrder([1, 2, 3, 4], 3, run, (outcome) => dropped.push(outcome));
  const first = outcomes.next();
  ends.get(1)!.resolve("one");
  await first;
  ends.get(2)!.resolve("two");
  await outcomes.return(undefined);
  ends.get(3)!.resolve("three");
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(dropped, ["two", "three"]);
  assert.equal(ends.has(4), false, "never started");
});

test("inOrder() drops what is left after a failure", async () => {
  const { ends, run } = tasks();
  const dropped: string[] = [];
  const outcomes = inOrder([1, 2], 2, run, (outcome) => dropped.push(outcome));
  const first = outcomes.next();
  ends.get(2)!.resolve("two");
  ends.get(1)!.reject(new Error("first"));
  await assert.rejects(first, /first/);
  await Promise.resolve();
  assert.deepEqual(dropped, ["two"]);
});

test("inOrder() refuses to run fewer than one at a time", async () => {
  for (const atATime of [0, -1, NaN, 0.5]) {
    await assert.rejects(
      all(inOrder([1], atATime, (item) => Promise.resolve(item))),
      RangeError,
      String(atATime),
    );
  }
});

test("inOrder() minds no failure that nobody has asked for, or will", async () => {
  const slow = Promise.withResolvers<string>();
  const late = Promise.withResolvers<string>();
  const outcomes = inOrder(["slow", "fails", "late"], 3, (item) => {
    if (item === "fails") return Promise.reject(new Error("nobody asks"));
    return item === "slow" ? slow.promise : late.promise;
  });
  const first = outcomes.next();
  // A rejection that nobody takes would end the process by now.
  await new Promise((resolve) => setTimeout(resolve, 5));
  slow.resolve("slow");
  assert.equal((await first).value, "slow");
  await outcomes.return(undefined);
  late.reject(new Error("nobody asks"));
  await new Promise((resolve) => setTimeout(resolve, 5));
});
