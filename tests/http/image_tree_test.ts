import { test } from "node:test";
import assert from "node:assert/strict";
import { type Descriptor, MediaType, MemoryStore, planArchive } from "../../mod.ts";
import { createArchiveHandler } from "../../src/http/mod.ts";
import { readImageTree } from "../../src/http/image_tree.ts";
import { addImage, addIndex, addJson } from "../helpers/image.ts";

const get = async (handler: ReturnType<typeof createArchiveHandler>, path: string) => {
  const response = await handler(new Request(`http://localhost${path}`));
  return { status: response.status, json: await response.json() };
};

/** A store with an index of two platforms, the second of them missing, and a signature. */
async function twoPlatforms() {
  const store = new MemoryStore();
  const { manifest, config, layers } = await addImage(store, { layers: ["a", "b"] });
  const missing: Descriptor = {
    mediaType: MediaType.ImageManifest,
    digest: `sha256:${"0".repeat(64)}`,
    size: 7,
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  };
  const platform = { os: "linux", architecture: "amd64" };
  const root = await addIndex(store, [{ ...manifest, platform }, missing]);
  const signature = await addJson(store, MediaType.ImageManifest, {
    schemaVersion: 2,
    mediaType: MediaType.ImageManifest,
    artifactType: "application/example.signature",
    config,
    layers: [],
    subject: manifest,
  });
  store.tag("app", { ...root, annotations: { "org.opencontainers.image.ref.name": "app" } });
  const referrers = ({ digest }: Descriptor) =>
    Promise.resolve(digest === manifest.digest ? [signature] : []);
  return { store: Object.assign(store, { referrers }), root, manifest, config, layers, signature };
}

test("GET /archives/NAME.tree shows platforms, configs, layers, referrers, and what is missing", async () => {
  const { store, root, manifest, config, layers, signature } = await twoPlatforms();
  const handler = createArchiveHandler({ stores: [store] });
  const { status, json } = await get(handler, "/archives/app.tree");
  assert.equal(status, 200);
  assert.equal(json.role, "root");
  assert.equal(json.digest, root.digest);
  const [amd64, arm64] = json.children;
  assert.equal(amd64.platform, "linux/amd64");
  assert.deepEqual(
    amd64.children.map(({ role, digest, size }: Record<string, unknown>) => ({
      role,
      digest,
      size,
    })),
    [
      { role: "config", digest: config.digest, size: config.size },
      ...layers.map(({ digest, size }) => ({ role: "layer", digest, size })),
      { role: "referrer", digest: signature.digest, size: signature.size },
    ],
  );
  assert.equal(amd64.digest, manifest.digest);
  assert.equal(amd64.children[3].artifactType, "application/example.signature");
  // As the query has it, so that it can be asked for.
  assert.equal(arm64.platform, "linux/arm64");
  assert.equal(arm64.children, undefined);
  assert.equal(arm64.problem.code, "BlobNotFoundError");
});

test("GET /archives/NAME.tree is a problem where the root cannot be read", async () => {
  const store = new MemoryStore();
  const digest = `sha256:${"0".repeat(64)}`;
  store.tag("gone", { mediaType: MediaType.ImageIndex, digest, size: 2 });
  const handler = createArchiveHandler({ stores: [store] });
  const { status, json } = await get(handler, `/archives/${digest}.tree`);
  assert.equal(status, 502);
  assert.equal(json.code, "BlobNotFoundError");
});

test("GET /archives/NAME.tree asks allowName, as the archive does", async () => {
  const { store } = await twoPlatforms();
  const handler = createArchiveHandler({ stores: [store], allowName: () => false });
  for (const form of ["tree", "json", "tar"]) {
    assert.equal((await get(handler, `/archives/app.${form}`)).status, 403);
  }
});

test("GET /archives/NAME.json is the plan of that archive", async () => {
  const { store, root } = await twoPlatforms();
  const handler = createArchiveHandler({ stores: [store] });
  const annotations = { "org.opencontainers.image.ref.name": "app" };
  const options = { platforms: ["linux/amd64"], referrers: true };
  const plan = await planArchive(store, [{ ...root, annotations }], options);
  const query = "?platform=linux/amd64&referrers";
  const { status, json } = await get(handler, `/archives/app.json${query}`);
  assert.equal(status, 200);
  const { size, etag, entries, filename } = json;
  assert.deepEqual({ size, etag, filename }, {
    size: plan.size,
    etag: plan.etag,
    filename: "app.tar",
  });
  assert.deepEqual(
    entries.map(({ name, offset, digest }: Record<string, unknown>) => [name, offset, digest]),
    plan.entries.map(({ name, offset, descriptor }) => [name, offset, descriptor?.digest]),
  );
  const refused = await get(handler, "/archives/app.json?platform=plan9/mips");
  assert.equal(refused.status, 404);
  assert.deepEqual(refused.json.available, ["linux/amd64", "linux/arm64/v8"]);
});

