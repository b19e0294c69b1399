import { describe, test } from "node:test";
import assert from "node:assert/strict";
import {
  type ContentStore,
  type Descriptor,
  MemoryStore,
  planArchive,
  type Roots,
} from "../../mod.ts";
import {
  type ArchiveHandlerOptions,
  archivePage,
  createArchiveHandler,
  type ListedImage,
} from "../../src/http/mod.ts";
import { addImage, addIndex } from "../helpers/image.ts";

const ORIGIN = "http://localhost";
const OTHER = `sha256:${"0".repeat(64)}`;
const NAME = "docker.io/library/app:1.0";

/** A store with one image, that counts what is opened. */
class CountingStore implements ContentStore, Roots {
  opened = 0;
  failing: Error | undefined;
  /** What each opening waits for. */
  opening: (() => Promise<unknown>) | undefined;
  blobs = new MemoryStore();
  images: Descriptor[] = [];

  static async create(layers: readonly string[] = ["layer"], name = NAME): Promise<CountingStore> {
    const store = new CountingStore();
    const { manifest } = await addImage(store.blobs, { layers });
    store.images.push({ ...manifest, annotations: { "io.containerd.image.name": name } });
    return store;
  }

  roots(): Promise<Descriptor[]> {
    return Promise.resolve(this.images);
  }

  async open(descriptor: Descriptor): Promise<Uint8Array> {
    this.opened++;
    if (this.failing) throw this.failing;
    await (this.opening?.() ?? new Promise((resolve) => setTimeout(resolve)));
    return await this.blobs.open(descriptor);
  }
}

function requestFor(name: string, { query = "", method = "GET", headers = {} } = {}): Request {
  const url = `${ORIGIN}/archives/${encodeURIComponent(name)}.tar${query}`;
  return new Request(url, { method, headers });
}

async function handlerOf(options: Partial<ArchiveHandlerOptions> = {}) {
  const store = await CountingStore.create();
  return { store, handler: createArchiveHandler({ stores: [store], ...options }) };
}

const head = (name = NAME, query = "") => requestFor(name, { query, method: "HEAD" });

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

  test("anew after one that hangs, five minutes later", async (t) => {
    const { store, handler } = await handlerOf({ planCache: { maxUnderWay: 1 } });
    store.opening = () => new Promise(() => {});
    handler(head());
    while (store.opened < 1) await new Promise((resolve) => setTimeout(resolve, 1));
    store.opening = undefined;
    const later = Date.now() + 300_000;
    t.mock.method(Date, "now", () => later);
    assert.equal((await handler(head())).status, 200);
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
});

