import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type ArchivePlan,
  type CreateDigester,
  createDigester,
  type Descriptor,
  InvalidReferenceError,
  MediaType,
  MemoryStore,
  planArchive,
} from "../../mod.ts";
import { collect, concat, sha256, text } from "../helpers/bytes.ts";
import { addImage, addJson } from "../helpers/image.ts";
import { SpyStore } from "../helpers/spy_store.ts";

const CONFIG = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const MANIFEST = "a3aa9a6043e00956389f9e9ac582e89b5acda67f142cb2b9f4ca1ab146b651d7";
const LAYER = "dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85";
const HEX_64 = "0123456789abcdef".repeat(4);

/** The body of an entry that was made for the archive. */
function bodyOf(plan: ArchivePlan, name: string): string | undefined {
  const entry = plan.entries.find((entry) => entry.name === name);
  return entry?.body && text(concat([...entry.body]));
}

async function small() {
  const store = new MemoryStore();
  return { store, root: (await addImage(store)).manifest };
}

test("a plan lists every entry in order, with its place and size", async () => {
  const { store, root } = await small();
  const plan = await planArchive(store, [root]);
  assert.deepEqual(
    plan.entries.map(({ offset, bodyOffset, size, mode, type, name }) => [
      offset,
      bodyOffset,
      size,
      mode.toString(8),
      type,
      name,
    ]),
    [
      [0, 512, 0, "755", "directory", "blobs/"],
      [512, 1024, 0, "755", "directory", "blobs/sha256/"],
      [1024, 1536, 2, "444", "file", `blobs/sha256/${CONFIG}`],
      [2048, 2560, 392, "444", "file", `blobs/sha256/${MANIFEST}`],
      [3072, 3584, 5, "444", "file", `blobs/sha256/${LAYER}`],
      [4096, 4608, 240, "644", "file", "index.json"],
      [5120, 5632, 199, "644", "file", "manifest.json"],
      [6144, 6656, 30, "444", "file", "oci-layout"],
    ],
  );
  assert.equal(plan.size, 8192);
  assert.deepEqual(plan.manifests, [root]);
});

test("a plan's stream is the archive that containerd writes", async () => {
  const { store, root } = await small();
  const archive = await collect((await planArchive(store, [root])).stream());
  assert.equal(archive.length, 8192);
  assert.equal(
    await sha256(archive),
    "6702ce5c8fc7e3391ba08d43742c27e950b884b592f5d2775bf137c9ffe4547a",
  );
});

test("a plan tells blobs from what was made for the archive", async () => {
  const { store, root } = await small();
  const { entries } = await planArchive(store, [root]);
  for (const { name, type, descriptor, body, size } of entries) {
    const kind = [type, Boolean(descriptor), Boolean(body)];
    if (name.endsWith("/")) assert.deepEqual(kind, ["directory", false, false]);
    else if (name.startsWith("blobs/")) assert.deepEqual(kind, ["file", true, false]);
    else assert.deepEqual(kind, ["file", false, true]);
    assert.equal(descriptor?.size ?? concat([...body ?? []]).length, size);
  }
});

test("a directory's entry has no body, not even an undefined one", async () => {
  const store = new MemoryStore();
  const { entries } = await planArchive(store, [(await addImage(store)).manifest]);
  const directories = entries.filter(({ type }) => type === "directory");
  assert.equal(directories.length, 2);
  for (const directory of directories) assert.ok(!("body" in directory));
});

test("a plan's stream verifies with the plan's digester, also where undefined is said", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store);
  const asked: string[] = [];
  const plan = await planArchive(store, [manifest], {
    createDigester(algorithm) {
      asked.push(algorithm);
      return createDigester(algorithm);
    },
  });
  asked.length = 0;
  await collect(plan.stream({ createDigester: undefined }));
  assert.equal(asked.length, 3);
});

test("a plan's entries take from a blob's descriptor what it says", async () => {
  const { store, root } = await small();
  const { entries } = await planArchive(store, [root]);
  const { name, type, mode, size, descriptor } = entries.find((entry) =>
    entry.descriptor?.digest === root.digest
  )!;
  assert.deepEqual(descriptor, root);
  assert.deepEqual([name, type, mode, size], [`blobs/sha256/${MANIFEST}`, "file", 0o444, 392]);
});

