import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import {
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BufferPool,
  type Descriptor,
  MediaType,
  planArchive,
  readBlob,
  SizeMismatchError,
} from "../../mod.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import { describeStore } from "../contracts/store.ts";
import { collect, drain, equal, macrotask, noise, sha256, text, utf8 } from "../helpers/bytes.ts";
import { countingSignal } from "../helpers/counting_signal.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage, addIndex, addJson } from "../helpers/image.ts";
import { LayoutFolder, tagged } from "../helpers/layout_folder.ts";

const MIB = 1_048_576;

/** A pool that knows how many buffers were taken from it, and how many it had to make. */
class CountingPool extends BufferPool {
  taken = 0;
  readonly made = new Set<ArrayBuffer>();

  override take(): Uint8Array<ArrayBuffer> {
    const buffer = super.take();
    this.taken++;
    this.made.add(buffer.buffer);
    return buffer;
  }
}

describeStore(
  "LayoutStore",
  ["exists", "resolve", "roots", "referrers"],
  async ({ blobs, roots }) => {
    const path = await mkdtemp(join(tmpdir(), "oci-archive-test-"));
    const layout = new LayoutFolder(path);
    for (const { descriptor, bytes } of blobs) {
      const algorithm = descriptor.digest.startsWith("sha512:") ? "sha512" : "sha256";
      await layout.add(descriptor.mediaType, bytes, algorithm);
    }
    await layout.list(
      roots.map(({ descriptor, tag }) => tag ? tagged(descriptor, tag) : descriptor),
    );
    return { store: new LayoutStore(path), close: () => rm(path, { recursive: true }) };
  },
);

/** Runs a test on a layout folder without anything in it. */
function inLayout(test: (layout: LayoutFolder, store: LayoutStore) => Promise<void>) {
  return () => inFolder((path) => test(new LayoutFolder(path), new LayoutStore(path)));
}

const named = (descriptor: Descriptor, name: string): Descriptor => ({
  ...descriptor,
  annotations: { "io.containerd.image.name": name },
});

test(
  "resolve() finds by reference name, by full name and by digest",
  inLayout(async (layout, store) => {
    const one = tagged((await addImage(layout, { config: "1" })).manifest, "1.0");
    const other = named((await addImage(layout, { config: "2" })).manifest, "example.com/app:2");
    await layout.list([one, other]);
    assert.deepEqual(await store.resolve("1.0"), one);
    assert.deepEqual(await store.resolve("example.com/app:2"), other);
    assert.deepEqual(await store.resolve(other.digest), other);
    assert.deepEqual(await store.resolve(`@${other.digest}`), other);
  }),
);

test(
  "resolve() finds manifests inside of a listed index by digest, however deep",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    const inner = await addIndex(layout, [manifest]);
    await layout.list([await addIndex(layout, [inner])]);
    assert.deepEqual(await store.resolve(inner.digest), inner);
    assert.deepEqual(await store.resolve(manifest.digest), manifest);
  }),
);

test(
  "resolve() finds by digest what is up to 32 levels deep",
  inLayout(async (layout, store) => {
    const levels = [(await addImage(layout)).manifest];
    while (levels.length < 33) levels.unshift(await addIndex(layout, [levels[0]!]));
    await layout.list([levels[0]!]);
    assert.deepEqual(await store.resolve(levels[31]!.digest), levels[31]);
    await assert.rejects(() => store.resolve(levels[32]!.digest), {
      name: "ReferenceNotFoundError",
    });
  }),
);

test(
  "resolve() finds a listed manifest whose blob is not there",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    await rm(layout.file(manifest));
    await layout.list([await addIndex(layout, [manifest])]);
    assert.deepEqual(await store.resolve(manifest.digest), manifest);
  }),
);

test(
  "resolve() takes a name that stands for the same manifest twice",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    await layout.list([tagged(manifest, "1.0"), tagged(manifest, "1.0")]);
    assert.equal((await store.resolve("1.0")).digest, manifest.digest);
  }),
);

