import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type ArchivePlan,
  BlobNotFoundError,
  type ContentStore,
  type Descriptor,
  type Existence,
  type ExportOptions,
  InvalidDescriptorError,
  type Labels,
  MediaType,
  MemoryStore,
  NotAManifestError,
  planArchive,
  type Platform,
  PlatformNotFoundError,
  type Referrers,
  type Root,
  SizeMismatchError,
} from "../../mod.ts";
import { concat, macrotask, text, utf8 } from "../helpers/bytes.ts";
import { countingSignal } from "../helpers/counting_signal.ts";
import { addImage, addIndex, addJson, type Image } from "../helpers/image.ts";
import { SpyStore } from "../helpers/spy_store.ts";

const IMAGE_NAME = "io.containerd.image.name";
const REF_NAME = "org.opencontainers.image.ref.name";
const SUBJECT = "io.containerd.manifest.subject";

/** The digests of the blobs that are exported, sorted. */
function blobsOf(plan: ArchivePlan): string[] {
  return plan.entries.flatMap(({ descriptor }) => descriptor?.digest ?? []).sort();
}

async function exported(
  store: ContentStore,
  roots: (Descriptor | Root)[],
  options?: ExportOptions,
): Promise<string[]> {
  return blobsOf(await planArchive(store, roots, options));
}

/** The digests of these images' blobs and of further descriptors, each once, sorted. */
function digests(...parts: (Image | Descriptor)[]): string[] {
  const all = parts.flatMap((part) =>
    "manifest" in part ? [part.manifest, part.config, ...part.layers] : [part]
  );
  return [...new Set(all.map(({ digest }) => digest))].sort();
}

/** The config and names of each image in manifest.json; undefined where there is none. */
function dockerImages(plan: ArchivePlan): string[] | undefined {
  const entry = plan.entries.find(({ name }) => name === "manifest.json");
  if (!entry) return undefined;
  const images = JSON.parse(text(concat([...entry.body!]))) as {
    Config: string;
    RepoTags: string[] | null;
  }[];
  return images.map(({ Config, RepoTags }) =>
    [Config.replace("blobs/sha256/", "sha256:"), ...RepoTags ?? []].join(" ")
  );
}

/** An image that differs from others by its name. */
function addNamed(store: MemoryStore, name: string, fields?: Record<string, unknown>) {
  return addImage(store, { config: JSON.stringify({ name }), layers: ["base", name], fields });
}

/** An index of images for these platforms. */
async function multiPlatform(platforms: (Platform | undefined)[]) {
  const store = new MemoryStore();
  const images = await Promise.all(platforms.map((_, i) => addNamed(store, `image ${i}`)));
  const index = await addIndex(
    store,
    images.map(({ manifest }, i) => ({ ...manifest, platform: platforms[i] })),
  );
  return { store, images, index };
}

const AMD64 = { os: "linux", architecture: "amd64" };
const ARM64 = { os: "linux", architecture: "arm64", variant: "v8" };
const ARM_V6 = { os: "linux", architecture: "arm", variant: "v6" };

test("a manifest brings its config and layers, an index its manifests", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  assert.deepEqual(await exported(store, [images[0]!.manifest]), digests(images[0]!));
  assert.deepEqual(await exported(store, [index]), digests(index, ...images));
});

test("indexes may nest, and what is shared is there once", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const outer = await addIndex(store, [index, images[0]!.manifest, index]);
  const outermost = await addIndex(store, [outer, outer]);
  assert.deepEqual(await exported(store, [outermost]), digests(outermost, outer, index, ...images));
});

test("a media type that nobody knows is a leaf", async () => {
  const store = new MemoryStore();
  const unknown = await addJson(store, "application/vnd.example+json", { layers: [1], config: 2 });
  const index = await addIndex(store, [unknown]);
  assert.deepEqual(await exported(store, [index]), digests(index, unknown));
});

test("a subject is not followed", async () => {
  const store = new MemoryStore();
  const image = await addNamed(store, "image");
  const signature = await addNamed(store, "signature", { subject: image.manifest });
  assert.deepEqual(await exported(store, [signature.manifest]), digests(signature));
});