describe("createArchiveHandler() finds", () => {
  test("an image by its digest too", async () => {
    const { store, handler } = await handlerOf();
    assert.equal((await handler(head(store.images[0]!.digest))).status, 200);
  });

  test("the first of two images with one name by it, the other by its digest", async () => {
    const stores = [await CountingStore.create(["a"]), await CountingStore.create(["b"])];
    const handler = createArchiveHandler({ stores });
    const list: ListedImage[] = await (await handler(new Request(`${ORIGIN}/archives`))).json();
    const digest = stores[1]!.images[0]!.digest;
    assert.deepEqual(list.map(({ name }) => name), [NAME, digest]);
    for (const { url } of list) {
      assert.equal((await handler(new Request(ORIGIN + url, { method: "HEAD" }))).status, 200);
    }
  });

  test("an image whose name no URL can have, by its digest", async () => {
    const store = await CountingStore.create(["a"], "lone \ud800");
    store.images.push({ ...store.images[0]!, annotations: undefined, digest: OTHER });
    const handler = createArchiveHandler({ stores: [store] });
    const list: ListedImage[] = await (await handler(new Request(`${ORIGIN}/archives`))).json();
    assert.deepEqual(list.map(({ name }) => name), [store.images[0]!.digest, OTHER]);
    assert.equal((await handler(new Request(ORIGIN))).status, 200);
    const url = `${ORIGIN}${list[0]!.url}?name=a/b:1`;
    assert.equal((await handler(new Request(url))).status, 200);
  });

  test("what list() gives, under the names that the roots have", async () => {
    const store = await CountingStore.create();
    const [descriptor] = store.images;
    const bare = { ...descriptor!, annotations: undefined };
    const handler = createArchiveHandler({
      list: () => [{ store, root: { descriptor: bare, names: ["ghcr.io/a/b:2"] } }],
    });
    const plan = await planArchive(store, [{ descriptor: bare, names: ["ghcr.io/a/b:2"] }]);
    assert.equal((await handler(head("ghcr.io/a/b:2"))).headers.get("etag"), plan.etag);
  });

  test("by resolve() only what is on an allowed host, in full", async () => {
    const store = await CountingStore.create();
    const asked: string[] = [];
    const handler = createArchiveHandler({
      hosts: ["docker.io"],
      resolve(reference) {
        asked.push(reference);
        return reference.includes("none") ? undefined : { store, root: store.images[0]! };
      },
    });
    assert.equal((await handler(head("alpine:3"))).status, 200);
    assert.equal((await handler(head("none"))).status, 404);
    assert.equal((await handler(head("evil.example/alpine:3"))).status, 403);
    assert.equal((await handler(head("169.254.169.254/x"))).status, 403);
    assert.equal((await handler(head("Not A Name"))).status, 400);
    assert.deepEqual(asked, ["docker.io/library/alpine:3", "docker.io/library/none"]);
  });

  test("nothing by resolve() without hosts, and nothing without sources", () => {
    assert.throws(() => createArchiveHandler({ resolve: () => undefined }), TypeError);
    assert.throws(() => createArchiveHandler({}), TypeError);
  });
});

describe("createArchiveHandler() takes of a query", () => {
  test("no name that is none, for an index either", async () => {
    const store = new MemoryStore();
    const { manifest } = await addImage(store);
    const index = await addIndex(store, [manifest]);
    for (const root of [manifest, index]) {
      const handler = createArchiveHandler({ list: () => [{ store, root }] });
      const response = await handler(requestFor(root.digest, { query: "?name=Not%20A%20Name" }));
      assert.equal(response.status, 400);
      assert.equal((await response.json()).code, "InvalidReferenceError");
      assert.equal((await handler(head(root.digest, "?name=a/b:1"))).status, 200);
    }
  });

  test("8,192 characters at most", async () => {
    const { store, handler } = await handlerOf();
    const query = `?platform=${"linux/amd64,".repeat(700)}`;
    assert.equal((await handler(head(NAME, query))).status, 400);
    assert.equal(store.opened, 0);
  });

  test("nothing where it may have no options", async () => {
    const { handler } = await handlerOf({ allowQuery: false });
    assert.equal((await handler(head(NAME))).status, 200);
    assert.equal((await handler(head(NAME, "?referrers"))).status, 400);
  });
});

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
    assert.ok(!(await response.text()).includes("secret"));
    assert.equal(told.length, 1);
  });

  test("page answers all but the archives", async () => {
    const { handler } = await handlerOf({ page: ({ url }) => new Response(new URL(url).pathname) });
    assert.equal(await (await handler(new Request(`${ORIGIN}/`))).text(), "/");
    assert.equal(await (await handler(new Request(`${ORIGIN}/page.js`))).text(), "/page.js");
    assert.equal((await handler(new Request(`${ORIGIN}/archives`))).status, 200);
  });
});

