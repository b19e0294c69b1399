import { test } from "node:test";
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import {
  type DigestAlgorithm,
  exportArchive,
  type ExportOptions,
  MemoryStore,
  parseIndex,
  planArchive,
  type Root,
} from "../mod.ts";
import { collect, sha256, text } from "./helpers/bytes.ts";

// Each case was written by containerd's own exporter.

const GOLDEN = new URL("testdata/golden/", import.meta.url);

for (const name of (await readdir(GOLDEN)).sort()) {
  const folder = new URL(`${name}/`, GOLDEN);
  const { args, note, sha256: expected, size } = JSON.parse(
    text(await readFile(new URL("case.json", folder))),
  ) as { args: string[]; note: string; sha256: string; size: number };

  test(`exportArchive() gives containerd's bytes: ${note}`, async () => {
    const { store, roots } = await readLayout(new URL("layout/", folder), args);
    const archive = await collect(exportArchive(store, roots, parseOptions(args)));
    assert.deepEqual(archive, new Uint8Array(await readFile(new URL("expected.tar", folder))));
    assert.equal(await sha256(archive), expected);
  });

  test(`planArchive() knows the size: ${note}`, async () => {
    const { store, roots } = await readLayout(new URL("layout/", folder), args);
    const plan = await planArchive(store, roots, parseOptions(args));
    assert.equal(plan.size, size);
  });
}

/** A layout's blobs in memory, and the roots of its index.json under the names of the case. */
async function readLayout(
  layout: URL,
  args: string[],
): Promise<{ store: MemoryStore; roots: Root[] }> {
  const store = new MemoryStore();
  const blobs = new URL("blobs/", layout);
  for (const algorithm of await readdir(blobs)) {
    const directory = new URL(`${algorithm}/`, blobs);
    for (const encoded of await readdir(directory)) {
      await store.add(
        "",
        await readFile(new URL(encoded, directory)),
        algorithm as DigestAlgorithm,
      );
    }
  }
  const names = values(args, "--name");
  const { manifests } = parseIndex(await readFile(new URL("index.json", layout)), "index.json");
  return { store, roots: manifests.map((descriptor) => ({ descriptor, names })) };
}

function parseOptions(args: string[]): ExportOptions {
  return {
    platforms: values(args, "--platform"),
    allPlatforms: args.includes("--all-platforms"),
    skipManifestJson: args.includes("--skip-manifest-json"),
    skipNonDistributable: args.includes("--skip-non-distributable"),
  };
}

function values(args: string[], flag: string): string[] {
  return args.filter((_, i) => args[i - 1] === flag);
}
