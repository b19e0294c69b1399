import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { createArchiveHandler } from "../../src/http/mod.ts";
import { macrotask } from "../helpers/bytes.ts";
import { CountingStore, handlerOf, head, NAME, ORIGIN, requestFor } from "./counting_store.ts";

describe("createArchiveHandler() hooks", () => {
  test("authorize is asked before all else, with the name", async () => {
    const asked: (string | undefined)[] = [];
    const { store, handler } = await handlerOf({
      authorize(_request, name) {
        asked.push(name);
        return new Response("who are you?", { status: 401 });
      },
    });
    assert.equal((await handler(requestFor(NAME))).status, 401);
    assert.equal((await handler(new Request(`${ORIGIN}/archives`))).status, 401);
    assert.equal((await handler(new Request(ORIGIN))).status, 401);
    assert.deepEqual(asked, [NAME, undefined, undefined]);
    assert.equal(store.opened, 0);
  });

  test("allowName hides a name from the list, and refuses it", async () => {
    const { handler } = await handlerOf({ allowName: (name) => name !== NAME });
    assert.deepEqual(await (await handler(new Request(`${ORIGIN}/archives`))).json(), []);
    assert.equal((await handler(requestFor(NAME))).status, 403);
  });

  test("allowName judges the image's own name, whichever name leads to it", async () => {
    const stores = [await CountingStore.create(["a"]), await CountingStore.create(["b"])];
    const asked: string[] = [];
    const handler = createArchiveHandler({
      stores,
      hosts: ["docker.io"],
      resolve: () => assert.fail("resolve was asked"),
      allowName(name) {
        asked.push(name);
        return false;
      },
    });
    // The second of the two is listed by its digest.
    for (const { images } of stores) {
      assert.equal((await handler(head(images[0]!.digest))).status, 403);
    }
    assert.equal((await handler(head("alpine"))).status, 403);
    assert.deepEqual(asked, [NAME, NAME, "docker.io/library/alpine"]);
    assert.deepEqual(await (await handler(new Request(`${ORIGIN}/archives`))).json(), []);
  });

  test("allowName refuses what is not there as what is", async () => {
    const { handler } = await handlerOf({ allowName: (name) => !name.includes("secret") });
    assert.equal((await handler(head("secret"))).status, 403);
    assert.equal((await handler(head("another"))).status, 404);
  });

  test("authorize is asked again with the image's own name, before anything is resolved", async () => {
    const asked: unknown[] = [];
    const { store, handler } = await handlerOf({
      hosts: ["docker.io"],
      resolve: () => assert.fail("resolve was asked"),
      authorize(_request, name) {
        asked.push(name);
        return name?.includes("library/") ? new Response("no", { status: 401 }) : undefined;
      },
    });
    const { digest } = store.images[0]!;
    assert.equal((await handler(head(digest))).status, 401);
    assert.equal((await handler(head("alpine"))).status, 401);
    assert.deepEqual(asked, [digest, NAME, "alpine", "docker.io/library/alpine"]);
    assert.equal(store.opened, 0);
  });

  test("authorize is asked once with the image's own name", async () => {
    const asked: unknown[] = [];
    const { handler } = await handlerOf({ authorize: (_request, name) => void asked.push(name) });
    assert.equal((await handler(head(NAME))).status, 200);
    assert.deepEqual(asked, [NAME]);
  });

  test("a hook that throws is a 500 that tells nothing", async () => {
    const told: unknown[] = [];
    const { handler } = await handlerOf({
      authorize: () => {
        throw new Error("secret");
      },
      onError: (error) => {
        told.push(error);
        throw new Error("and this one too");
      },
    });
    const response = await handler(requestFor(NAME));
    assert.equal(response.status, 500);
    const { title, detail } = await response.json();
    assert.equal(title, "Internal Server Error");
    assert.equal(detail, "The server failed; its log may tell more");
    assert.equal(told.length, 1);
  });

  test("a hook's response that somebody reads is a 500, which other origins may read", async () => {
    const told: unknown[] = [];
    const refusal = new Response("no", { status: 401 });
    refusal.body!.getReader();
    const { handler } = await handlerOf({
      cors: "*",
      authorize: () => refusal,
      onError: (error) => told.push(error),
    });
    const response = await handler(requestFor(NAME));
    assert.equal(response.status, 500);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.deepEqual(told.map(String), ["Error: Cannot answer with what a hook returned"]);
  });

  test("a response that is no answer leaves as it is", async () => {
    const { handler } = await handlerOf({ cors: "*", authorize: () => Response.error() });
    assert.equal((await handler(requestFor(NAME))).type, "error");
  });

  test("an onError that rejects makes no trouble of its own", async () => {
    const { handler, store } = await handlerOf({
      authorize: (_request, name) => {
        if (name === "boom") throw new Error("hook");
        return undefined;
      },
      onError: () => Promise.reject(new Error("log")),
    });
    assert.equal((await handler(requestFor("boom"))).status, 500);
    await handler(head(NAME));
    store.failing = new Error("disk");
    await assert.rejects((await handler(requestFor(NAME))).arrayBuffer());
    await macrotask();
  });

  test("each may take its time", async () => {
    const { store } = await handlerOf();
    const [descriptor] = store.images;
    const handler = createArchiveHandler({
      list: () => Promise.resolve([{ store, root: { descriptor: descriptor!, names: ["a/a:1"] } }]),
      resolve: (name) =>
        Promise.resolve(name.includes("none") ? undefined : { store, root: descriptor! }),
      hosts: ["docker.io"],
      authorize: () => Promise.resolve(undefined),
      allowName: (name) => Promise.resolve(!name.includes("secret")),
      page: () => Promise.reject(new Error("page")),
    });
    const statuses = ["a/a:1", "alpine", "none", "secret"].map(async (name) =>
      (await handler(head(name))).status
    );
    assert.deepEqual(await Promise.all(statuses), [200, 200, 404, 403]);
    assert.equal((await handler(new Request(ORIGIN))).status, 500);
  });

  test("onError is not told of what the client did wrong", async () => {
    const told: unknown[] = [];
    const { handler } = await handlerOf({ onError: (error) => told.push(error) });
    assert.equal((await handler(head("none"))).status, 404);
    assert.equal((await handler(head(NAME, "?plattform=linux"))).status, 400);
    assert.deepEqual(told, []);
  });

  test("page answers all but the archives", async () => {
    const { handler } = await handlerOf({ page: ({ url }) => new Response(new URL(url).pathname) });
    assert.equal(await (await handler(new Request(`${ORIGIN}/`))).text(), "/");
    assert.equal(await (await handler(new Request(`${ORIGIN}/page.js`))).text(), "/page.js");
    assert.equal((await handler(new Request(`${ORIGIN}/archives`))).status, 200);
  });
});
