import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, MediaType } from "../../mod.ts";
import { noise, utf8 } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage, addIndex, addJson, type Image } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";

// What damaged layouts do to the command: it exits with 1 and one line that names what is damaged,
// leaves no file, and never ends what it wrote to stdout as if that were an archive.

/** What can happen to a file. Those that keep its size are seen only by its digest. */
const DAMAGES: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  "its first byte changed": (bytes) => changed(bytes, 0),
  "its last byte changed": (bytes) => changed(bytes, bytes.length - 1),
  "one byte too few": (bytes) => bytes.slice(0, -1),
  "one byte too many": (bytes) => new Uint8Array([...bytes, 0]),
  "512 bytes too many": (bytes) => new Uint8Array([...bytes, ...new Uint8Array(512)]),
  "no bytes": () => new Uint8Array(),
};

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

const LAYER = noise(100_000);

/** An image of a layer that is no multiple of 512 and more than one read. */
async function imageIn(folder: string): Promise<{ layout: LayoutFolder; image: Image }> {
  const layout = new LayoutFolder(join(folder, "layout"));
  const image = await addImage(layout, { layers: [LAYER], config: '{"os":"linux"}' });
  await layout.list([image.manifest]);
  return { layout, image };
}

for (const part of ["layer", "config", "manifest"] as const) {
  describe(`a ${part}`, () => {
    const damaged = async (folder: string, damage: (file: string) => Promise<void>) => {
      const { layout, image: { layers, ...image } } = await imageIn(folder);
      const blob = part === "layer" ? layers[0]! : image[part];
      await damage(layout.file(blob));
      await assertRefused(layout, blob.digest);
    };
    for (const [what, damage] of Object.entries(DAMAGES)) {
      test(`with ${what}`, () =>
        inFolder((folder) =>
          damaged(folder, async (file) => {
            await writeFile(file, damage(new Uint8Array(await readFile(file))));
          })
        ));
    }
    test("that is missing", () => inFolder((folder) => damaged(folder, (file) => rm(file))));
    test("that is a directory", () =>
      inFolder((folder) =>
        damaged(folder, async (file) => {
          await rm(file);
          await mkdir(file);
        })
      ));
  });
}

for (const file of ["index.json", "oci-layout"]) {
  describe(file, () => {
    const damages: Record<string, (path: string) => Promise<unknown>> = {
      "that is missing": rm,
      "that is empty": (path) => writeFile(path, ""),
      "that is cut short": async (path) => writeFile(path, (await readFile(path)).slice(0, -1)),
      "with bytes behind its end": async (path) => writeFile(path, `${await readFile(path)}x`),
      "with another first byte": async (path) =>
        writeFile(path, changed(new Uint8Array(await readFile(path)), 0)),
      "that is an array": (path) => writeFile(path, "[]"),
      "that is a directory": async (path) => {
        await rm(path);
        await mkdir(path);
      },
    };
    for (const [what, damage] of Object.entries(damages)) {
      test(what, () =>
        inFolder(async (folder) => {
          const { layout } = await imageIn(folder);
          await damage(join(layout.path, file));
          await assertRefused(layout, file);
        }));
    }
  });
}

describe("a manifest with a layer", () => {
  const layers: Record<string, [Partial<Record<keyof Descriptor, unknown>>, named: string]> = {
    "whose digest leads out of the layout": [
      { digest: "sha256:../../../../etc/passwd" },
      "../../etc/passwd",
    ],
    "whose algorithm leads out of the layout": [{ digest: `../..:${"a".repeat(64)}` }, "../.."],
    "whose digest is too short": [{ digest: "sha256:abc" }, "sha256:abc"],
    "without a digest": [{ digest: undefined }, "layers[0]"],
    "of a negative size": [{ size: -1 }, "layers[0]"],
    "of a fractional size": [{ size: 1.5 }, "layers[0]"],
    "of 2^60 bytes": [{ size: 2 ** 60 }, "layers[0]"],
    "whose size is text": [{ size: "100000" }, "layers[0]"],
    "without a size": [{ size: undefined }, "layers[0]"],
  };
  for (const [what, [fields, named]] of Object.entries(layers)) {
    test(what, () =>
      inFolder(async (folder) => {
        const { layout, image: { config, layers: [layer] } } = await imageIn(folder);
        const manifest = await addJson(layout, MediaType.ImageManifest, {
          schemaVersion: 2,
          config,
          layers: [{ ...layer, ...fields }],
        });
        await layout.list([manifest]);
        await assertRefused(layout, named);
      }));
  }

  test("of another size than the blob's, by its descriptor in index.json", () =>
    inFolder(async (folder) => {
      const { layout, image: { manifest } } = await imageIn(folder);
      await layout.list([{ ...manifest, size: 2 ** 40 }]);
      await assertRefused(layout, manifest.digest);
    }));
});

describe("a document", () => {
  test("that is a manifest and says it is an index", () =>
    inFolder(async (folder) => {
      const { layout, image: { manifest } } = await imageIn(folder);
      await layout.list([{ ...manifest, mediaType: MediaType.ImageIndex }]);
      await assertRefused(layout, manifest.digest);
    }));

  test("that is an index and says it is a manifest", () =>
    inFolder(async (folder) => {
      const { layout, image: { manifest } } = await imageIn(folder);
      const index = await addIndex(layout, [manifest]);
      await layout.list([{ ...index, mediaType: MediaType.ImageManifest }]);
      await assertRefused(layout, index.digest);
    }));

  test("that is both", () =>
    inFolder(async (folder) => {
      const { layout, image: { config, layers, manifest } } = await imageIn(folder);
      const both = { schemaVersion: 2, config, layers, manifests: [manifest] };
      for (const mediaType of [MediaType.ImageManifest, MediaType.ImageIndex]) {
        const root = await addJson(layout, mediaType, both);
        await layout.list([root]);
        await assertRefused(layout, root.digest);
      }
    }));

  test("that is a layer", () =>
    inFolder(async (folder) => {
      const { layout, image: { layers: [layer] } } = await imageIn(folder);
      await layout.list([layer!]);
      await assertRefused(layout, layer!.digest);
    }));
});