test("a root is a manifest or an index", async () => {
  const store = new MemoryStore();
  const { config } = await addNamed(store, "image");
  await assert.rejects(planArchive(store, [config]), (error) => {
    assert.ok(error instanceof NotAManifestError, String(error));
    assert.deepEqual([error.digest, error.mediaType], [config.digest, MediaType.ImageConfig]);
    return true;
  });
  await assert.rejects(planArchive(store, []), TypeError);
});

test("a root's descriptor is checked like any other", async () => {
  const store = new MemoryStore();
  const { manifest } = await addNamed(store, "image");
  for (const broken of [{ size: -1 }, { digest: "sha256:../../etc/passwd" }, { size: 2 ** 60 }]) {
    await assert.rejects(planArchive(store, [manifest, { ...manifest, ...broken }]), (error) => {
      assert.ok(error instanceof InvalidDescriptorError, String(error));
      assert.equal(error.where, "roots[1]");
      return true;
    });
  }
});

test("names become entries of index.json, over what stands there", async () => {
  const store = new MemoryStore();
  const { manifest } = await addNamed(store, "image");
  const descriptor = { ...manifest, annotations: { key: "kept", [REF_NAME]: "old" } };
  const names = ["docker.io/library/app:1.0", "example.com/app", "app"];
  const plan = await planArchive(store, [{ descriptor, names }]);
  assert.deepEqual(
    plan.manifests.map(({ annotations }) => annotations),
    [
      { key: "kept", [IMAGE_NAME]: "docker.io/library/app:1.0", [REF_NAME]: "1.0" },
      { key: "kept", [IMAGE_NAME]: "example.com/app", [REF_NAME]: "example.com/app" },
      { key: "kept", [IMAGE_NAME]: "app", [REF_NAME]: "app" },
    ],
  );
});

test("a root without names stands in index.json as it is", async () => {
  const store = new MemoryStore();
  const { manifest } = await addNamed(store, "image");
  const descriptor = { ...manifest, annotations: { [IMAGE_NAME]: "example.com/app:2" } };
  for (const root of [descriptor, { descriptor }, { descriptor, names: [] }]) {
    const plan = await planArchive(store, [root]);
    assert.deepEqual(plan.manifests, [descriptor]);
    assert.match(dockerImages(plan)![0]!, / example.com\/app:2$/);
  }
});

test("several roots stand in their order, each image once in manifest.json", async () => {
  const store = new MemoryStore();
  const [a, b] = [await addNamed(store, "a"), await addNamed(store, "b")];
  const plan = await planArchive(store, [
    { descriptor: b.manifest, names: ["example.com/b:1"] },
    { descriptor: a.manifest, names: ["example.com/a:1"] },
    { descriptor: b.manifest, names: ["example.com/b:2"] },
  ]);
  assert.deepEqual(plan.manifests.map(({ digest }) => digest), [
    b.manifest.digest,
    a.manifest.digest,
    b.manifest.digest,
  ]);
  assert.deepEqual(dockerImages(plan), [
    `${b.config.digest} example.com/b:1 example.com/b:2`,
    `${a.config.digest} example.com/a:1`,
  ]);
  assert.deepEqual(blobsOf(plan), digests(a, b));
});

test("a root index under several names is one image with all of them", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const roots = [
    { descriptor: index, names: ["example.com/app:1", "example.com/app:2"] },
    { descriptor: index, names: ["example.com/app:3"] },
  ];
  const plan = await planArchive(store, roots, { platforms: ["linux/amd64"] });
  assert.deepEqual(dockerImages(plan), [
    `${images[0]!.config.digest} example.com/app:1 example.com/app:2 example.com/app:3`,
  ]);
});

test("an image that a root index chooses loses the names that it had before, as in containerd", async () => {
  const { store, images: [image], index } = await multiPlatform([AMD64]);
  const own = { descriptor: image!.manifest, names: ["example.com/own:1"] };
  const chosen = { descriptor: index, names: ["example.com/app:1"] };
  const options = { platforms: ["linux/amd64"] };
  const { digest } = image!.config;
  assert.deepEqual(dockerImages(await planArchive(store, [own, chosen], options)), [
    `${digest} example.com/app:1`,
  ]);
  assert.deepEqual(dockerImages(await planArchive(store, [chosen, own], options)), [
    `${digest} example.com/app:1 example.com/own:1`,
  ]);
});