test(
  "resolve() rejects a name that stands for several manifests, and names them",
  inLayout(async (layout, store) => {
    const one = (await addImage(layout, { config: "1" })).manifest;
    const other = (await addImage(layout, { config: "2" })).manifest;
    await layout.list([tagged(one, "1.0"), tagged(other, "1.0")]);
    await assert.rejects(() => store.resolve("1.0"), {
      name: "ReferenceNotFoundError",
      message: `Cannot find "1.0": ${layout.path} has several; choose by digest: ` +
        `${one.digest}, ${other.digest}`,
    });
  }),
);

test(
  "resolve() rejects an unknown name with those that there are",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    await layout.list([tagged(manifest, "1.0"), named(manifest, "example.com/app:2"), manifest]);
    await assert.rejects(() => store.resolve("2.0"), {
      name: "ReferenceNotFoundError",
      message: `Cannot find "2.0": ${layout.path} has "1.0", "example.com/app:2"`,
    });
    await writeFile(join(layout.path, "index.json"), JSON.stringify({ manifests: [manifest] }));
    await assert.rejects(() => new LayoutStore(layout.path).resolve("2.0"), {
      message: `Cannot find "2.0": ${layout.path} has no names; choose by digest: @sha256:…`,
    });
  }),
);

test(
  "roots() keep every field of their descriptors",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    const root = {
      ...tagged(manifest, "1.0"),
      platform: { architecture: "arm64", os: "linux", variant: "v8" },
      artifactType: "application/vnd.example",
    };
    await layout.list([root]);
    assert.deepEqual(await store.roots(), [root]);
  }),
);

const BROKEN: [what: string, file: string, content: string | undefined, why: string][] = [
  ["without oci-layout", "oci-layout", undefined, "is missing"],
  ["without index.json", "index.json", undefined, "is missing"],
  ["whose oci-layout is not JSON", "oci-layout", "{", "is not JSON"],
  [
    "whose oci-layout has no version",
    "oci-layout",
    "{}",
    'must have imageLayoutVersion "1.0.0"',
  ],
  [
    "whose oci-layout is of another version",
    "oci-layout",
    '{"imageLayoutVersion":"2.0.0"}',
    'must have imageLayoutVersion "1.0.0"',
  ],
  [
    "whose oci-layout is an array",
    "oci-layout",
    "[]",
    'must have imageLayoutVersion "1.0.0"',
  ],
  ["whose oci-layout is null", "oci-layout", "null", 'must have imageLayoutVersion "1.0.0"'],
  [
    "whose index.json is not JSON",
    "index.json",
    '{"manifests":[',
    "is broken: Cannot use manifest index.json: is not JSON",
  ],
  [
    "whose index.json is a manifest",
    "index.json",
    '{"schemaVersion":2,"config":{},"layers":[]}',
    "is broken: Cannot use manifest index.json: config belongs to a manifest, not to an index",
  ],
  [
    "whose index.json lists something without a digest",
    "index.json",
    '{"manifests":[{"size":1}]}',
    "is broken: Cannot use the descriptor in manifest index.json manifests[0]: digest is missing",
  ],
];
for (const [what, file, content, why] of BROKEN) {
  test(
    `a layout ${what} is refused`,
    inLayout(async (layout, store) => {
      await layout.list([]);
      if (content === undefined) await rm(join(layout.path, file));
      else await writeFile(join(layout.path, file), content);
      const subject = { mediaType: "", digest: `sha256:${"0".repeat(64)}`, size: 1 };
      for (const call of [store.roots(), store.resolve("1.0"), store.referrers(subject)]) {
        await assert.rejects(call, {
          name: "InvalidLayoutError",
          file,
          message: `Cannot read ${layout.path} as an OCI image layout: ${file} ${why}`,
        });
      }
    }),
  );
}

test("a layout that is no directory is refused", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeFile(path, "");
    for (const where of [path, join(folder, "nothing")]) {
      await assert.rejects(() => new LayoutStore(where).roots(), {
        name: "InvalidLayoutError",
        message: `Cannot read ${where} as an OCI image layout: oci-layout is missing`,
      });
    }
  }));

