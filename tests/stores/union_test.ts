import { test } from "node:test";
import assert from "node:assert/strict";
import {
  BlobNotFoundError,
  BlobReadError,
  type ContentStore,
  type Descriptor,
  exportArchive,
  type Labels,
  MediaType,
  MemoryStore,
  type Referrers,
  UnionStore,
} from "../../mod.ts";
import { describeStore } from "../contracts/store.ts";
import { collect, equal, text, utf8 } from "../helpers/bytes.ts";
import { addImage, addIndex } from "../helpers/image.ts";
import { SpyStore } from "../helpers/spy_store.ts";

const SIGNATURE = "application/vnd.example.signature";
const LAYER = { mediaType: "", digest: `sha256:${"1".repeat(64)}`, size: 1 };

/** Answers each of the union's questions with what it was given, whatever the blob. */
function storeWith(
  answers: Partial<ContentStore & Labels & Referrers>,
): ContentStore & Partial<Labels & Referrers> {
  return { open: ({ digest }) => Promise.reject(new BlobNotFoundError(digest, "it")), ...answers };
}

describeStore("UnionStore", ["exists", "labels", "referrers"], async ({ blobs, roots }) => {
  const stores = [new MemoryStore(), new MemoryStore(), new MemoryStore()];
  for (const [i, { descriptor, bytes }] of blobs.entries()) {
    const algorithm = descriptor.digest.startsWith("sha512:") ? "sha512" : "sha256";
    await stores[i % 3]!.add(descriptor.mediaType, bytes, algorithm);
  }
  const [image, signature] = roots.map(({ descriptor }) => descriptor);
  const referrer = {
    ...signature!,
    artifactType: SIGNATURE,
    annotations: { "org.example.signer": "somebody" },
  };
  const knowing = storeWith({
    referrers: ({ digest }) => Promise.resolve(digest === image!.digest ? [referrer] : []),
    labels: ({ digest }) => {
      const isThere = blobs.some(({ descriptor }) => descriptor.digest === digest);
      const labels: Record<string, string> = isThere ? { key: "value" } : {};
      return Promise.resolve(labels);
    },
  });
  return { store: new UnionStore([...stores, knowing]) };
});

test("a blob comes from the first store that has it, and no other is asked", async () => {
  const memory = new MemoryStore();
  const blob = await memory.add("text/plain", utf8("hello"));
  const replaced = new Map([[blob.digest, undefined]]);
  const [lacks, has, spare] = [
    new SpyStore(memory, { replaced }),
    new SpyStore(memory),
    new SpyStore(memory),
  ];
  const union = new UnionStore([lacks, has, spare]);
  const body = await union.open(blob, { offset: 1, length: 3 });
  assert.equal(text(await collect(body)), "ell");
  assert.deepEqual([lacks.opened, has.opened, spare.opened], [[blob.digest], [blob.digest], []]);
});

test("a store that fails is not passed over: the next may hold something else", async () => {
  const memory = new MemoryStore();
  const blob = await memory.add("text/plain", utf8("hello"));
  const broken = storeWith({
    open: ({ digest }) => Promise.reject(new BlobReadError(digest, "the disk is broken")),
  });
  const union = new UnionStore([broken, memory]);
  await assert.rejects(() => union.open(blob), { message: /the disk is broken$/ });
  await assert.rejects(() => union.exists(blob), { message: /the disk is broken$/ });
});

test("a blob that no store has is missing in all of them, not in the last one", async () => {
  const union = new UnionStore([new MemoryStore(), storeWith({})]);
  await assert.rejects(() => union.open(LAYER), (error: Error) => {
    assert.ok(error instanceof BlobNotFoundError);
    assert.equal(error.message, `Cannot find blob ${LAYER.digest} in any of the stores`);
    assert.match((error.cause as Error).message, / in it$/);
    return true;
  });
});

test("a union of none holds nothing", async () => {
  const union = new UnionStore([]);
  assert.equal(union.lookAhead, 0);
  assert.equal(await union.exists(LAYER), false);
  assert.deepEqual(await union.referrers(LAYER), []);
  assert.deepEqual(await union.labels(LAYER), {});
  await assert.rejects(() => union.open(LAYER), {
    name: "BlobNotFoundError",
    message: `Cannot find blob ${LAYER.digest} in any of the stores`,
  });
});

test("lookAhead is that of the store which bears the least", () => {
  const ahead = (lookAhead?: number) => storeWith({ lookAhead });
  assert.equal(new UnionStore([ahead(8), ahead(3)]).lookAhead, 3);
  assert.equal(new UnionStore([ahead(8), ahead()]).lookAhead, 0);
});

test("labels() are those of all stores, the first store's before the others'", async () => {
  const labelled = (labels: Record<string, string>) =>
    storeWith({ labels: () => Promise.resolve(labels) });
  const union = new UnionStore([
    labelled({ a: "1", b: "1" }),
    storeWith({}),
    labelled({ b: "2", c: "2" }),
  ]);
  assert.deepEqual(await union.labels(LAYER), { a: "1", b: "1", c: "2" });
});

test("referrers() are those of all stores, each once", async () => {
  const descriptor = (digit: string): Descriptor => ({
    mediaType: MediaType.ImageManifest,
    digest: `sha256:${digit.repeat(64)}`,
    size: 1,
  });
  const knowing = (...digits: string[]) =>
    storeWith({ referrers: () => Promise.resolve(digits.map(descriptor)) });
  const union = new UnionStore([knowing("a", "b"), storeWith({}), knowing("b", "c")]);
  const found = await union.referrers(LAYER);
  assert.deepEqual(found, ["a", "b", "c"].map(descriptor));
});

test("images out of different stores make one archive", async () => {
  const [all, one, other] = [new MemoryStore(), new MemoryStore(), new MemoryStore()];
  const roots: Descriptor[] = [];
  for (const [store, config] of [[one, "1"], [other, "2"]] as const) {
    for (const sink of [all, store]) await addImage(sink, { config, layers: ["shared", config] });
    roots.push((await addImage(all, { config, layers: ["shared", config] })).manifest);
  }
  for (const sink of [all, other]) roots[2] = await addIndex(sink, roots.slice(0, 2));
  const expected = await collect(exportArchive(all, roots));
  const archive = await collect(exportArchive(new UnionStore([one, other]), roots));
  assert.ok(equal(archive, expected));
});