test("index.json, manifest.json and oci-layout are as Go writes them", async () => {
  const { store, root } = await small();
  const plan = await planArchive(store, [
    { descriptor: root, names: ["docker.io/library/app:1.0"] },
  ]);
  assert.equal(
    bodyOf(plan, "index.json"),
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[' +
      '{"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
      `"digest":"sha256:${MANIFEST}","size":392,"annotations":{` +
      '"io.containerd.image.name":"docker.io/library/app:1.0",' +
      '"org.opencontainers.image.ref.name":"1.0"}}]}',
  );
  assert.equal(
    bodyOf(plan, "manifest.json"),
    `[{"Config":"blobs/sha256/${CONFIG}","RepoTags":["app:1.0"],` +
      `"Layers":["blobs/sha256/${LAYER}"]}]`,
  );
  assert.equal(bodyOf(plan, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
});

test("manifest.json says null for no names and for no layers", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers: [] });
  assert.equal(
    bodyOf(await planArchive(store, [manifest]), "manifest.json"),
    `[{"Config":"blobs/sha256/${CONFIG}","RepoTags":null,"Layers":null}]`,
  );
});

test("manifest.json lists a layer as often as the manifest does, the archive holds it once", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers: ["layer", "layer"] });
  const plan = await planArchive(store, [manifest]);
  assert.match(bodyOf(plan, "manifest.json")!, new RegExp(`${LAYER}","blobs/sha256/${LAYER}"`));
  assert.equal(plan.entries.filter(({ name }) => name.endsWith(LAYER)).length, 1);
});

test("skipManifestJson leaves out manifest.json, and nothing else", async () => {
  const { store, root } = await small();
  const names = async (skipManifestJson: boolean) =>
    (await planArchive(store, [root], { skipManifestJson })).entries.map(({ name }) => name);
  const all = await names(false);
  assert.deepEqual(await names(true), all.filter((name) => name !== "manifest.json"));
});

test("a name that Docker does not allow fails, unless there is no manifest.json", async () => {
  const { store, root } = await small();
  const roots = [{ descriptor: root, names: ["Not A Name"] }];
  await assert.rejects(planArchive(store, roots), (error) => {
    assert.ok(error instanceof InvalidReferenceError, String(error));
    assert.equal(error.reference, "Not A Name");
    return true;
  });
  const plan = await planArchive(store, roots, { skipManifestJson: true });
  assert.match(bodyOf(plan, "index.json")!, /"io.containerd.image.name":"Not A Name"/);
});

test("planning reads manifests and no layers", async () => {
  const { store, root } = await small();
  const spy = new SpyStore(store, { chunkSize: 100 });
  await planArchive(spy, [root]);
  assert.deepEqual(spy.opened, [`sha256:${MANIFEST}`]);
  assert.equal(spy.openNow, 0);
});

test("equal roots and options make equal plans", async () => {
  const [a, b] = await Promise.all([small(), small()]);
  const [one, two] = [await planArchive(a.store, [a.root]), await planArchive(b.store, [b.root])];
  assert.deepEqual(one.entries, two.entries);
  assert.equal(one.etag, two.etag);
  // Of another name with as many letters, so that all but index.json is the same.
  const named = (name: string) =>
    planArchive(a.store, [{ descriptor: a.root, names: [name] }], { skipManifestJson: true });
  assert.notDeepEqual((await named("a/a:1")).entries, (await named("a/a:2")).entries);
});

test("a file that was made may be read again, and from any place", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store);
  // So many that index.json comes in many pieces.
  const names = Array.from({ length: 500 }, (_, i) => `docker.io/library/app:${i}`);
  const plan = await planArchive(store, [{ descriptor: manifest, names }]);
  const whole = await collect(plan.stream());
  const { body, bodyOffset, size } = plan.entries.find(({ name }) => name === "index.json")!;
  assert.ok([...body!].length > 3);
  assert.deepEqual(concat([...body!]), whole.slice(bodyOffset, bodyOffset + size));
  for (const at of [0, 1, 16_383, 16_384, 50_001, size - 1, size]) {
    const [start, end] = [bodyOffset + at, Math.min(bodyOffset + at + 20_000, plan.size)];
    assert.deepEqual(await collect(plan.stream({ start, end })), whole.slice(start, end));
  }
});

test("the etag is a strong one, and another for another archive", async () => {
  const { store, root } = await small();
  const other = (await addImage(store, { layers: ["another layer"] })).manifest;
  const plans = await Promise.all([
    planArchive(store, [root]),
    planArchive(store, [other]),
    planArchive(store, [root, other]),
    planArchive(store, [root], { skipManifestJson: true }),
    planArchive(store, [{ descriptor: root, names: ["app:1"] }]),
    planArchive(store, [{ descriptor: root, names: ["app:2"] }]),
    planArchive(store, [root], { filter: ({ size }) => size !== 5 }),
  ]);
  for (const { etag } of plans) assert.match(etag, /^"[0-9a-f]{64}"$/);
  assert.equal(new Set(plans.map(({ etag }) => etag)).size, plans.length);
});

