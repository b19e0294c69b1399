import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  exportArchive,
  InvalidReferenceError,
  LimitError,
  MediaType,
  MemoryStore,
  readBlob,
  ReferenceNotFoundError,
  RegistryError,
} from "../../../mod.ts";
import { type RegistryOptions, RegistryStore } from "../../../src/stores/registry/registry.ts";
import { describeStore } from "../../contracts/store.ts";
import { collect, noise, text, utf8 } from "../../helpers/bytes.ts";
import { addIndex } from "../../helpers/image.ts";
import { failure, FakeRegistry, json } from "./fake_registry.ts";

function storeOf(registry: FakeRegistry, options: RegistryOptions = {}): RegistryStore {
  return new RegistryStore(registry.image, { fetch: registry.fetch, minDelay: 1, ...options });
}

for (const hasReferrersApi of [true, false]) {
  describeStore(
    `RegistryStore, ${hasReferrersApi ? "with" : "without"} the referrers API`,
    ["exists", "resolve", "referrers"],
    async ({ blobs, roots }) => {
      const registry = new FakeRegistry();
      for (const { descriptor, bytes } of blobs) registry.add(descriptor, bytes);
      for (const { descriptor, tag } of roots) if (tag) registry.tag(tag, descriptor);
      registry.hasReferrersApi = hasReferrersApi;
      if (!hasReferrersApi) {
        const memory = new MemoryStore();
        const index = await addIndex(memory, [{
          ...roots[1]!.descriptor,
          artifactType: "application/vnd.example.signature",
          annotations: { "org.example.signer": "somebody" },
        }]);
        registry.add(index, await memory.open(index));
        registry.tag(roots[0]!.descriptor.digest.replace(":", "-"), index);
      }
      return { store: storeOf(registry) };
    },
  );
}

test("resolve() asks by HEAD, and for every type of manifest", async () => {
  const registry = new FakeRegistry();
  const { manifest } = await registry.addImage();
  assert.deepEqual(await storeOf(registry).resolve(), manifest);
  assert.equal(registry.seen.length, 1);
  const { method, url, headers } = registry.seen[0]!;
  assert.equal(method, "HEAD");
  assert.equal(url.href, "https://registry.test/v2/team/app/manifests/latest");
  for (
    const type of [
      MediaType.ImageIndex,
      MediaType.ImageManifest,
      MediaType.DockerManifest,
      MediaType.DockerManifestList,
    ]
  ) assert.ok(headers.get("accept")!.includes(type), type);
  assert.equal(headers.get("accept-encoding"), "identity");
});

for (const missing of ["docker-content-digest", "content-length", "content-type"]) {
  test(`resolve() asks by GET where HEAD has no ${missing}`, async () => {
    const registry = new FakeRegistry();
    const { manifest } = await registry.addImage();
    registry.interceptions.push((request) => {
      const response = registry.answer(request);
      const headers = new Headers(response.headers);
      headers.delete(missing);
      return new Response(response.body, { headers });
    });
    assert.deepEqual(await storeOf(registry).resolve("latest"), manifest);
    assert.deepEqual(registry.seen.map(({ method }) => method), ["HEAD", "GET"]);
  });
}

test("resolve() asks by GET where HEAD has a length of 0, which no manifest has", async () => {
  const registry = new FakeRegistry();
  const { manifest } = await registry.addImage();
  registry.interceptions.push((request) => {
    if (request.method !== "HEAD") return undefined;
    const headers = new Headers(registry.answer(request).headers);
    headers.set("content-length", "0");
    return new Response(null, { headers });
  });
  assert.deepEqual(await storeOf(registry).resolve("latest"), manifest);
});

for (const status of [400, 405, 501]) {
  test(`resolve() asks by GET where HEAD is answered with ${status}, at once`, async () => {
    const registry = new FakeRegistry();
    const { manifest } = await registry.addImage();
    registry.interceptions.push(({ method }) =>
      method === "HEAD" ? new Response(null, { status }) : undefined
    );
    assert.deepEqual(await storeOf(registry).resolve(manifest.digest), manifest);
    assert.deepEqual(registry.seen.map(({ method }) => method), ["HEAD", "GET"]);
  });
}