test(
  "an index.json that is too large is refused before it is parsed",
  inLayout(async (layout, store) => {
    await layout.list([]);
    await truncate(join(layout.path, "index.json"), 64 * 1_048_576 + 1);
    await assert.rejects(() => store.roots(), { name: "LimitError", limit: "maxIndexSize" });
  }),
);

test(
  "an index.json as large as maxIndexSize is read, and one byte more is refused",
  inLayout(async (layout) => {
    await layout.list([]);
    const { size } = await stat(join(layout.path, "index.json"));
    assert.deepEqual(await new LayoutStore(layout.path, { maxIndexSize: size }).roots(), []);
    const strict = new LayoutStore(layout.path, { maxIndexSize: size - 1 });
    await assert.rejects(() => strict.roots(), { name: "LimitError", max: size - 1 });
  }),
);

test(
  "resolve() names the first few of many names, and no more of a long one than tells it",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    const names = Array.from({ length: 100 }, (_, i) => `tag-${i}\u001b`);
    await layout.list(["x".repeat(1000), ...names].map((name) => tagged(manifest, name)));
    const first = [`"${"x".repeat(200)}…"`];
    for (let i = 0; i < 11; i++) first.push(`"tag-${i}\\u001b"`);
    await assert.rejects(() => store.resolve("2.0"), {
      message: `Cannot find "2.0": ${layout.path} has ${first.join(", ")} and 89 more`,
    });
  }),
);

test(
  "resolve() looks for names in index.json alone",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    const index = await addIndex(layout, [manifest]);
    await layout.list([tagged(index, "1.0")]);
    await rm(layout.file(index));
    await mkdir(layout.file(index));
    for (const name of ["2.0", "app:2.0", "sha256:123"]) {
      await assert.rejects(() => store.resolve(name), { name: "ReferenceNotFoundError" });
    }
  }),
);

test(
  "resolve() by digest and referrers() fail where a manifest cannot be read, until it can",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    const referrer = (await addImage(layout, { config: "bom", fields: { subject: manifest } }))
      .manifest;
    const index = await addIndex(layout, [referrer]);
    await layout.list([manifest, index]);
    await rename(layout.file(index), join(layout.path, "index"));
    await mkdir(layout.file(index));
    await assert.rejects(() => store.resolve(referrer.digest), { name: "BlobReadError" });
    await assert.rejects(() => store.referrers(manifest), { name: "BlobReadError" });
    await rm(layout.file(index), { recursive: true });
    await rename(join(layout.path, "index"), layout.file(index));
    assert.equal((await store.resolve(referrer.digest)).digest, referrer.digest);
    assert.equal((await store.referrers(manifest))[0]!.digest, referrer.digest);
  }),
);

test(
  "a layout is read anew after it was refused, and after its index.json was written",
  inLayout(async (layout, store) => {
    await assert.rejects(() => store.roots(), { name: "InvalidLayoutError" });
    const { manifest } = await addImage(layout);
    const referrer = (await addImage(layout, { config: "bom", fields: { subject: manifest } }))
      .manifest;
    await layout.list([]);
    assert.deepEqual(await store.roots(), []);
    assert.deepEqual(await store.referrers(manifest), []);
    await layout.list([tagged(manifest, "1.0"), referrer]);
    assert.deepEqual(await store.roots(), [tagged(manifest, "1.0"), referrer]);
    assert.equal((await store.resolve("1.0")).digest, manifest.digest);
    assert.equal((await store.referrers(manifest)).length, 1);
    await layout.list([tagged(manifest, "1.1"), referrer]);
    assert.equal((await store.resolve("1.1")).digest, manifest.digest);
    await assert.rejects(() => store.resolve("1.0"), { name: "ReferenceNotFoundError" });
  }),
);

test(
  "an index.json that nobody has written is parsed once",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    await layout.list([manifest]);
    await utimes(join(layout.path, "index.json"), 1, 1);
    const [one, other] = [await store.roots(), await store.roots()];
    assert.equal(one[0], other[0]);
  }),
);

