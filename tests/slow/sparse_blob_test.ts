import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { MediaType } from "../../mod.ts";
import { text } from "../helpers/bytes.ts";
import { commandLine, type Runtime, RUNTIMES } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addJson } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { lacks, must, run } from "../helpers/program.ts";

// A layer of more than 8 GiB needs a PAX header, and must not need more memory than a small one.

/** Layers of nothing but zeros, which take no room on disk. */
const LAYERS = {
  small: {
    mediaType: MediaType.ImageLayer,
    digest: "sha256:20492a4d0d84f8beb1767f6616229f85d44c2827b64bdbfb260ee12fa1109e0e",
    size: 100 << 20,
  },
  large: {
    mediaType: MediaType.ImageLayer,
    digest: "sha256:a4e7629528d07ac11c710193c10455ddf7e3f6294bbf1471d4262a9695083a8b",
    size: 12 * 2 ** 30,
  },
};
/** How much more memory the large layer may take, in KiB. */
const MARGIN = 40 << 10;

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  const missing = runtime || process.env.CI ? lacks("time") : `${name} is not installed`;
  describe(`a layer of 12 GiB on ${name}`, { skip: missing }, () => {
    test("has a PAX size in its header", () =>
      inFolder(async (folder) => {
        const line = commandLine(["inspect", "--json", await layoutOf(folder, "large")], runtime!);
        const { entries } = JSON.parse(text((await run(...line)).stdout));
        const entry = entries.find(({ size }: { size: number }) => size === LAYERS.large.size);
        // The extended header, its body, the real header.
        assert.equal(entry.bodyOffset - entry.offset, 3 * 512);
      }));

    test(
      "is exported and verified in the memory of one of 100 MiB",
      { timeout: 900_000 },
      () =>
        inFolder(async (folder) => {
          const small = await peaks(folder, "small", runtime!);
          const large = await peaks(folder, "large", runtime!);
          for (const part of ["export", "verify"] as const) {
            assert.ok(
              large[part] - small[part] < MARGIN,
              `${part} took ${large[part]} KiB, for the small layer ${small[part]}`,
            );
          }
        }),
    );
  });
}

/** Pipes an export into verify; gives the peak memory of each, in KiB. */
async function peaks(
  folder: string,
  size: keyof typeof LAYERS,
  runtime: Runtime,
): Promise<{ export: number; verify: number }> {
  const source = await layoutOf(folder, size);
  const timed = (file: string, args: string[]) => {
    const [program, rest] = commandLine(args, runtime);
    const words = ["time", "-f", "%M", "-o", join(folder, file), program, ...rest];
    return words.map((word) => `'${word}'`).join(" ");
  };
  const pipe = `${timed("export", ["export", source])} | ${timed("verify", ["verify", "-"])}`;
  const report = await must("sh", ["-c", pipe]);
  assert.match(report, /^ok: 8 entries, 3 blobs, /m);
  const peak = async (file: string) => Number(await readFile(join(folder, file), "utf8"));
  return { export: await peak("export"), verify: await peak("verify") };
}

/** A source with an image of one sparse layer. */
async function layoutOf(folder: string, size: keyof typeof LAYERS): Promise<string> {
  const layout = new LayoutFolder(join(folder, size));
  const layer = LAYERS[size];
  await mkdir(dirname(layout.file(layer)), { recursive: true });
  const file = await open(layout.file(layer), "w");
  await file.truncate(layer.size);
  await file.close();
  const config = await addJson(layout, MediaType.ImageConfig, {});
  const manifest = { schemaVersion: 2, config, layers: [layer] };
  await layout.list([await addJson(layout, MediaType.ImageManifest, manifest)]);
  return `oci:${layout.path}`;
}