test("the etag does not depend on a layer's bytes being there", async () => {
  const { store, root } = await small();
  const replaced = new Map([[`sha256:${LAYER}`, undefined]]);
  const [there, gone] = await Promise.all([
    planArchive(store, [root]),
    planArchive(new SpyStore(store, { replaced }), [root]),
  ]);
  assert.equal(there.etag, gone.etag);
});

/** An image whose only layer says that it has this size. */
async function claiming(...sizes: number[]): Promise<{ store: MemoryStore; root: Descriptor }> {
  const store = new MemoryStore();
  const layers = sizes.map((size, i) => ({
    mediaType: MediaType.ImageLayer,
    digest: `sha256:${HEX_64.slice(1)}${i}`,
    size,
  }));
  return { store, root: (await addImage(store, { layers: [], fields: { layers } })).manifest };
}

test("offsets are exact for layers of 8 GiB and more", async () => {
  for (
    const [size, headerSize] of [
      [8589934591, 512],
      [8589934592, 1536],
      [1_000_000_000_001, 1536],
      [9_000_000_000_000_000, 1536],
    ] as const
  ) {
    const { store, root } = await claiming(size);
    const { entries } = await planArchive(store, [root]);
    const at = entries.findIndex((entry) => entry.size === size);
    const { offset, bodyOffset } = entries[at]!;
    assert.equal(bodyOffset - offset, headerSize);
    const padded = Number((BigInt(size) + 511n) / 512n * 512n);
    assert.equal(entries[at + 1]!.offset - bodyOffset, padded);
  }
});

test("an archive of more bytes than a number can say is refused", async () => {
  const { store, root } = await claiming(2 ** 53 - 1);
  await assert.rejects(planArchive(store, [root]), RangeError);
  const two = await claiming(2 ** 52, 2 ** 52);
  await assert.rejects(planArchive(two.store, [two.root]), RangeError);
});

test("algorithms each have their directory, in order", async () => {
  const store = new MemoryStore();
  const layers = await Promise.all(
    (["sha512", "blake3", "sha384", "sha256"] as const).map((algorithm) =>
      store.add(MediaType.ImageLayer, new Uint8Array(1), algorithm)
    ),
  );
  const config = await addJson(store, MediaType.ImageConfig, {}, "sha512");
  const { manifest } = await addImage(store, { fields: { config, layers } });
  const { entries } = await planArchive(store, [manifest]);
  assert.deepEqual(
    entries.filter(({ type }) => type === "directory").map(({ name }) => name),
    ["blobs/", "blobs/blake3/", "blobs/sha256/", "blobs/sha384/", "blobs/sha512/"],
  );
  const names = entries.map(({ name }) => name);
  assert.deepEqual(names, names.toSorted());
});

test("the etag is over every entry of many, the last blob too", async () => {
  const layers = Array.from({ length: 5000 }, (_, i) => ({
    mediaType: MediaType.ImageLayer,
    digest: `sha256:${i.toString(16).padStart(64, "f")}`,
    size: 1,
  }));
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers: [], fields: { layers } });
  const { etag, entries } = await planArchive(store, [manifest]);
  const blobs = entries.filter(({ descriptor }) => descriptor);
  for (const left of [0, 999, 1900, 2500, blobs.length - 1]) {
    const { digest } = blobs[left]!.descriptor!;
    const plan = await planArchive(store, [manifest], {
      filter: (descriptor) => descriptor.digest !== digest,
    });
    assert.notEqual(plan.etag, etag, `without blob ${left}`);
  }
});

test("a stream hashes with its own digester where it is given one, else with the plan's", async () => {
  const { store, root } = await small();
  const made = { plan: 0, stream: 0 };
  const counting = (whose: keyof typeof made): CreateDigester => (algorithm) => {
    made[whose]++;
    return createDigester(algorithm);
  };
  const plan = await planArchive(store, [root], { createDigester: counting("plan") });
  for (
    const [given, whose] of [
      [undefined, "plan"],
      [{ createDigester: undefined }, "plan"],
      [{ createDigester: counting("stream") }, "stream"],
    ] as const
  ) {
    Object.assign(made, { plan: 0, stream: 0 });
    await collect(plan.stream(given));
    assert.deepEqual(made, { plan: 0, stream: 0, [whose]: 3 });
  }
});
