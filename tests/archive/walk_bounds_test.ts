// What a walk does with content that is damaged, confused or meant to hurt.
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type Descriptor,
  DigestMismatchError,
  InvalidDescriptorError,
  InvalidManifestError,
  LimitError,
  MediaType,
  MemoryStore,
  planArchive,
  SizeMismatchError,
} from "../../mod.ts";
import { concat } from "../helpers/bytes.ts";
import { addImage, addIndex, addJson } from "../helpers/image.ts";
import { SpyStore } from "../helpers/spy_store.ts";

/** Checks that planning fails with an error of this class, with these fields. */
async function refused(
  planning: Promise<unknown>,
  ErrorClass: new (...args: never[]) => Error,
  fields: Record<string, unknown> = {},
): Promise<void> {
  await assert.rejects(planning, (error) => {
    assert.ok(error instanceof ErrorClass, String(error));
    for (const [field, value] of Object.entries(fields)) {
      assert.deepEqual((error as unknown as Record<string, unknown>)[field], value);
    }
    return true;
  });
}

const DAMAGE: [what: string, damage: (bytes: Uint8Array) => Uint8Array][] = [
  ["its first byte changed", (bytes) => flip(bytes, 0)],
  ["its last byte changed", (bytes) => flip(bytes, bytes.length - 1)],
  ["its last byte gone", (bytes) => bytes.slice(0, -1)],
  ["one byte more", (bytes) => concat([bytes, new Uint8Array(1)])],
  ["512 bytes more", (bytes) => concat([bytes, new Uint8Array(512)])],
  ["no bytes at all", () => new Uint8Array()],
];

for (const [what, damage] of DAMAGE) {
  test(`a manifest or index with ${what} steers nothing`, async () => {
    const memory = new MemoryStore();
    const { manifest } = await addImage(memory);
    const index = await addIndex(memory, [manifest]);
    const outer = await addIndex(memory, [index]);
    for (const descriptor of [manifest, index, outer]) {
      const damaged = damage(await memory.open(descriptor));
      const replaced = new Map([[descriptor.digest, damaged]]);
      for (const chunkSize of [undefined, 100]) {
        const store = new SpyStore(memory, { chunkSize, replaced });
        await refused(
          planArchive(store, [outer]),
          damaged.length === descriptor.size ? DigestMismatchError : SizeMismatchError,
          { digest: descriptor.digest },
        );
        assert.equal(store.opened.at(-1), descriptor.digest, "nothing below it was opened");
        assert.equal(store.openNow, 0);
      }
    }
  });
}

test("a descriptor that no manifest may have is refused by its place", async () => {
  const good = { mediaType: MediaType.ImageLayer, digest: `sha256:${"a".repeat(64)}`, size: 1 };
  for (
    const [field, broken] of [
      ["size", { ...good, size: -1 }],
      ["size", { ...good, size: 1.5 }],
      ["size", { ...good, size: 2 ** 60 }],
      ["size", { ...good, size: "1" }],
      ["digest", { ...good, digest: "sha256:../../../../etc/passwd" }],
      ["digest", { ...good, digest: `sha256:${"a".repeat(63)}` }],
      ["digest", { ...good, digest: `../sha256:${"a".repeat(64)}` }],
      ["digest", { ...good, digest: `md5:${"a".repeat(32)}` }],
    ] as const
  ) {
    const store = new MemoryStore();
    const { manifest } = await addImage(store, { fields: { layers: [good, broken] } });
    await refused(planArchive(store, [manifest]), InvalidDescriptorError, {
      where: `manifest ${manifest.digest} layers[1]`,
      field,
    });
  }
});

test("an index that is a manifest is refused, and the reverse", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store);
  const index = await addIndex(store, [manifest]);
  const confused: Descriptor[] = [
    { ...manifest, mediaType: MediaType.ImageIndex },
    { ...index, mediaType: MediaType.ImageManifest },
  ];
  for (const descriptor of confused) {
    for (const root of [descriptor, await addIndex(store, [descriptor])]) {
      await refused(planArchive(store, [root]), InvalidManifestError, {
        digest: descriptor.digest,
      });
    }
  }
});