test("resolve() takes tags, digests and names in its repository", async () => {
  const registry = new FakeRegistry();
  const { manifest } = await registry.addImage();
  registry.tag("1.0", manifest);
  const store = storeOf(registry);
  for (
    const reference of [
      "1.0",
      manifest.digest,
      registry.image,
      `${registry.image}:1.0`,
      `${registry.image}:gone@${manifest.digest}`,
    ]
  ) assert.deepEqual(await store.resolve(reference), manifest, reference);
  await assert.rejects(() => store.resolve("other.test/team/app:1.0"), InvalidReferenceError);
});

test("resolve() does not ask for a digest that it could not verify", async () => {
  const registry = new FakeRegistry();
  const { manifest } = await registry.addImage();
  registry.interceptions.push((request) => {
    const url = new URL(request.url.href.replace(/sha1:.*/, manifest.digest));
    return registry.answer({ ...request, url });
  });
  const digest = `sha1:${"a".repeat(64)}`;
  await assert.rejects(() => storeOf(registry).resolve(digest), InvalidReferenceError);
  assert.equal(registry.seen.length, 0);
});

test("resolve() rejects a manifest of another digest", async () => {
  const registry = new FakeRegistry();
  const { manifest } = await registry.addImage();
  const { manifest: other } = await registry.addImage({ config: "other" });
  registry.interceptions.push((request) => {
    const url = new URL(request.url.href.replace(manifest.digest, other.digest));
    return registry.answer({ ...request, url });
  });
  await assert.rejects(() => storeOf(registry).resolve(manifest.digest), DigestMismatchError);
});

test("resolve() rejects bytes that differ from the digest they come with", async () => {
  const registry = new FakeRegistry();
  const { manifest } = await registry.addImage();
  registry.interceptions.push(({ method }) =>
    method === "HEAD" ? new Response(null, { status: 405 }) : json({ schemaVersion: 2 }, {
      headers: {
        "content-type": MediaType.ImageManifest,
        "docker-content-digest": manifest.digest,
      },
    })
  );
  await assert.rejects(() => storeOf(registry).resolve("latest"), DigestMismatchError);
});

test("resolve() tells what the registry said of a name that is not there", async () => {
  const registry = new FakeRegistry();
  await assert.rejects(() => storeOf(registry).resolve("gone"), (error) => {
    assert.ok(error instanceof ReferenceNotFoundError);
    assert.match(error.message, /"gone": registry\.test\/team\/app does not have it/);
    assert.ok(error.cause instanceof RegistryError);
    assert.equal(error.cause.status, 404);
    return true;
  });
});

test("open() asks for manifests and for blobs where each of them lives", async () => {
  const registry = new FakeRegistry();
  const { manifest, config } = await registry.addImage();
  const store = storeOf(registry);
  await readBlob(store, manifest);
  await readBlob(store, config);
  assert.deepEqual(registry.seen.map(({ url }) => url.pathname), [
    `/v2/team/app/manifests/${manifest.digest}`,
    `/v2/team/app/blobs/${config.digest}`,
  ]);
  assert.ok(registry.seen[0]!.headers.get("accept")!.startsWith(manifest.mediaType));
});

test("open() asks for the wanted part only", async () => {
  const registry = new FakeRegistry();
  const { layers: [layer] } = await registry.addImage({ layers: ["0123456789"] });
  const store = storeOf(registry);
  assert.equal(text(await collect(await store.open(layer!, { offset: 2, length: 3 }))), "234");
  assert.equal(text(await collect(await store.open(layer!, { offset: 7 }))), "789");
  assert.deepEqual(registry.seen.map(({ headers }) => headers.get("range")), [
    "bytes=2-4",
    "bytes=7-",
  ]);
});

test("an error has the registry's words, and a URL without its query", async () => {
  const registry = new FakeRegistry();
  const { config } = await registry.addImage();
  registry.interceptions.push(({ url }) => {
    if (url.host === registry.host) {
      return Response.redirect("https://blobs.test/x?signature=secret", 307);
    }
    return failure(404, "BLOB_GONE", "no\nsuch blob");
  });
  await assert.rejects(() => storeOf(registry).open(config), (error) => {
    const { cause } = error as Error;
    assert.ok(cause instanceof RegistryError);
    assert.equal(cause.code, "BLOB_GONE");
    assert.equal(cause.url, "https://blobs.test/x");
    assert.equal(
      cause.message,
      'Cannot get https://blobs.test/x: 404, BLOB_GONE: "no\\nsuch blob"',
    );
    return true;
  });
  assert.equal(registry.seen.length, 2);
});

