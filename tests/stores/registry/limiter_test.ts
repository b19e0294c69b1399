import { test } from "node:test";
import assert from "node:assert/strict";
import { Limiter } from "../../../src/content/limiter.ts";
import { RegistryStore } from "../../../src/stores/registry/registry.ts";
import { collect } from "../../helpers/bytes.ts";
import { countingSignal } from "../../helpers/counting_signal.ts";
import { brokenBody, FakeRegistry } from "./fake_registry.ts";

/** A task that ends when it is told to. */
function gate(): { task: () => Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { task: () => promise, open: resolve };
}

const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("run() runs so many at a time, those who wait in their order", async () => {
  const limiter = new Limiter(2);
  const begun: number[] = [];
  let [running, most] = [0, 0];
  for (const round of [0, 10]) {
    await Promise.all(Array.from({ length: 8 }, (_, i) =>
      limiter.run(async () => {
        begun.push(round + i);
        most = Math.max(most, ++running);
        await nextTurn();
        running--;
      })));
  }
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17]);
  assert.equal(most, 2);
});

test("run() leaves no listener on the signal of a task that waited and ran", async () => {
  const limiter = new Limiter(1);
  const { task, open } = gate();
  const first = limiter.run(task);
  const { signal, listeners } = countingSignal();
  const second = limiter.run(() => Promise.resolve("ran"), { signal });
  open();
  await first;
  assert.equal(await second, "ran");
  assert.equal(listeners(), 0);
});

test("run() lets those who left the line before their turn go at once, and never runs them", async () => {
  const limiter = new Limiter(1);
  const { task, open } = gate();
  const first = limiter.run(task);
  const controller = new AbortController();
  const ran: string[] = [];
  const note = (name: string) => () => Promise.resolve(void ran.push(name));
  const gone = limiter.run(note("gone"), { signal: controller.signal });
  const stays = limiter.run(note("stays"));
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(gone, (error) => error === reason);
  open();
  await Promise.all([first, stays]);
  assert.deepEqual(ran, ["stays"]);
});

test("run() does not begin for a signal that has aborted before, nor lose a place over it", async () => {
  const limiter = new Limiter(1);
  const signal = AbortSignal.abort(new Error("enough"));
  for (let i = 0; i < 3; i++) {
    await assert.rejects(limiter.run(() => assert.fail("ran"), { signal }), /enough/);
  }
  assert.equal(await limiter.run(() => Promise.resolve("free")), "free");
});

test("run() gives its place on when the abort comes together with the turn", async () => {
  const limiter = new Limiter(1);
  const { task, open } = gate();
  const first = limiter.run(task);
  const controller = new AbortController();
  const { signal } = controller;
  const second = limiter.run(() => Promise.resolve("second"), { signal }).catch(() => "gone");
  open();
  await first;
  controller.abort();
  await second;
  assert.equal(await limiter.run(() => Promise.resolve("free")), "free");
});

for (const call of ["open", "exists", "resolve"] as const) {
  test(`${call}() that waits in line ends with its signal, and sends nothing`, async () => {
    const registry = new FakeRegistry();
    const { config } = await registry.addImage();
    registry.interceptions.push(() => new Promise(() => {}));
    const store = new RegistryStore(registry.image, { fetch: registry.fetch, concurrency: 1 });
    const blocker = new AbortController();
    const blocked = store.exists(config, { signal: blocker.signal }).catch(() => {});
    await nextTurn();
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = call === "resolve"
      ? store.resolve("latest", { signal })
      : store[call](config, { signal });
    await nextTurn();
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    assert.equal(registry.seen.length, 1);
    blocker.abort();
    await blocked;
  });
}

test("a body that waits in line for its next bytes ends with its signal", async () => {
  const registry = new FakeRegistry();
  const { config, layers: [layer] } = await registry.addImage();
  registry.interceptions.push(({ url }) =>
    url.pathname.endsWith(layer!.digest) ? new Response(brokenBody([], "stalls")) : undefined
  );
  const store = new RegistryStore(registry.image, {
    fetch: registry.fetch,
    concurrency: 1,
    lookAhead: 0,
  });
  const controller = new AbortController();
  const body = await store.open(config, { signal: controller.signal });
  const stalled = (await store.open(layer!)) as ReadableStream<Uint8Array>;
  const reader = stalled.getReader();
  const pending = reader.read();
  await nextTurn();
  const collected = collect(body);
  await nextTurn();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(collected, (error) => error === reason);
  await reader.cancel();
  await pending;
});