test(
  "referrers() finds nested ones, indexes too, with their type and annotations",
  inLayout(async (layout, store) => {
    const { manifest } = await addImage(layout);
    const referrer = (config: string, fields: Record<string, unknown>) =>
      addImage(layout, { config, fields: { subject: manifest, ...fields } });
    const bom = await referrer("bom", { annotations: { kind: "bom" } });
    const nested = await referrer("nested", { artifactType: "application/vnd.nested" });
    const index = await addJson(layout, MediaType.ImageIndex, {
      schemaVersion: 2,
      subject: manifest,
      artifactType: "application/vnd.index",
      manifests: [nested.manifest],
    });
    await layout.list([manifest, bom.manifest, index]);
    assert.deepEqual(await store.referrers(manifest), [
      // Without a type of its own, it has its config's.
      { ...bom.manifest, annotations: { kind: "bom" }, artifactType: MediaType.ImageConfig },
      { ...index, artifactType: "application/vnd.index" },
      { ...nested.manifest, artifactType: "application/vnd.nested" },
    ]);
  }),
);

test(
  "referrers() passes over what is missing, damaged or no manifest",
  inLayout(async (layout, store) => {
    const { manifest, config } = await addImage(layout);
    const referrer = (config: string) =>
      addImage(layout, { config, fields: { subject: manifest } });
    const [good, missing, damaged] = [
      (await referrer("good")).manifest,
      (await referrer("missing")).manifest,
      (await referrer("damaged")).manifest,
    ];
    await rm(layout.file(missing));
    await writeFile(layout.file(damaged), "x".repeat(damaged.size));
    await layout.list([missing, damaged, config, manifest, good, good]);
    const found = await store.referrers(manifest);
    assert.deepEqual(found.map(({ digest }) => digest), [good.digest]);
  }),
);

test(
  "a device in a blob's place is a BlobReadError, although links are followed",
  inLayout(async (layout) => {
    const blob = await layout.add("", utf8("hello"));
    await rm(layout.file(blob));
    await symlink("/dev/null", layout.file(blob));
    const store = new LayoutStore(layout.path, { followLinks: true });
    await assert.rejects(async () => await store.open(blob), {
      name: "BlobReadError",
      message: `Cannot read blob ${blob.digest}: a device is where a file should be`,
    });
  }),
);

test(
  "what the file system says is the cause of an error",
  inLayout(async (layout, store) => {
    const blob = await layout.add("", utf8("hello"));
    await layout.list([blob]);
    for (const file of [layout.file(blob), join(layout.path, "index.json")]) {
      await rm(file);
      await mkdir(file);
    }
    for (const call of [async () => await store.open(blob), () => store.roots()]) {
      await assert.rejects(call, ({ cause }) => cause.code === "EFTYPE");
    }
  }),
);

test(
  "open() gives one byte more where a file goes on behind the blob's end, and no more than that",
  inLayout(async (layout, store) => {
    const blob = await layout.add("", noise(1000));
    await truncate(layout.file(blob), 5000);
    for (
      const [offset, length, came] of [
        [0, undefined, 1001],
        [990, undefined, 11],
        [990, 10, 11],
        [990, 9, 9],
        [1000, 10, 1],
        [1001, 10, 0],
      ] as const
    ) {
      const body = await collect(await store.open(blob, { offset, length }));
      assert.equal(body.length, came, `from ${offset}`);
    }
  }),
);

