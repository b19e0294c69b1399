import { test } from "node:test";
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type DigestAlgorithm,
  exportArchive,
  MemoryStore,
  parseIndex,
  planArchive,
  type Root,
} from "../mod.ts";
import { collect, sha256 } from "./helpers/bytes.ts";
import { optionsOf, readCases, valuesOf } from "./helpers/literal_case.ts";

// Each case was written by containerd's own exporter.

for (const { layout, args, note, sha256: expected, size } of await readCases("golden")) {
  test(`exportArchive() gives containerd's bytes: ${note}`, async () => {
    const { store, roots } = await readLayout(layout, args);
    const archive = await collect(exportArchive(store, roots, optionsOf(args)));
    assert.deepEqual(archive, new Uint8Array(await readFile(join(layout, "../expected.tar"))));
    assert.equal(await sha256(archive), expected);
  });

  test(`planArchive() knows the size: ${note}`, async () => {
    const { store, roots } = await readLayout(layout, args);
    const plan = await planArchive(store, roots, optionsOf(args));
    assert.equal(plan.size, size);
  });
}

/** A layout's blobs in memory, and the roots of its index.json under the names of the case. */
async function readLayout(
  layout: string,
  args: string[],
): Promise<{ store: MemoryStore; roots: Root[] }> {
  const store = new MemoryStore();
  const blobs = join(layout, "blobs");
  for (const algorithm of await readdir(blobs)) {
    const directory = join(blobs, algorithm);
    for (const encoded of await readdir(directory)) {
      await store.add(
        "",
        await readFile(join(directory, encoded)),
        algorithm as DigestAlgorithm,
      );
    }
  }
  const names = valuesOf(args, "--name");
  const { manifests } = parseIndex(await readFile(join(layout, "index.json")), "index.json");
  return { store, roots: manifests.map((descriptor) => ({ descriptor, names })) };
}