test("labels tell where the root's blob came from, and nothing else", async () => {
  const store = new MemoryStore();
  const { manifest } = await addNamed(store, "image");
  const labelled: ContentStore & Labels = {
    open: (descriptor, options) => store.open(descriptor, options),
    labels: () =>
      Promise.resolve({
        "containerd.io/distribution.source.docker.io": "library/app",
        "containerd.io/gc.ref.content.0": "sha256:0",
      }),
  };
  const plan = await planArchive(labelled, [manifest]);
  assert.deepEqual(plan.manifests[0]!.annotations, {
    "containerd.io/distribution.source.docker.io": "library/app",
  });
});

test("platforms choose of a root index, and the best is manifest.json's image", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64, ARM_V6]);
  const [amd64, arm64, armV6] = images as [Image, Image, Image];
  for (
    const [platforms, chosen, best] of [
      [["linux/arm64"], [arm64], arm64],
      [["linux/arm/v6", "linux/amd64"], [amd64, armV6], armV6],
      [["linux/amd64", "linux/arm/v6"], [amd64, armV6], amd64],
      [["windows/amd64", AMD64], [amd64], amd64],
    ] as [ExportOptions["platforms"], Image[], Image][]
  ) {
    const plan = await planArchive(store, [index], { platforms });
    assert.deepEqual(blobsOf(plan), digests(index, ...chosen), String(platforms));
    assert.deepEqual(dockerImages(plan), [best.config.digest]);
    assert.deepEqual(plan.manifests, [index], "the index itself is unchanged");
  }
});

test("without platforms all are exported, and none is manifest.json's image", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  for (const platforms of [undefined, []]) {
    const plan = await planArchive(store, [index], { platforms });
    assert.deepEqual(blobsOf(plan), digests(index, ...images));
    assert.equal(dockerImages(plan), undefined);
  }
});

test("allPlatforms exports the others too", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const options = { platforms: ["linux/arm64"], allPlatforms: true };
  const plan = await planArchive(store, [index], options);
  assert.deepEqual(blobsOf(plan), digests(index, ...images));
  assert.deepEqual(dockerImages(plan), [images[1]!.config.digest]);
});

test("a manifest without a platform is always wanted, and the last choice", async () => {
  const { store, images, index } = await multiPlatform([undefined, AMD64, ARM64]);
  const [bare, amd64] = images as [Image, Image];
  const plan = await planArchive(store, [index], { platforms: ["linux/amd64"] });
  assert.deepEqual(blobsOf(plan), digests(index, bare, amd64));
  assert.deepEqual(dockerImages(plan), [amd64.config.digest]);
  const other = await planArchive(store, [index], { platforms: ["linux/s390x"] });
  assert.deepEqual(blobsOf(other), digests(index, bare));
  assert.deepEqual(dockerImages(other), [bare.config.digest]);
});

test("platforms choose one level deep: a nested index is exported whole", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const other = await addNamed(store, "other");
  const outer = await addIndex(store, [index, { ...other.manifest, platform: AMD64 }]);
  const plan = await planArchive(store, [outer], { platforms: ["linux/amd64"] });
  assert.deepEqual(blobsOf(plan), digests(outer, index, other, ...images));
});

test("skipManifestJson looks for no image in a root index, so that none has to be there", async () => {
  const { store, images, index } = await multiPlatform([AMD64]);
  const outer = await addIndex(store, [index]);
  const options = { platforms: ["linux/amd64"], skipManifestJson: true };
  assert.deepEqual(await exported(store, [outer], options), digests(outer, index, ...images));
});

test("an index without the platform fails, and says which it has", async () => {
  const { store, index } = await multiPlatform([AMD64, ARM64]);
  for (const allPlatforms of [false, true]) {
    const options = { platforms: ["linux/s390x", "windows/amd64"], allPlatforms };
    await assert.rejects(planArchive(store, [index], options), (error) => {
      assert.ok(error instanceof PlatformNotFoundError, String(error));
      assert.equal(error.digest, index.digest);
      assert.deepEqual(error.available, ["linux/amd64", "linux/arm64/v8"]);
      assert.match(error.message, /linux\/s390x or windows\/amd64.*linux\/amd64, linux\/arm64/);
      return true;
    });
  }
});