test("an endless manifest ends at its descriptor's size, or at the limit", async () => {
  const registry = new FakeRegistry();
  const { manifest } = await registry.addImage();
  let given = 0;
  registry.interceptions.push(({ method }) => {
    if (method === "HEAD") return new Response(null, { status: 405 });
    const body = new ReadableStream({
      pull(controller) {
        given += 65536;
        controller.enqueue(new Uint8Array(65536));
      },
    });
    return new Response(body, { headers: { "content-type": MediaType.ImageManifest } });
  });
  await assert.rejects(() => storeOf(registry).resolve(), LimitError);
  assert.ok(given < 5 << 20, `${given} bytes`);
  given = 0;
  await assert.rejects(() => readBlob(storeOf(registry), manifest), { name: "SizeMismatchError" });
  assert.ok(given < 1 << 20, `${given} bytes`);
});

test("open() never has more requests under way than its concurrency", async () => {
  const registry = new FakeRegistry();
  const layers = Array.from({ length: 20 }, (_, i) => noise(1000, i + 1));
  const { manifest } = await registry.addImage({ layers });
  let underWay = 0;
  let most = 0;
  registry.interceptions.push(async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 2));
    underWay--;
    return undefined;
  });
  const store = storeOf(registry, { concurrency: 3, lookAhead: 10 });
  await Promise.all([1, 2].map(() => collect(exportArchive(store, [manifest]))));
  assert.equal(most, 3);
});

test("two archives of one store may be read in turns", async () => {
  const registry = new FakeRegistry();
  const layers = Array.from({ length: 8 }, (_, i) => noise(300_000, i + 1));
  const { manifest } = await registry.addImage({ layers });
  const store = storeOf(registry, { concurrency: 1, lookAhead: 3, maxAhead: 1000 });
  const readers = [1, 2].map(() => exportArchive(store, [manifest]).getReader());
  const sizes = [0, 0];
  for (let open = 2; open > 0;) {
    open = 0;
    for (const [i, reader] of readers.entries()) {
      const { done, value } = await reader.read();
      sizes[i]! += value?.length ?? 0;
      if (!done) open++;
    }
  }
  assert.equal(sizes[0], sizes[1]);
});