const SIZES = { small: 1000, large: 3_000_000 };
for (const [what, size] of Object.entries(SIZES)) {
  test(
    `a ${what} blob that is longer or shorter than its descriptor is noticed`,
    inLayout(async (layout, store) => {
      const image = await addImage(layout, { layers: [noise(size)] });
      const layer = image.layers[0]!;
      const plan = await planArchive(store, [image.manifest]);
      for (const actual of [size + 1, size + 5_000_000, size - 1, 0]) {
        await truncate(layout.file(layer), actual);
        const { error } = await drain(plan.stream());
        assert.ok(error instanceof SizeMismatchError, String(error));
        assert.deepEqual([error.digest, error.expected], [layer.digest, size]);
        assert.ok(actual < size ? error.actual === actual : error.actual > size, error.message);
      }
    }),
  );

  test(
    `what is no file in the place of a ${what} blob is a BlobReadError`,
    inLayout(async (layout, store) => {
      const blob = await layout.add("", noise(size));
      const file = layout.file(blob);
      const others: [what: string, make: () => unknown][] = [
        ["a directory", () => mkdir(file)],
        ["a pipe", () => execFileSync("mkfifo", [file])],
      ];
      for (const [other, make] of others) {
        await rm(file);
        await make();
        for (const part of [undefined, { offset: 10, length: size / 2 }]) {
          const opened = Promise.resolve(store.open(blob, part));
          await assert.rejects(() => opened, {
            name: "BlobReadError",
            message: `Cannot read blob ${blob.digest}: ${other} is where a file should be`,
          });
        }
        await rm(file, { recursive: true });
        await writeFile(file, "");
      }
    }),
  );

  test(
    `a link in the place of a ${what} blob is followed inside of the layout only`,
    inLayout(async (layout, store) => {
      const bytes = noise(size);
      const blob = await layout.add("", bytes);
      const file = layout.file(blob);
      const kept = join(layout.path, "blobs", "by-name");
      await rename(file, kept);
      for (const target of ["../by-name", await realpath(kept)]) {
        await symlink(target, file);
        const part = await collect(await store.open(blob, { offset: 10, length: size / 2 }));
        assert.deepEqual(part, bytes.slice(10, 10 + size / 2));
        assert.deepEqual(await collect(await store.open(blob)), bytes);
        await rm(file);
      }
      await inFolder(async (outside) => {
        const secret = join(outside, "secret");
        await writeFile(secret, bytes);
        await symlink(outside, join(layout.path, "way-out"));
        for (const target of [secret, "../../way-out/secret"]) {
          await symlink(target, file);
          for (const part of [undefined, { offset: 10, length: size / 2 }]) {
            const opened = Promise.resolve(store.open(blob, part));
            await assert.rejects(() => opened, {
              name: "BlobReadError",
              message: `Cannot read blob ${blob.digest}: a link leads out of the layout; ` +
                "follow it by followLinks (--follow-links) where you trust the layout, " +
                "or copy it with what its links lead to (cp -RL)",
            });
          }
          const follower = new LayoutStore(layout.path, { followLinks: true });
          assert.deepEqual(await collect(await follower.open(blob)), bytes);
          await rm(file);
        }
      });
      await symlink(".", file);
      const folder = Promise.resolve(store.open(blob));
      await assert.rejects(() => folder, {
        name: "BlobReadError",
        message: `Cannot read blob ${blob.digest}: a directory is where a file should be`,
      });
      await rm(file);
      await symlink("nothing", file);
      const dangling = Promise.resolve(store.open(blob));
      await assert.rejects(() => dangling, { name: "BlobNotFoundError" });
    }),
  );
}

for (const folder of ["blobs", "blobs/sha256"]) {
  test(
    `a link in the place of ${folder}/ is followed inside of the layout only`,
    inLayout(async (layout) => {
      const blob = await layout.add("", utf8("hello"));
      const path = join(layout.path, folder);
      await rename(path, join(layout.path, "elsewhere"));
      await symlink(join(await realpath(layout.path), "elsewhere"), path);
      assert.equal(text(await collect(await new LayoutStore(layout.path).open(blob))), "hello");
      await inFolder(async (outside) => {
        await rm(path);
        await rename(join(layout.path, "elsewhere"), join(outside, "elsewhere"));
        await symlink(join(outside, "elsewhere"), path);
        const opened = Promise.resolve(new LayoutStore(layout.path).open(blob));
        await assert.rejects(() => opened, {
          name: "BlobReadError",
          message: /: a link leads out of the layout; /,
        });
        const follower = new LayoutStore(layout.path, { followLinks: true });
        assert.equal(text(await collect(await follower.open(blob))), "hello");
      });
    }),
  );
}