test("skipNonDistributable leaves such layers out, though manifests list them", async () => {
  const store = new MemoryStore();
  const foreign = await store.add(
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    utf8("foreign"),
  );
  const { manifest, config } = await addImage(store, { fields: { layers: [foreign] } });
  const options = { skipNonDistributable: true };
  assert.deepEqual(await exported(store, [manifest], options), digests(manifest, config));
  assert.deepEqual(await exported(store, [manifest]), digests(manifest, config, foreign));
});

test("filter leaves out blobs, but not what they refer to", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const kept = await exported(store, [index], {
    filter: ({ digest }) => digest !== images[0]!.manifest.digest && digest !== index.digest,
  });
  const left = [images[0]!.manifest.digest, index.digest];
  assert.deepEqual(
    kept,
    digests(index, ...images).filter((digest) => !left.includes(digest)),
  );
});

test("a blob that is left out still has its algorithm's directory, as in containerd", async () => {
  const store = new MemoryStore();
  const layer = await store.add(MediaType.ImageLayer, utf8("layer"), "sha512");
  const { manifest } = await addImage(store, { fields: { layers: [layer] } });
  const { entries } = await planArchive(store, [manifest], {
    filter: ({ digest }) => digest !== layer.digest,
  });
  assert.deepEqual(
    entries.filter(({ type }) => type === "directory").map(({ name }) => name),
    ["blobs/", "blobs/sha256/", "blobs/sha512/"],
  );
});

test("what is missing is an error that names it", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  for (const { digest } of [images[1]!.manifest, index]) {
    const spy = new SpyStore(store, { replaced: new Map([[digest, undefined]]) });
    await assert.rejects(planArchive(spy, [index]), (error) => {
      assert.ok(error instanceof BlobNotFoundError, String(error));
      assert.equal(error.digest, digest);
      return true;
    });
  }
});

test("skipMissing leaves out a manifest that is missing, and all below it", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const replaced = new Map([[images[1]!.manifest.digest, undefined]]);
  const kept = await exported(new SpyStore(store, { replaced }), [index], { skipMissing: true });
  assert.deepEqual(kept, digests(index, images[0]!));
});

test("skipMissing leaves it out wherever it is listed", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const [first, gone] = images as [Image, Image];
  const again = await addIndex(store, [gone.manifest, first.manifest]);
  const outer = await addIndex(store, [index, again, index]);
  const replaced = new Map([[gone.manifest.digest, undefined]]);
  const kept = await exported(new SpyStore(store, { replaced }), [outer], { skipMissing: true });
  assert.deepEqual(kept, digests(outer, index, again, first));
});

test("skipMissing keeps a manifest that lacks a child, without its children", async () => {
  const store = new MemoryStore();
  const a = await addImage(store, { config: '"a"', layers: ["a 1", "a 2"] });
  const b = await addImage(store, { config: '"b"', layers: ["b 1"] });
  const index = await addIndex(store, [a.manifest, b.manifest]);
  for (const missing of [a.config, a.layers[1]!]) {
    const spy = new SpyStore(store, { replaced: new Map([[missing.digest, undefined]]) });
    const kept = await exported(spy, [index], { skipMissing: true });
    assert.deepEqual(kept, digests(index, b, a.manifest));
  }
});

test("skipMissing does not skip a root", async () => {
  const { store, images, index } = await multiPlatform([AMD64]);
  const { manifest } = images[0]!;
  for (const roots of [[index], [manifest], [index, manifest], [manifest, index]]) {
    const replaced = new Map([[roots.at(-1)!.digest, undefined]]);
    const spy = new SpyStore(store, { replaced });
    await assert.rejects(planArchive(spy, roots, { skipMissing: true }), BlobNotFoundError);
  }
});

/** The store with these referrers, by their subject's digest. */
function referring(
  store: MemoryStore,
  referrers: Record<string, Descriptor[]>,
): ContentStore & Referrers {
  return {
    open: (descriptor, options) => store.open(descriptor, options),
    referrers: ({ digest }) => Promise.resolve(referrers[digest] ?? []),
  };
}

