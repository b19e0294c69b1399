import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { InvalidPlatformError, MemoryStore, planArchive } from "../../mod.ts";
import { archivePage, createArchiveHandler, type ListedImage } from "../../src/http/mod.ts";
import { addImage, addIndex } from "../helpers/image.ts";
import { CountingStore, handlerOf, head, NAME, ORIGIN, requestFor } from "./counting_store.ts";

const OTHER = `sha256:${"0".repeat(64)}`;

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
    const { mediaType, digest } = bare;
    assert.deepEqual(await (await handler(new Request(`${ORIGIN}/archives`))).json(), [{
      name: "ghcr.io/a/b:2",
      url: "/archives/ghcr.io%2Fa%2Fb%3A2.tar",
      mediaType,
      digest,
    }]);
    assert.equal((await handler(head(digest))).headers.get("etag"), plan.etag);
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
    assert.equal((await handler(head(`alpine@sha256:${"a".repeat(63)}`))).status, 400);
    assert.deepEqual(asked, ["docker.io/library/alpine:3", "docker.io/library/none"]);
  });

  test("nothing with a platform of its own options that is none, which no client could mend", () => {
    const exportOptions = { platforms: ["linux"] };
    assert.throws(
      () => createArchiveHandler({ stores: [], exportOptions }),
      InvalidPlatformError,
    );
  });

  test("nothing by resolve() without hosts, and nothing without sources", () => {
    assert.throws(() => createArchiveHandler({ resolve: () => undefined }), TypeError);
    assert.throws(() => createArchiveHandler({}), TypeError);
  });

  test("nothing below a base path that no request could be below", () => {
    for (const basePath of ["/", "/images/", "images", "https://example.com/images"]) {
      assert.throws(() => createArchiveHandler({ stores: [new MemoryStore()], basePath }), {
        name: "TypeError",
        message: `Cannot serve below basePath "${basePath}": expected a path such as /images`,
      });
    }
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
    const flags = "&referrers=1".repeat(679);
    for (const [more, status] of [["false&referrers=true", 400], ["true&referrers=true", 200]]) {
      const query = `?referrers=true&referrers=${more}${flags}`;
      assert.equal((await handler(head(NAME, query))).status, status);
      assert.equal(store.opened, status === 400 ? 0 : 1);
    }
  });

  test("no option that there is none, and no flag that is neither on nor off", async () => {
    const { store, handler } = await handlerOf();
    const known = "platform, name, all-platforms, skip-manifest-json, skip-non-distributable, " +
      "skip-missing, referrers";
    for (
      const [query, detail] of [
        ["referers", `Cannot use query parameter "referers": expected ${known}`],
        ["constructor", `Cannot use query parameter "constructor": expected ${known}`],
        [
          "referrers=yes",
          "Cannot use referrers=yes: expected referrers, referrers=true or referrers=false",
        ],
      ]
    ) {
      const response = await handler(requestFor(NAME, { query: `?${query}` }));
      assert.equal(response.status, 400);
      assert.equal((await response.json()).detail, detail);
    }
    assert.equal(store.opened, 0);
  });

  test("a flag as on or off, however it is said", async () => {
    const { store, handler } = await handlerOf();
    for (const query of ["", "=1", "=true"]) {
      await handler(head(NAME, `?skip-manifest-json${query}`));
      assert.equal(store.opened, 1);
    }
    for (const query of ["=0", "=false"]) {
      await handler(head(NAME, `?skip-manifest-json${query}`));
      assert.equal(store.opened, 2);
    }
  });

  test("no platform that is empty, as of a variable that is not set", async () => {
    const { store, handler } = await handlerOf();
    for (const value of ["", ",", "linux/amd64,", ",linux/amd64", "linux/amd64&platform="]) {
      const response = await handler(requestFor(NAME, { query: `?platform=${value}` }));
      assert.equal(response.status, 400, value);
      assert.equal((await response.json()).code, "InvalidPlatformError");
    }
    assert.equal(store.opened, 0);
  });

  test("nothing where it may have no options", async () => {
    const { handler } = await handlerOf({ allowQuery: false });
    assert.equal((await handler(head(NAME))).status, 200);
    assert.equal((await handler(head(NAME, "?referrers"))).status, 400);
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
    const etags = new Set<string>();
    for (const path of ["/", "/archives", `${image}.json`, `${image}.tree`]) {
      const first = await handler(new Request(ORIGIN + path));
      const etag = first.headers.get("etag")!;
      assert.match(etag, /^"[0-9a-f]{64}"$/);
      etags.add(etag);
      const { byteLength } = await first.arrayBuffer();
      assert.equal(first.headers.get("content-length"), String(byteLength));
      const ask = (headers: HeadersInit) => handler(new Request(ORIGIN + path, { headers }));
      const again = await ask({ "if-none-match": etag });
      assert.equal(again.status, 304, path);
      assert.equal(again.headers.get("etag"), etag);
      assert.equal(await again.text(), "");
      assert.equal((await ask({ "if-none-match": '"a"' })).status, 200);
      assert.equal((await ask({ "if-match": '"a"' })).status, 412);
    }
    assert.equal(etags.size, 4);
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

  test("no other method, on whichever path", async () => {
    const { handler } = await handlerOf({ cors: "*" });
    for (const path of ["/", "/archives", `/archives/${NAME}.json`, "/none"]) {
      for (const method of ["POST", "OPTIONS"]) {
        const response = await handler(new Request(ORIGIN + path, { method }));
        assert.equal(response.status, 405);
        assert.equal(response.headers.get("allow"), "GET, HEAD");
        assert.match((await response.json()).detail, new RegExp(`not ${method}$`));
      }
    }
  });

  test("a preflight where pages of other origins may read, and as any method where not", async () => {
    const headers = { "access-control-request-method": "GET", origin: "https://a.b" };
    for (
      const [cors, method, status] of [
        ["*", "OPTIONS", 204],
        ["*", "GET", 200],
        [undefined, "OPTIONS", 405],
      ] as const
    ) {
      const { handler } = await handlerOf({ cors });
      const response = await handler(new Request(`${ORIGIN}/archives`, { method, headers }));
      assert.equal(response.status, status);
      assert.equal(response.headers.get("access-control-allow-origin"), cors ?? null);
      const methods = response.headers.get("access-control-allow-methods");
      assert.equal(methods, status === 204 ? "GET, HEAD" : null);
      const maxAge = response.headers.get("access-control-max-age");
      assert.equal(maxAge, status === 204 ? "86400" : null);
    }
  });

  test("for what is not there where to see what is, below its base path", async () => {
    const { handler } = await handlerOf({ basePath: "/images" });
    for (
      const [path, why] of [
        ["/archives/none.tar", 'Cannot find "none": /images/archives lists what there is'],
        ["/none", "Expected /images/archives or /images/archives/NAME.tar"],
      ]
    ) {
      const response = await handler(new Request(`${ORIGIN}/images${path}`));
      assert.equal(response.status, 404);
      assert.equal((await response.json()).detail, why);
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

  test("under a file name of the image's own, that hides no file", async () => {
    for (
      const [name, filename] of [
        ["ghcr.io/a/b:1.0", "b-1.0"],
        [`ghcr.io/a/b:1.0@sha256:${"0".repeat(64)}`, "b-1.0"],
        ["a/.-.b c", "b-c"],
        ["a/..", undefined],
        ["", undefined],
      ] as const
    ) {
      const store = await CountingStore.create(["a"], name);
      const handler = createArchiveHandler({ stores: [store] });
      const [{ url }] = await (await handler(new Request(`${ORIGIN}/archives`))).json();
      const query = name === "" ? "" : "?skip-manifest-json";
      const { headers } = await handler(new Request(ORIGIN + url + query, { method: "HEAD" }));
      const stem = filename ?? store.images[0]!.digest.slice("sha256:".length).slice(0, 12);
      assert.equal(headers.get("content-disposition"), `attachment; filename="${stem}.tar"`);
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
