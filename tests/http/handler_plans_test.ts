import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { createArchiveHandler } from "../../src/http/mod.ts";
import { CountingStore, handlerOf, head, NAME, requestFor } from "./counting_store.ts";

describe("createArchiveHandler() plans", () => {
  test("once for 500 requests at the same time for an image of 5,000 blobs", async () => {
    const store = await CountingStore.create(Array.from({ length: 5000 }, (_, i) => `layer ${i}`));
    const handler = createArchiveHandler({ stores: [store] });
    const responses = await Promise.all(Array.from({ length: 500 }, () => handler(head())));
    assert.ok(responses.every(({ status }) => status === 200));
    assert.equal(store.opened, 1);
    await handler(head());
    assert.equal(store.opened, 1);
  });

  test("once for two ways to say the same", async () => {
    const { store, handler } = await handlerOf();
    await handler(head(NAME, "?platform=linux/arm64,linux/amd64&referrers"));
    await handler(head(NAME, "?platform=linux/aarch64&platform=amd64&referrers=true"));
    assert.equal(store.opened, 1);
  });

  test("anew for other options, and for another name", async () => {
    const { store, handler } = await handlerOf();
    const plain = await handler(head());
    const short = await handler(head(NAME, "?skip-manifest-json"));
    const named = await handler(head(NAME, "?name=example.com/other:2"));
    assert.equal(store.opened, 3);
    const etags = [plain, short, named].map(({ headers }) => headers.get("etag"));
    assert.equal(new Set(etags).size, 3);
  });

  test("anew for another store that has the same image", async () => {
    const stores = [await CountingStore.create(), await CountingStore.create()];
    const [root] = stores[0]!.images;
    const handler = createArchiveHandler({
      resolve: (name) => ({ store: stores[name.includes("other") ? 1 : 0]!, root: root! }),
      hosts: ["docker.io"],
    });
    for (const name of ["one", "other", "one", "other"]) await handler(head(name));
    assert.deepEqual(stores.map(({ opened }) => opened), [1, 1]);
  });

  test("anew where they have become too old, counted from when they were asked for", async () => {
    const { store, handler } = await handlerOf({ planCache: { maxAge: 1000 } });
    const { now } = Date;
    const start = now();
    try {
      for (const [age, opened] of [[0, 1], [999, 1], [1000, 2], [1999, 2], [2000, 3]] as const) {
        Date.now = () => start + age;
        await handler(head());
        assert.equal(store.opened, opened, `after ${age} ms`);
      }
    } finally {
      Date.now = now;
    }
  });

  test("anew where the cache may keep nothing", async () => {
    for (const planCache of [{ maxAge: 0 }, { maxBytes: 0 }]) {
      const { store, handler } = await handlerOf({ planCache });
      await handler(head());
      await handler(head());
      assert.equal(store.opened, 2, JSON.stringify(planCache));
    }
  });

  test("eight at a time, and the others in turn", async () => {
    const { store, handler } = await handlerOf();
    let making = 0;
    let most = 0;
    store.opening = async () => {
      most = Math.max(most, ++making);
      await new Promise((resolve) => setTimeout(resolve, 1));
      making--;
    };
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, i) => handler(head(NAME, `?name=a/a:${i % 25}`))),
    );
    assert.ok(responses.every(({ status }) => status === 200));
    assert.equal(store.opened, 25);
    assert.equal(most, 8);
  });

  test("anew after one that hangs, five minutes later", async () => {
    const { store, handler } = await handlerOf({ planCache: { maxUnderWay: 1 } });
    store.opening = () => new Promise(() => {});
    handler(head());
    while (store.opened < 1) await new Promise((resolve) => setTimeout(resolve, 1));
    store.opening = undefined;
    const { now } = Date;
    const later = now() + 300_000;
    Date.now = () => later;
    try {
      assert.equal((await handler(head())).status, 200);
    } finally {
      Date.now = now;
    }
  });

  test("weigh what they are kept under too", async () => {
    const long = "?" + "platform=linux/amd64&".repeat(300);
    const { store, handler } = await handlerOf({ planCache: { maxBytes: 12_000 } });
    await handler(head(NAME, `${long}name=a/a:1`));
    await handler(head(NAME, `${long}name=b/b:1`));
    await handler(head(NAME, `${long}name=a/a:1`));
    assert.equal(store.opened, 3);
  });

  test("keep the ones asked for last", async () => {
    const { store, handler } = await handlerOf({ planCache: { maxBytes: 11_000 } });
    await handler(head(NAME, "?name=a/a:1"));
    await handler(head(NAME, "?name=b/b:1"));
    assert.equal(store.opened, 2);
    await handler(head(NAME, "?name=a/a:1"));
    await handler(head(NAME, "?name=c/c:1"));
    await handler(head(NAME, "?name=a/a:1"));
    assert.equal(store.opened, 3);
    await handler(head(NAME, "?name=b/b:1"));
    assert.equal(store.opened, 4);
  });

  test("are not kept where they failed", async () => {
    const told: unknown[] = [];
    const { store, handler } = await handlerOf({ onError: (error) => told.push(error) });
    store.failing = new Error("the disk is gone, password=secret");
    const failed = await handler(requestFor(NAME));
    assert.equal(failed.status, 502);
    assert.equal((await failed.json()).code, "BlobReadError");
    assert.equal(told.length, 1);
    store.failing = undefined;
    assert.equal((await handler(head())).status, 200);
  });

  test("live on where a worker's request ends", async () => {
    const { handler } = await handlerOf();
    const waited: Promise<unknown>[] = [];
    await handler(head(), {}, { waitUntil: (promise) => waited.push(promise) });
    assert.equal(waited.length, 1);
    await waited[0];
  });

  test("are no trouble for a worker where they fail", async () => {
    const { store, handler } = await handlerOf();
    store.failing = new Error("disk");
    const waited: Promise<unknown>[] = [];
    await handler(head(), {}, { waitUntil: (promise) => waited.push(promise) });
    assert.deepEqual(await Promise.all(waited), [undefined]);
  });
});