test("readImageTree() lists no more nodes than it may, and says so", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers: ["1", "2", "3", "4"] });
  const tree = await readImageTree(store, manifest, { maxNodes: 3 });
  assert.equal(tree.children?.length, 3);
  assert.deepEqual(tree.problem, { code: "LimitError", detail: "2 more below it are not listed" });
});

test("readImageTree() reads eight blobs at a time, however deep the indexes nest", async () => {
  const store = new MemoryStore();
  let level: Descriptor[] = [];
  for (let i = 0; i < 8; i++) {
    level.push((await addImage(store, { config: `{"i":${i}}` })).manifest);
  }
  for (let depth = 0; depth < 3; depth++) {
    const next = Array.from(
      { length: depth < 2 ? 8 : 1 },
      (_, i) => addIndex(store, level.map((child) => ({ ...child, annotations: { i: `${i}` } }))),
    );
    level = await Promise.all(next);
  }
  let reading = 0;
  let most = 0;
  const slow = {
    async open(descriptor: Descriptor) {
      most = Math.max(most, ++reading);
      await new Promise((resolve) => setTimeout(resolve));
      reading--;
      return await store.open(descriptor);
    },
  };
  const tree = await readImageTree(slow, level[0]!);
  assert.equal(tree.children?.[7]?.children?.[7]?.children?.length, 8);
  assert.equal(most, 8);
});

test("readImageTree() still shows the image where referrers cannot be asked for", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store);
  const root = { ...manifest };
  const lame = {
    open: store.open.bind(store),
    referrers: () => store.resolve("no such thing").then(() => []),
  };
  const tree = await readImageTree(lame, root);
  assert.deepEqual(tree.children?.map(({ role }) => role), ["config", "layer"]);
  assert.equal(tree.problem?.code, "ReferenceNotFoundError");
});

test("readImageTree() fails of what is no store's failure", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store);
  const broken = {
    open: store.open.bind(store),
    referrers: () => Promise.reject(new TypeError("a mistake")),
  };
  const root = await addIndex(store, [manifest]);
  await assert.rejects(readImageTree(broken, root), TypeError);
});

test("readImageTree() lists 32 levels, and no more nodes on all of them than it may", async () => {
  const store = new MemoryStore();
  let { manifest: root } = await addImage(store, { layers: ["1", "2"] });
  for (let level = 0; level < 33; level++) root = await addIndex(store, [root]);
  let node = await readImageTree(store, root);
  for (let level = 0; level < 32; level++) node = node.children![0]!;
  assert.deepEqual(node.children, []);
  assert.equal(node.problem?.detail, "1 more below it are not listed");

  const { manifest } = await addImage(store, { layers: ["1", "2"] });
  const twice = await addIndex(store, [manifest, manifest]);
  const { children } = await readImageTree(store, twice, { maxNodes: 7 });
  assert.deepEqual(children!.map(({ children }) => children!.length), [3, 2]);
});

test("readImageTree() tells annotations, and of a referrer which artifact it is", async () => {
  const store = new MemoryStore();
  const { manifest, config } = await addImage(store);
  const annotations = { "a.b": "c" };
  const plain = await addImage(store, { layers: ["plain"] });
  const typed = await addImage(store, { layers: ["2"], fields: { artifactType: "a/own" } });
  const listed = { ...typed.manifest, artifactType: "a/listed", annotations };
  const referrers = ({ digest }: Descriptor) =>
    Promise.resolve(digest === manifest.digest ? [plain.manifest, typed.manifest, listed] : []);
  const tree = await readImageTree(Object.assign(store, { referrers }), manifest);
  assert.equal(tree.artifactType, undefined);
  assert.deepEqual(
    tree.children!.slice(2).map(({ artifactType, annotations }) => [artifactType, annotations]),
    [[config.mediaType, undefined], ["a/own", undefined], ["a/listed", annotations]],
  );
});