for (const name of ["oci-layout", "index.json"]) {
  test(
    `a link in the place of ${name} is followed inside of the layout only`,
    inLayout(async (layout, store) => {
      await layout.list([]);
      const path = join(layout.path, name);
      await rename(path, `${path}-of-today`);
      await symlink(`${name}-of-today`, path);
      assert.deepEqual(await store.roots(), []);
      await inFolder(async (outside) => {
        await rename(`${path}-of-today`, join(outside, name));
        await rm(path);
        await symlink(join(outside, name), path);
        await assert.rejects(() => new LayoutStore(layout.path).roots(), {
          name: "InvalidLayoutError",
          file: name,
          message: `Cannot read ${layout.path} as an OCI image layout: ${name} cannot be read: ` +
            "a link leads out of the layout; follow it by followLinks (--follow-links) where you " +
            "trust the layout, or copy it with what its links lead to (cp -RL)",
        });
        assert.deepEqual(await new LayoutStore(layout.path, { followLinks: true }).roots(), []);
      });
      await rm(path);
      execFileSync("mkfifo", [path]);
      await assert.rejects(() => new LayoutStore(layout.path).roots(), {
        name: "InvalidLayoutError",
        message: `Cannot read ${layout.path} as an OCI image layout: ${name} cannot be read: ` +
          "a pipe is where a file should be",
      });
    }),
  );
}

test("a layout's path may end in a slash, and its name in what is a slash elsewhere", () =>
  inFolder(async (folder) => {
    for (const path of [`${folder}/layout/`, `${folder}/layout\\`]) {
      const layout = new LayoutFolder(path);
      const blob = await layout.add("", utf8("hello"));
      await layout.list([blob]);
      const store = new LayoutStore(path);
      assert.deepEqual(await store.roots(), [blob]);
      assert.equal(text(await collect(await store.open(blob))), "hello");
    }
  }));

test("a layout behind a link is read by that path, for which permissions may be", () =>
  inFolder(async (folder) => {
    const layout = new LayoutFolder(join(folder, "layout"));
    const blob = await layout.add("", utf8("hello"));
    await symlink("layout", join(folder, "link"));
    const store = new LayoutStore(join(folder, "link"));
    assert.equal(text(await collect(await store.open(blob))), "hello");
    await rm(layout.file(blob));
    await assert.rejects(async () => await store.open(blob), (error: Error) => {
      assert.equal(error.name, "BlobNotFoundError");
      assert.match((error.cause as Error).message, /link.blobs.sha256/);
      return true;
    });
  }));

test(
  "open() gives what fits into 1 MiB at once, and the rest in chunks of 1 MiB",
  inLayout(async (layout, store) => {
    const at = async (size: number) => {
      const body = await store.open(await layout.add("", noise(size)));
      return body instanceof Uint8Array ? body.length : (await drain(body)).chunks
        .map(({ length }) => length);
    };
    assert.equal(await at(MIB - 1), MIB - 1);
    assert.deepEqual(await at(MIB), [MIB]);
    assert.deepEqual(await at(2 * MIB + 5), [MIB, MIB, 5]);
  }),
);

test(
  "open() gives chunks from 1 MiB on, each twice as large, up to the size of the pool's",
  inLayout(async (layout, store) => {
    const blob = await layout.add("", noise(12 * MIB + 5));
    const body = await store.open(blob, { buffers: new BufferPool(4 * MIB) });
    const lengths = [];
    for await (const { length } of body as ReadableStream<Uint8Array>) lengths.push(length);
    assert.deepEqual(lengths, [MIB, 2 * MIB, 4 * MIB, 4 * MIB, MIB + 5]);
  }),
);

test(
  "open() reads one chunk ahead, and no more",
  inLayout(async (layout, store) => {
    const buffers = new CountingPool(MIB);
    const body = await store.open(await layout.add("", noise(5 * MIB)), { buffers });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await macrotask();
    assert.equal(buffers.taken, 0);
    for (const expected of [2, 3, 4]) {
      await reader.read();
      await macrotask();
      assert.equal(buffers.taken, expected);
    }
    await reader.cancel();
  }),
);