test("what is an index here and a manifest there is refused, though it has been read", async () => {
  const store = new MemoryStore();
  const { manifest } = await addImage(store);
  const index = await addIndex(store, [manifest]);
  for (const { mediaType, ...both } of [manifest, index]) {
    const other = mediaType === MediaType.ImageIndex
      ? MediaType.ImageManifest
      : MediaType.ImageIndex;
    const root = await addIndex(store, [
      { ...both, mediaType },
      await addIndex(store, [{ ...both, mediaType: other }]),
    ]);
    await refused(planArchive(store, [root]), InvalidManifestError, { digest: both.digest });
  }
});

test("blobs lie as deep below a root as maxDepth, and no deeper", async () => {
  const store = new MemoryStore();
  const { manifest, config } = await addImage(store);
  let top = manifest;
  const tower: Descriptor[] = [];
  for (let depth = 0; depth < 40; depth++) tower.push(top = await addIndex(store, [top]));
  await refused(planArchive(store, [tower[39]!]), LimitError, { limit: "maxDepth", max: 32 });
  // Below a root index: other indexes, the manifest, its config and layers.
  assert.ok(await planArchive(store, [tower[30]!]));
  await refused(planArchive(store, [tower[31]!]), LimitError, {
    limit: "maxDepth",
    message: `Cannot go on with blob ${config.digest}, 33 levels below its root: ` +
      "over the limit maxDepth = 32; raise it if this is meant",
  });
  const empty = await addIndex(store, []);
  assert.ok(await planArchive(store, [empty], { maxDepth: 0 }));
  assert.ok(await planArchive(store, [tower[39]!], { maxDepth: 41 }));
});

test("a manifest that is a root takes one floor, that of its config and layers", async () => {
  const store = new MemoryStore();
  const { manifest, config } = await addImage(store);
  assert.ok(await planArchive(store, [manifest], { maxDepth: 1 }));
  await assert.rejects(planArchive(store, [manifest], { maxDepth: 0 }), (error) => {
    assert.ok(error instanceof LimitError && error.message.includes(config.digest), String(error));
    return true;
  });
});

test("an endless chain of referrers ends at maxDepth", async () => {
  const memory = new MemoryStore();
  const { manifest } = await addImage(memory);
  const store = {
    open: memory.open.bind(memory),
    async referrers(subject: Descriptor) {
      return [(await addImage(memory, { fields: { subject } })).manifest];
    },
  };
  await refused(planArchive(store, [manifest], { referrers: true }), LimitError, {
    limit: "maxDepth",
  });
});

test("an archive has maxBlobs blobs at most", async () => {
  const store = new MemoryStore();
  const layers = Array.from({ length: 1000 }, (_, i) => ({
    mediaType: MediaType.ImageLayer,
    digest: `sha256:${i.toString(16).padStart(64, "0")}`,
    size: 1,
  }));
  const { manifest } = await addImage(store, { fields: { layers } });
  assert.ok(await planArchive(store, [manifest], { maxBlobs: 1002 }));
  await refused(planArchive(store, [manifest], { maxBlobs: 1001 }), LimitError, {
    limit: "maxBlobs",
    max: 1001,
  });
});

test("a manifest over maxManifestSize is not even opened", async () => {
  const memory = new MemoryStore();
  const { manifest } = await addImage(memory);
  const huge = { ...manifest, digest: `sha256:${"a".repeat(64)}`, size: 4194305 };
  const index = await addIndex(memory, [huge]);
  const store = new SpyStore(memory);
  await refused(planArchive(store, [index]), LimitError, {
    limit: "maxManifestSize",
    max: 4194304,
  });
  assert.deepEqual(store.opened, [index.digest]);
});

test("a manifest that lists one layer many times costs one blob", async () => {
  const store = new MemoryStore();
  const layer = await store.add(MediaType.ImageLayer, new Uint8Array(10));
  const { manifest } = await addImage(store, {
    fields: { layers: Array.from({ length: 20_000 }, () => layer) },
  });
  const plan = await planArchive(store, [manifest]);
  assert.equal(plan.entries.filter(({ descriptor }) => descriptor).length, 3);
});

test("diamonds of indexes are walked once, not twice a floor", async () => {
  const memory = new MemoryStore();
  let floor = [(await addImage(memory)).manifest];
  for (let depth = 0; depth < 25; depth++) {
    const left = await addJson(memory, MediaType.ImageIndex, { manifests: [...floor] });
    const right = await addJson(memory, MediaType.ImageIndex, { manifests: [...floor, left] });
    floor = [left, right];
  }
  const store = new SpyStore(memory);
  await planArchive(store, floor, { maxDepth: 60 });
  assert.equal(store.opened.length, 51 + 1);
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}