test("referrers are exported with what they refer to, and stand in index.json", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const signatures = await Promise.all(
    ["of an image", "of a signature", "of the root index"].map((name) => addNamed(store, name)),
  );
  const [ofImage, ofSignature, ofIndex] = signatures as [Image, Image, Image];
  const knowing = referring(store, {
    [images[1]!.manifest.digest]: [{ ...ofImage.manifest, annotations: { key: "kept" } }],
    [ofImage.manifest.digest]: [ofSignature.manifest],
    [index.digest]: [ofIndex.manifest],
  });
  const plan = await planArchive(knowing, [index], { referrers: true });
  assert.deepEqual(blobsOf(plan), digests(index, ...images, ...signatures));
  const [first, ...others] = plan.manifests;
  assert.deepEqual(first, index);
  const expected = [
    {
      ...ofImage.manifest,
      annotations: { key: "kept", [SUBJECT]: images[1]!.manifest.digest },
    },
    { ...ofSignature.manifest, annotations: { [SUBJECT]: ofImage.manifest.digest } },
    { ...ofIndex.manifest, annotations: { [SUBJECT]: index.digest } },
  ];
  assert.deepEqual(others, expected.toSorted((a, b) => a.digest < b.digest ? -1 : 1));
});

test("referrers that stand in the tree anyway are not listed again", async () => {
  const store = new MemoryStore();
  const [image, signature] = [await addNamed(store, "image"), await addNamed(store, "signature")];
  const index = await addIndex(store, [image.manifest, signature.manifest]);
  const knowing = referring(store, { [image.manifest.digest]: [signature.manifest] });
  const plan = await planArchive(knowing, [index], { referrers: true });
  assert.deepEqual(plan.manifests, [index]);
  assert.deepEqual(blobsOf(plan), digests(index, image, signature));
});

test("nor are those that are met in the tree only later", async () => {
  const store = new MemoryStore();
  const [image, signature] = [await addNamed(store, "image"), await addNamed(store, "signature")];
  const inner = await addIndex(store, [signature.manifest]);
  const index = await addIndex(store, [image.manifest, inner]);
  const knowing = referring(store, { [image.manifest.digest]: [signature.manifest] });
  const plan = await planArchive(knowing, [index], { referrers: true });
  assert.deepEqual(plan.manifests, [index]);
});

test("a root that says it is a referrer is listed once, as in an archive exported again", async () => {
  const store = new MemoryStore();
  const [image, signature] = [await addNamed(store, "image"), await addNamed(store, "signature")];
  const referrer = { ...signature.manifest, annotations: { [SUBJECT]: image.manifest.digest } };
  const plan = await planArchive(store, [image.manifest, referrer]);
  assert.deepEqual(plan.manifests, [image.manifest, referrer]);
});

test("referrers are asked for only where they are wanted, and known", async () => {
  const store = new MemoryStore();
  const [image, signature] = [await addNamed(store, "image"), await addNamed(store, "signature")];
  const knowing = referring(store, { [image.manifest.digest]: [signature.manifest] });
  assert.deepEqual(await exported(knowing, [image.manifest]), digests(image));
  const options = { referrers: true };
  assert.deepEqual(await exported(store, [image.manifest], options), digests(image));
});

test("one digest has one size, whoever names it", async () => {
  const store = new MemoryStore();
  const layer = await store.add(MediaType.ImageLayer, utf8("layer"));
  const { manifest } = await addImage(store, {
    fields: { layers: [layer, { ...layer, size: 6 }] },
  });
  await assert.rejects(planArchive(store, [manifest]), (error) => {
    assert.ok(error instanceof SizeMismatchError, String(error));
    assert.deepEqual([error.digest, error.expected, error.actual], [layer.digest, 5, 6]);
    return true;
  });
});

test("a manifest may come with its descriptor", async () => {
  const store = new MemoryStore();
  const { manifest } = await addNamed(store, "image");
  const data = btoa(text(await store.open(manifest)));
  const spy = new SpyStore(store);
  const plan = await planArchive(spy, [{ ...manifest, data }]);
  assert.deepEqual(spy.opened, []);
  assert.deepEqual(plan.manifests, [{ ...manifest, data }]);
});

