import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { cp, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidReferenceError } from "../../mod.ts";
import { openSources, planSource, type SourceFlags } from "../../src/cli/source.ts";
import { UsageError } from "../../src/cli/usage.ts";
import { text } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage, addIndex } from "../helpers/image.ts";
import { LayoutFolder, tagged } from "../helpers/layout_folder.ts";

const golden = (name: string) =>
  fileURLToPath(new URL(`../testdata/golden/${name}`, import.meta.url));

const { signal } = new AbortController();

describe("a source", () => {
  test("without a reference means every image, in the layout's order", async () => {
    await inFolder(async (folder) => {
      const { one, two, index } = await threeImages(folder);
      assert.deepEqual(await rootsOf(`oci:${folder}`), [one, two, index]);
    });
  });

  test("with a reference means the image of that name", async () => {
    await inFolder(async (folder) => {
      const { two } = await threeImages(folder);
      assert.deepEqual(await rootsOf(`oci:${folder}:2.0`), [two]);
    });
  });

  test("with a digest means that manifest, also one inside of an index", async () => {
    await inFolder(async (folder) => {
      const { one, nested } = await threeImages(folder);
      assert.deepEqual(await rootsOf(`oci:${folder}@${one}`), [one]);
      assert.deepEqual(await rootsOf(`oci:${folder}@${nested}`), [nested]);
    });
  });

  test("may be an archive, whole or by reference", async () => {
    const archive = golden("two-names/expected.tar");
    const [first, second] = await rootsOf(`oci-archive:${archive}`);
    assert.equal(first, second);
    assert.deepEqual(await rootsOf(`oci-archive:${archive}@${first}`), [first]);
  });

  test("may have colons in its path, and a reference behind it", async () => {
    await inFolder(async (folder) => {
      const { one, two, index } = await threeImages(join(folder, "a:b"));
      assert.deepEqual(await rootsOf(`oci:${folder}/a:b`), [one, two, index]);
      assert.deepEqual(await rootsOf(`oci:${folder}/a:b:2.0`), [two]);
      assert.deepEqual(await rootsOf(`oci:${folder}/a:b@${one}`), [one]);
      await cp(golden("single/layout"), join(folder, "x@sha256:ab"), { recursive: true });
      assert.equal((await rootsOf(`oci:${folder}/x@sha256:ab`)).length, 1);
    });
  });

  test("may be one of several, which make one archive", async () => {
    await inFolder(async (folder) => {
      const { one } = await threeImages(folder);
      const [single] = await rootsOf(`oci:${golden("single/layout")}`);
      const sources = [`oci-archive:${golden("single/expected.tar")}`, `oci:${folder}@${one}`];
      assert.deepEqual(await rootsOf(...sources), [single, one]);
      const { stdout } = await command(["export", ...sources]);
      const { status } = await command(["verify", "-"], { input: stdout });
      assert.equal(status, 0);
    });
  });

  test("may be a layout whose links lead out, where --follow-links says so", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(join(folder, "layout"));
      const { manifest, layers } = await addImage(layout, { layers: ["one"] });
      await layout.list([manifest]);
      await rename(layout.file(layers[0]!), join(folder, "layer"));
      await symlink(join(folder, "layer"), layout.file(layers[0]!));
      const refused = await command(["export", `oci:${layout.path}`]);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /leads out of the layout; follow it by .*--follow-links/);
      const { stdout } = await command(["export", `oci:${layout.path}`, "--follow-links"]);
      assert.equal((await command(["verify", "-"], { input: stdout })).status, 0);
    });
  });

  test("fails where it lists no images", async () => {
    await inFolder(async (folder) => {
      await new LayoutFolder(folder).list([]);
      const source = await openSources([`oci:${folder}`], {}, signal);
      await assert.rejects(source.list(), {
        message: `Cannot export ${folder}: it lists no images`,
      });
    });
  });

  test("is no wrong usage where an image has a name that is none, unlike a --name", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      const { manifest } = await addImage(layout);
      const annotations = { "io.containerd.image.name": "Not A Name" };
      await layout.list([{ ...manifest, annotations }]);
      const plan = async (flags: SourceFlags) =>
        await planSource(await openSources([`oci:${folder}`], flags, signal), flags, signal);
      await assert.rejects(plan({}), InvalidReferenceError);
      await assert.rejects(plan({ name: ["Not A Name"] }), UsageError);
    });
  });

  test("fails where two images have its reference", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      const { manifest: one } = await addImage(layout, { layers: ["one"] });
      const { manifest: two } = await addImage(layout, { layers: ["two"] });
      await layout.list([tagged(one, "1.0"), tagged(two, "1.0")]);
      const { status, stderr } = await command(["inspect", `oci:${folder}:1.0`]);
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^oci-archive: Cannot find "1\.0": .* has several; choose by digest: .*\n$/,
      );
      assert.ok(stderr.includes(`${one.digest}, ${two.digest}`));
    });
  });

  const failures: Record<string, [source: (folder: string) => string, message: RegExp]> = {
    "a file that is no tar": [
      () => `oci-archive:${golden("single/case.json")}`,
      /^oci-archive: Cannot read \S+case\.json: Cannot read the tar at byte 0: /,
    ],
    "an unknown reference": [
      (folder) => `oci:${folder}:3.0`,
      /Cannot find "3\.0": .* has "1\.0", "2\.0"\n/,
    ],
    "an unknown digest": [
      (folder) => `oci:${folder}@sha256:${"0".repeat(64)}`,
      /Cannot find "sha256:0+": /,
    ],
    "a path that is not there": [
      (folder) => `oci:${folder}/none:1.0`,
      /Cannot read .*none as an OCI image layout: oci-layout is missing; .+\n/,
    ],
    "an archive that is not there": [
      (folder) => `oci-archive:${folder}/none.tar`,
      /^oci-archive: Cannot read .+none\.tar: there is no such file/,
    ],
    "an archive that is a layout": [
      (folder) => `oci-archive:${folder}`,
      /^oci-archive: Cannot read .+: it is a directory/,
    ],
    "an archive inside of a file": [
      (folder) => `oci-archive:${folder}/index.json/x.tar`,
      /^oci-archive: Cannot read .+index\.json\/x\.tar: there is no such file/,
    ],
    "a layout that is an archive": [
      () => `oci:${golden("single/expected.tar")}`,
      /as an OCI image layout/,
    ],
  };
  for (const [what, [source, message]] of Object.entries(failures)) {
    test(`fails for ${what}`, async () => {
      await inFolder(async (folder) => {
        await threeImages(folder);
        const { status, stdout, stderr } = await command(["inspect", source(folder)]);
        assert.match(stderr, /^oci-archive: [^\n]+\n$/);
        assert.match(stderr, message);
        assert.deepEqual([status, text(stdout)], [1, ""]);
      });
    });
  }
});

/** Fills a layout: two images with names, and an index of an index without; gives the digests. */
async function threeImages(folder: string) {
  const layout = new LayoutFolder(folder);
  const { manifest: one } = await addImage(layout, { layers: ["one"] });
  const { manifest: two } = await addImage(layout, { layers: ["two"] });
  const { manifest: nested } = await addImage(layout, { layers: ["nested"] });
  const index = await addIndex(layout, [await addIndex(layout, [nested])]);
  await layout.list([tagged(one, "1.0"), tagged(two, "2.0"), index]);
  return { one: one.digest, two: two.digest, nested: nested.digest, index: index.digest };
}

async function rootsOf(...sources: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await command(["inspect", "--json", ...sources]);
  assert.deepEqual([status, stderr], [0, ""]);
  return JSON.parse(text(stdout)).roots.map(({ digest }: { digest: string }) => digest);
}