describe("a bomb", () => {
  test("of indexes, 100 deep", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const { layout, image: { manifest } } = await imageIn(folder);
      let index = manifest;
      for (let depth = 0; depth < 100; depth++) index = await addIndex(layout, [index]);
      await layout.list([index]);
      await assertRefused(layout, "maxDepth");
    }));

  test("of 300,000 layers", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const { layout, image: { config } } = await imageIn(folder);
      const indexes: Descriptor[] = [];
      for (let i = 0; i < 15; i++) {
        const leaves = Array.from({ length: 20_000 }, (_, j) => ({
          mediaType: "x",
          digest: `sha256:${(i * 20_000 + j).toString(16).padStart(64, "0")}`,
          size: 1,
        }));
        indexes.push(
          await addJson(layout, MediaType.ImageManifest, {
            schemaVersion: 2,
            config,
            layers: leaves,
          }),
        );
      }
      await layout.list([await addIndex(layout, indexes)]);
      await assertRefused(layout, "maxBlobs");
    }));

  test("of one manifest of 5 MiB", () =>
    inFolder(async (folder) => {
      const { layout, image: { config } } = await imageIn(folder);
      const manifest = await addJson(layout, MediaType.ImageManifest, {
        schemaVersion: 2,
        config,
        layers: [],
        annotations: { text: " ".repeat(5 << 20) },
      });
      await layout.list([manifest]);
      await assertRefused(layout, manifest.digest);
    }));
});

describe("an archive as a source", () => {
  const damages: Record<string, [(archive: Uint8Array) => Uint8Array, named: RegExp]> = {
    "cut in a header": [(archive) => archive.slice(0, 1000), /at byte 512:/],
    "cut in its last header": [(archive) => archive.slice(0, -1024 - 900), /at byte \d+:/],
    "cut before its trailer": [(archive) => archive.slice(0, -1024), /at byte \d+:/],
    "with a bit changed in the first header": [(archive) => changed(archive, 5), /at byte 0:/],
    "that is no tar": [() => utf8("no tar"), /at byte 0:/],
    "that is empty": [() => new Uint8Array(), /at byte 0:/],
  };
  for (const [what, [damage, named]] of Object.entries(damages)) {
    test(what, () =>
      inFolder(async (folder) => {
        const { layout } = await imageIn(folder);
        const { stdout } = await command(["export", `oci:${layout.path}`]);
        const archive = join(folder, "damaged.tar");
        await writeFile(archive, damage(stdout));
        const { status, stderr } = await command(["export", `oci-archive:${archive}`]);
        assert.match(stderr, /^oci-archive: [^\n]+\n$/);
        assert.match(stderr, named);
        assert.equal(status, 1);
      }));
  }

  test("with a byte changed in a layer", () =>
    inFolder(async (folder) => {
      const { layout, image: { layers } } = await imageIn(folder);
      const { stdout } = await command(["export", `oci:${layout.path}`]);
      const archive = join(folder, "damaged.tar");
      await writeFile(archive, changed(stdout, placeOf(stdout, LAYER) + 50_000));
      await assertRefused({ source: `oci-archive:${archive}`, path: folder }, layers[0]!.digest);
    }));
});

interface Refused {
  path: string;
  source?: string;
}

async function assertRefused({ path, source = `oci:${path}` }: Refused, named: string) {
  const line = /^oci-archive: [^\n]+\n$/;
  const out = join(path, "..", "out");
  await mkdir(out, { recursive: true });
  const [toFile, toStdout] = await Promise.all([
    command(["export", source, "-o", join(out, "image.tar")]),
    command(["export", source]),
  ]);
  for (const { status, stderr } of [toFile, toStdout]) {
    assert.match(stderr, line);
    assert.ok(stderr.includes(named), `${stderr.trim()} should name ${named}`);
    assert.equal(status, 1);
  }
  assert.deepEqual(await readdir(out), [], "a file was left");
  const trailer = toStdout.stdout.slice(-1024);
  assert.ok(trailer.length < 1024 || trailer.some((byte) => byte !== 0), "it wrote a trailer");
  await assertNoCorruptCopy(toStdout.stdout, path);
}

/** Of a layer that was damaged, never all bytes came out. */
async function assertNoCorruptCopy(written: Uint8Array, path: string) {
  const folder = join(path, "blobs", "sha256");
  for (const name of await readdir(folder).catch(() => [])) {
    const bytes = await readFile(join(folder, name)).catch(() => new Uint8Array());
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
    const intact = name === Array.from(digest, (b) => b.toString(16).padStart(2, "0")).join("");
    if (bytes.length > 0 && !intact) assert.equal(placeOf(written, bytes), -1);
  }
}

/** Where one stands in the other; -1 where it does not. */
function placeOf(haystack: Uint8Array, needle: Uint8Array): number {
  return Buffer.from(haystack).indexOf(needle);
}