test("several manifests are read at a time, and no more than so many", async () => {
  const { store, index } = await multiPlatform(
    Array.from({ length: 20 }, (_, i) => ({ os: "linux", architecture: `cpu${i}` })),
  );
  const expected = await exported(store, [index]);
  for (const concurrency of [1, 3, 8, undefined]) {
    let [reading, most] = [0, 0];
    const slow: ContentStore = {
      async open(descriptor, options) {
        most = Math.max(most, ++reading);
        await macrotask();
        reading--;
        return store.open(descriptor, options);
      },
    };
    assert.deepEqual(await exported(slow, [index], { concurrency }), expected);
    assert.equal(most, concurrency ?? 8);
  }
});

test("a concurrency of none is refused", async () => {
  const { store, index } = await multiPlatform([AMD64]);
  for (const concurrency of [0, -1, NaN]) {
    await assert.rejects(planArchive(store, [index], { concurrency }), RangeError);
  }
});

test("an abort ends a walk, wherever the store has stalled", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  const never = () => new Promise<never>(() => {});
  const open: ContentStore["open"] = (descriptor, options) => store.open(descriptor, options);
  const stores: [where: string, store: ContentStore & Partial<Labels & Referrers>][] = [
    ["open()", { open: never }],
    ["open() of a child", {
      open: (descriptor) =>
        descriptor.digest === images[1]!.manifest.digest ? never() : store.open(descriptor),
    }],
    ["exists()", { open, exists: never } as ContentStore],
    ["labels()", { open, labels: never }],
    ["referrers()", { open, referrers: never }],
  ];
  for (const [where, stalled] of stores) {
    const controller = new AbortController();
    const planning = planArchive(stalled, [index], {
      signal: controller.signal,
      skipMissing: true,
      referrers: true,
    });
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 5);
    await assert.rejects(planning, (error) => error === reason, where);
  }
});

test("a walk whose signal has aborted asks for nothing", async () => {
  const { store, index } = await multiPlatform([AMD64]);
  const spy = new SpyStore(store);
  const reason = new Error("enough");
  const planning = planArchive(spy, [index], { signal: AbortSignal.abort(reason) });
  await assert.rejects(planning, (error) => error === reason);
  assert.deepEqual(spy.opened, []);
});

test("a walk hands a signal on to all that it asks", async () => {
  const { store, index } = await multiPlatform([AMD64]);
  const signals: unknown[] = [];
  const note = <T>(answer: T, options?: { signal?: AbortSignal }) => {
    signals.push(options?.signal instanceof AbortSignal);
    return answer;
  };
  const asked: ContentStore & Labels & Referrers & Existence = {
    open: (descriptor, options) => note(store.open(descriptor, options), options),
    labels: (_, options) => note(Promise.resolve({}), options),
    referrers: (_, options) => note(Promise.resolve([]), options),
    exists: (_, options) => note(Promise.resolve(true), options),
  };
  await planArchive(asked, [index], { referrers: true, skipMissing: true });
  // Labels of the root, two documents, referrers of both, and the config and two layers.
  assert.deepEqual(signals, Array(8).fill(true));
});

test("a walk that fails ends the reads that are still under way", async () => {
  const { store, images, index } = await multiPlatform([AMD64, ARM64]);
  let signal: AbortSignal | undefined;
  const failing: ContentStore = {
    open(descriptor, options) {
      if (descriptor.digest === index.digest) return store.open(descriptor, options);
      if (descriptor.digest === images[0]!.manifest.digest) {
        return macrotask().then(() => Promise.reject(new Error("disk on fire")));
      }
      signal = options?.signal;
      return new Promise(() => {});
    },
  };
  await assert.rejects(planArchive(failing, [index]), /disk on fire/);
  assert.equal(signal?.aborted, true);
});

test("a walk leaves no listener on the signal, however it ends", async () => {
  const { store, index } = await multiPlatform([AMD64]);
  for (const platforms of [["linux/amd64"], ["linux/s390x"]]) {
    const { signal, listeners } = countingSignal();
    await planArchive(store, [index], { platforms, signal }).catch(() => {});
    assert.equal(listeners(), 0, String(platforms));
  }
});