describe("createArchiveHandler() answers", () => {
  test("under a base path", async () => {
    const { handler } = await handlerOf({ basePath: "/images" });
    const list: ListedImage[] = await (await handler(new Request(`${ORIGIN}/images/archives`)))
      .json();
    assert.equal(list[0]!.url, `/images/archives/${encodeURIComponent(NAME)}.tar`);
    assert.equal((await handler(new Request(ORIGIN + list[0]!.url))).status, 200);
    assert.equal((await handler(requestFor(NAME))).status, 404);
  });

  test("the page at its base path only, with a slash at its end", async () => {
    const { handler } = await handlerOf({ basePath: "/images", page: archivePage() });
    const get = (path: string) => handler(new Request(ORIGIN + path));
    const moved = await get("/images?a=b");
    assert.equal(moved.status, 308);
    assert.equal(moved.headers.get("location"), "/images/?a=b");
    assert.equal((await get("/images/")).status, 200);
    for (const path of ["/", "/other/", "/images/sub/", "/images/page.js", "/imagesx"]) {
      assert.equal((await get(path)).status, 404, path);
    }
  });

  test("304 to who has the list, the plan, the tree or the page already", async () => {
    const { handler } = await handlerOf({ page: archivePage() });
    const image = `/archives/${encodeURIComponent(NAME)}`;
    for (const path of ["/", "/archives", `${image}.json`, `${image}.tree`]) {
      const first = await handler(new Request(ORIGIN + path));
      const etag = first.headers.get("etag")!;
      assert.match(etag, /^"[0-9a-f]{64}"$/);
      const ask = (headers: HeadersInit) => handler(new Request(ORIGIN + path, { headers }));
      const again = await ask({ "if-none-match": etag });
      assert.equal(again.status, 304, path);
      assert.equal(again.headers.get("etag"), etag);
      assert.equal(await again.text(), "");
      assert.equal((await ask({ "if-none-match": '"a"' })).status, 200);
      assert.equal((await ask({ "if-match": '"a"' })).status, 412);
    }
  });

  test("nothing whose type may be guessed", async () => {
    const { handler } = await handlerOf({ page: archivePage() });
    for (const path of ["/", "/archives", "/none", "/archives/none.tar", `/archives/${NAME}.tar`]) {
      const response = await handler(new Request(ORIGIN + path));
      assert.equal(response.headers.get("x-content-type-options"), "nosniff", path);
      await response.body?.cancel();
    }
  });

  test("one range where each blob is verified, and the whole for several", async () => {
    const { handler } = await handlerOf({ responseOptions: { verify: "blob" } });
    for (const [range, status] of [["bytes=0-9", 206], ["bytes=0-9,20-29", 200]] as const) {
      const response = await handler(requestFor(NAME, { headers: { range } }));
      assert.equal(response.status, status);
      await response.body?.cancel();
    }
  });

  test("pages of every origin where all are allowed", async () => {
    const { handler } = await handlerOf({ cors: "*" });
    const response = await handler(requestFor("none/none", { headers: { origin: "https://a.b" } }));
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
  });

  test("for a stored image with a name that is none, with how to go on", async () => {
    const store = await CountingStore.create(["a"], "Not A Name");
    const handler = createArchiveHandler({ stores: [store] });
    const response = await handler(requestFor("Not A Name"));
    assert.equal(response.status, 422);
    const { code, detail } = await response.json();
    assert.equal(code, "StoredNameError");
    assert.match(detail, /"Not A Name".+\?name=NAME.+\?skip-manifest-json/);
    for (const query of ["?name=a/b:1", "?skip-manifest-json"]) {
      assert.equal((await handler(head("Not A Name", query))).status, 200);
    }
  });

  test("under a file name of bounded length", async () => {
    const name = `a/${"b".repeat(250)}:1`;
    const store = await CountingStore.create(["a"], name);
    const { headers } = await createArchiveHandler({ stores: [store] })(head(name));
    assert.equal(
      headers.get("content-disposition"),
      `attachment; filename="${"b".repeat(128)}.tar"`,
    );
  });

  test("with a list for people that no name can break out of", async () => {
    const store = await CountingStore.create(["a"], `<script>alert("1")</script>`);
    const handler = createArchiveHandler({ stores: [store] });
    const html = await (await handler(new Request(ORIGIN))).text();
    assert.ok(!html.includes("<script>"));
    assert.match(html, /&#60;script&#62;/);
  });
});
