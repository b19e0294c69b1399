import { test } from "node:test";
import assert from "node:assert/strict";
import { exportArchive, MemoryStore, planArchive } from "../mod.ts";
import { LayoutStore } from "../src/stores/layout.ts";
import { collect, sha256 } from "./helpers/bytes.ts";
import { optionsOf, readCases, valuesOf } from "./helpers/literal_case.ts";
import { addManyPlatforms, MANY_PLATFORMS, MANY_PLATFORMS_ARGS } from "./helpers/many_platforms.ts";

// Hard layouts, made for what random ones taught; their sums are of containerd's own archives.

for (const { layout, args, note, sha256: expected, size } of await readCases("oracle")) {
  test(`planArchive() gives containerd's bytes: ${note}`, async () => {
    const store = new LayoutStore(layout);
    const names = valuesOf(args, "--name");
    const roots = (await store.roots()).map((descriptor) => ({ descriptor, names }));
    const plan = await planArchive(store, roots, optionsOf(args));
    assert.equal(plan.size, size);
    assert.equal(await sha256(await collect(plan.stream())), expected);
  });
}

test("exportArchive() gives containerd's bytes: 1500 platforms", async () => {
  const store = new MemoryStore();
  const root = await addManyPlatforms(store);
  const archive = exportArchive(store, [root], optionsOf(MANY_PLATFORMS_ARGS));
  assert.equal(await sha256(await collect(archive)), MANY_PLATFORMS);
});
