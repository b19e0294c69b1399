import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { LayoutStore } from "../../src/stores/layout.ts";
import { type ArchiveEntry, type Descriptor, planArchive } from "../../mod.ts";
import { text, utf8 } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage, addIndex } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";

const LAYOUT = fileURLToPath(new URL("../testdata/golden/multi-arch/layout", import.meta.url));

interface Inspected {
  roots: Descriptor[];
  entries: (ArchiveEntry & Descriptor)[];
  size: number;
  etag: string;
}

describe("oci-archive inspect", () => {
  test("--json tells the plan", async () => {
    const store = new LayoutStore(LAYOUT);
    const options = { platforms: ["linux/arm64"] };
    const plan = await planArchive(store, await store.roots(), options);
    const told = await inspect(`oci:${LAYOUT}`, "--platform", "linux/arm64");
    assert.deepEqual(told.roots, plan.manifests);
    assert.deepEqual([told.size, told.etag], [plan.size, plan.etag]);
    const facts = ({ name, type, mode, size, offset, bodyOffset }: ArchiveEntry) => //
    ({ name, type, mode, size, offset, bodyOffset });
    assert.deepEqual(told.entries.map(facts), plan.entries.map(facts));
    assert.deepEqual(
      told.entries.map(({ digest }) => digest),
      plan.entries.map(({ descriptor }) => descriptor?.digest),
    );
  });

  test("tells the size and places that export then has", async () => {
    const told = await inspect(`oci:${LAYOUT}`);
    const { stdout } = await command(["export", `oci:${LAYOUT}`]);
    assert.equal(stdout.length, told.size);
    for (const { name, offset } of told.entries) {
      assert.equal(text(stdout.subarray(offset, offset + name.length)), name);
    }
  });

  test("reads no layer and no config: they may be missing", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      const { manifest, layers, config } = await addImage(layout, { layers: ["a", "b"] });
      await layout.list([manifest]);
      const whole = await inspect(`oci:${folder}`);
      for (const blob of [config, ...layers]) await rm(layout.file(blob));
      assert.deepEqual(await inspect(`oci:${folder}`), whole);
    });
  });

  test("shows every entry, the size and the tag to people", async () => {
    const told = await inspect(`oci:${LAYOUT}`);
    const { status, stdout } = await command(["inspect", `oci:${LAYOUT}`]);
    assert.equal(status, 0);
    const lines = text(stdout).split("\n");
    for (const { name, offset } of told.entries) {
      assert.ok(lines.some((line) => line.trim().startsWith(`${offset} `) && line.includes(name)));
    }
    assert.ok(lines.some((line) => line.startsWith(`size  ${told.size} bytes`)));
    assert.ok(lines.includes(`etag  ${told.etag}`));
  });

  test("shows control characters of a media type or a name as escapes", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      const layer = await layout.add("a/b\x1b[31m", utf8("layer"));
      const { manifest } = await addImage(layout, { fields: { layers: [layer] } });
      const annotations = { "io.containerd.image.name": "example.com/a:1\x1b[2J" };
      await layout.list([{ ...manifest, annotations }]);
      const { status, stdout } = await command([
        "inspect",
        `oci:${folder}`,
        "--skip-manifest-json",
      ]);
      assert.equal(status, 0);
      const lines = text(stdout).split("\n");
      assert.ok(lines.some((line) => line.endsWith(String.raw`  "a/b\u001b[31m"`)), text(stdout));
      assert.ok(lines.some((line) => line.endsWith(String.raw`  "example.com/a:1\u001b[2J"`)));
    });
  });

  test("gives long answers whole to a pipe", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      const { manifest } = await addImage(layout);
      const annotations = { text: "x".repeat(1 << 20) };
      await layout.list([{ ...await addIndex(layout, [manifest]), annotations }]);
      const { roots } = await inspect(`oci:${folder}`);
      assert.equal(roots[0]?.annotations?.text?.length, 1 << 20);
    });
  });
});

async function inspect(...args: string[]): Promise<Inspected> {
  const { status, stdout, stderr } = await command(["inspect", "--json", ...args]);
  assert.deepEqual([status, stderr], [0, ""]);
  return JSON.parse(text(stdout));
}