test(
  "chunks that are given back at once hold the right bytes",
  inLayout(async (layout, store) => {
    const sizes = [3 * MIB, 2 * MIB + 1, MIB, MIB - 1, 700_000, 200_000, 10, 4 * MIB + 77_777];
    const layers = sizes.map((size, i) => noise(size, i + 1));
    const image = await addImage(layout, { layers });
    const plan = await planArchive(store, [image.manifest]);
    const expected = await sha256(await collect(plan.stream()));

    for (const [start, end] of [[0, plan.size], [1_500_000, plan.size - 1_000_000]] as const) {
      const part = (await collect(plan.stream())).slice(start, end);
      const buffers = new CountingPool(MIB);
      const came = new Uint8Array(end - start);
      let at = 0;
      for await (const chunk of plan.stream({ start, end, buffers })) {
        came.set(chunk, at);
        at += chunk.length;
        // Whoever reads it after this reads nonsense.
        chunk.fill(0xaa);
        buffers.give(chunk);
      }
      assert.ok(equal(came, part));
      assert.ok(buffers.taken > 8, `${buffers.taken} buffers were taken`);
      assert.ok(buffers.made.size < 8, `${buffers.made.size} buffers were made`);
      if (start === 0) assert.equal(await sha256(came), expected);
    }
  }),
);

const cannotCount = existsSync("/proc/self/fd") ? false : "there is no /proc/self/fd";

test(
  "files are closed at the end, on a cancel, on an abort and on a failure",
  { skip: cannotCount },
  inLayout(async (layout, store) => {
    const blob = await layout.add("", noise(3 * MIB));
    const isOpen = () =>
      readdirSync("/proc/self/fd").some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === layout.file(blob);
        } catch {
          // The directory's own, which is closed by now.
          return false;
        }
      });
    const open = async (signal?: AbortSignal) =>
      (await store.open(blob, { signal }) as ReadableStream<Uint8Array>).getReader();
    const closed = async (how: string) => {
      for (let i = 0; i < 100 && isOpen(); i++) await macrotask();
      assert.ok(!isOpen(), `still open after ${how}`);
    };

    for (const chunks of [0, 1, 2]) {
      const reader = await open();
      for (let i = 0; i < chunks; i++) await reader.read();
      assert.ok(isOpen());
      await reader.cancel();
      await closed(`a cancel after ${chunks} chunks`);

      const controller = new AbortController();
      const aborted = await open(controller.signal);
      for (let i = 0; i < chunks; i++) await aborted.read();
      controller.abort();
      await closed(`an abort after ${chunks} chunks`);
      await assert.rejects(() => aborted.read(), { name: "AbortError" });
    }
    const reader = await open();
    while (!(await reader.read()).done);
    await closed("the end");

    await writeFile(layout.file(blob), new Uint8Array(blob.size));
    await assert.rejects(() => readBlob(store, blob), { name: "DigestMismatchError" });
    await writeFile(layout.file(blob), new Uint8Array(blob.size + 1));
    await assert.rejects(() => readBlob(store, blob), { name: "SizeMismatchError" });
    await closed("a failure");
  }),
);

test(
  "a stream whose signal aborts while its file is opened fails with its reason",
  inLayout(async (layout, store) => {
    const blob = await layout.add("", noise(2 * MIB));
    const controller = new AbortController();
    const opened = store.open(blob, { signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    const body = await opened as ReadableStream<Uint8Array>;
    await assert.rejects(body.getReader().read(), (error) => error === reason);
  }),
);

test(
  "a stream that has ended, or was cancelled, listens to its signal no more",
  inLayout(async (layout, store) => {
    const blob = await layout.add("", noise(2 * MIB));
    const { signal, listeners } = countingSignal();
    await collect(await store.open(blob, { signal }));
    assert.equal(listeners(), 0);
    const body = await store.open(blob, { signal }) as ReadableStream;
    assert.equal(listeners(), 1);
    await body.cancel();
    assert.equal(listeners(), 0);
  }),
);

test("the constructor says what it expects where it gets no path", () => {
  for (
    const [directory, found] of [
      // It would be the file system's root.
      ["", "an empty one"],
      [undefined, "undefined"],
      [new URL("file:///layout"), "an object of class URL"],
    ] as const
  ) {
    assert.throws(() => new LayoutStore(directory as string), {
      name: "TypeError",
      message: `Cannot read a layout: expected the path of its directory, found ${found}`,
    });
  }
});