test("bodies that nobody reads hold no more than maxAhead in memory", async () => {
  const registry = new FakeRegistry();
  const { layers } = await registry.addImage({
    layers: Array.from({ length: 6 }, (_, i) => noise(1 << 20, i + 1)),
  });
  let given = 0;
  registry.interceptions.push((request) => {
    const { headers } = registry.answer(request);
    const counted = new ReadableStream({
      pull(controller) {
        given += 4096;
        controller.enqueue(new Uint8Array(4096));
      },
    }, { highWaterMark: 0 });
    return new Response(counted, { headers });
  });
  const store = storeOf(registry, { maxAhead: 600_000 });
  const bodies = await Promise.all(layers.map((layer) => store.open(layer)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  // A chunk in hand for each body and each stream on the way.
  assert.ok(given >= 400_000 && given <= 600_000 + 6 * 4 * 4096, `${given} bytes`);
  for (const body of bodies) await (body as ReadableStream).cancel();
});

test("a mirror is asked first, and the registry for what it lacks", async () => {
  const registry = new FakeRegistry();
  const { manifest, config } = await registry.addImage();
  registry.interceptions.push((request) => {
    const { url } = request;
    if (url.host !== "mirror.test") return undefined;
    assert.ok(url.pathname.startsWith("/v2/hub/team/app/"), url.pathname);
    if (url.pathname.includes("/blobs/")) return failure(404, "BLOB_UNKNOWN");
    return registry.answer({ ...request, url: new URL(url.href.replace("/hub/", "/")) });
  });
  const store = storeOf(registry, { mirrors: ["mirror.test/hub"] });
  await readBlob(store, manifest);
  await readBlob(store, config);
  await readBlob(store, manifest);
  assert.deepEqual(registry.seen.map(({ url }) => url.host), [
    "mirror.test",
    "mirror.test",
    "registry.test",
    "mirror.test",
  ]);
  assert.ok(registry.seen[0]!.headers.get("accept")!.startsWith(manifest.mediaType));
});

test("timeout bounds the calls to all mirrors together", async (t) => {
  const registry = new FakeRegistry();
  const { config } = await registry.addImage();
  const { now } = Date;
  const start = now();
  t.after(() => Date.now = now);
  Date.now = () => start;
  registry.interceptions.push(({ url }) => {
    if (url.host !== "one.test") return failure(503, "BUSY");
    Date.now = () => start + 1000;
    return failure(404, "BLOB_UNKNOWN");
  });
  let retries = 0;
  const store = storeOf(registry, {
    mirrors: ["one.test", "two.test"],
    timeout: 1000,
    onRetry: () => retries++,
  });
  await assert.rejects(() => store.open(config), { name: "RegistryError" });
  assert.equal(retries, 0);
  const hosts = registry.seen.map(({ url }) => url.host);
  assert.deepEqual(hosts, ["one.test", "two.test", "registry.test"]);
});

test("a mirror that is down is left alone for a minute", async (t) => {
  const registry = new FakeRegistry();
  const { manifest, config } = await registry.addImage();
  registry.interceptions.push(({ url }) => {
    if (url.host === "mirror.test") throw new TypeError("connection refused");
    return undefined;
  });
  let retries = 0;
  const store = storeOf(registry, {
    mirrors: ["https://mirror.test"],
    onRetry: () => retries++,
  });
  const { now } = Date;
  const start = now();
  t.after(() => Date.now = now);
  Date.now = () => start;
  await readBlob(store, manifest);
  Date.now = () => start + 59_999;
  await readBlob(store, config);
  assert.deepEqual(registry.seen.map(({ url }) => url.host), [
    "mirror.test",
    "mirror.test",
    "registry.test",
    "registry.test",
  ]);
  assert.equal(retries, 1);
  Date.now = () => start + 60_000;
  await readBlob(store, config);
  assert.equal(registry.seen[4]!.url.host, "mirror.test");
});

for (
  const [name, good, bad] of [
    ["concurrency", [1, 64], [0, -1, 0.5, NaN, Infinity]],
    ["lookAhead", [0, 64], [-1, 0.5, NaN, Infinity]],
    ["maxAhead", [0, 1, Infinity], [-1, 0.5, NaN, -Infinity]],
    ["maxDiscard", [0, 1, Infinity], [-1, 0.5, NaN]],
    ["maxManifestSize", [1, Infinity], [0, -1, 0.5, NaN]],
    ["maxRedirects", [0, 1, Infinity], [-1, 0.5, NaN]],
    ["maxAttempts", [1, Infinity], [0, -1, 0.5, NaN]],
    ["minDelay", [0, 0.5, Infinity], [-1, NaN]],
    ["maxDelay", [0, 0.5, Infinity], [-1, NaN]],
    ["stallTimeout", [1, 1.5, Infinity], [0, -1, NaN]],
    ["timeout", [1, 1.5, Infinity], [0, -1, NaN]],
  ] as const
) {
  test(`the constructor takes a good ${name}, and refuses another by its name`, () => {
    for (const value of [undefined, ...good]) new RegistryStore("app", { [name]: value });
    for (const value of [...bad, "1" as unknown as number]) {
      assert.throws(
        () => new RegistryStore("app", { [name]: value }),
        (error) =>
          error instanceof RangeError &&
          error.message.startsWith(`Cannot use ${name} ${value}: expected `),
        String(value),
      );
    }
  });
}

test("the constructor refuses a mirror or a name that leads nowhere", () => {
  assert.throws(() => new RegistryStore("app", { mirrors: ["http://user:pw@host"] }), TypeError);
  assert.throws(() => new RegistryStore("team/UPPER"), InvalidReferenceError);
  for (const host of ["registry.test:99999", "999.1.1.1", "[:::]"]) {
    assert.throws(() => new RegistryStore(`${host}/app:1`), {
      name: "InvalidReferenceError",
      reference: `${host}/app:1`,
      message: /no URL can have its registry .*; check the host and the port/,
    });
  }
});

test("a blob is what its descriptor says, although the registry says otherwise", async () => {
  const registry = new FakeRegistry();
  const { config } = await registry.addImage();
  registry.add(config, utf8("other bytes"));
  await assert.rejects(() => readBlob(storeOf(registry), config), { name: "SizeMismatchError" });
});
