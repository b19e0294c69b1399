// What is wrong with a call is said in its own words, not in those of the line that stumbles over it.
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type ContentStore,
  type Descriptor,
  exportArchive,
  InvalidDescriptorError,
  MemoryStore,
  planArchive,
} from "../../mod.ts";
import { collect } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";

const store = new MemoryStore();
const { manifest } = await addImage(store);

for (
  const [what, given, message] of [
    ["no store", [undefined, [manifest]], /expected a store with open\(\), found undefined/],
    [
      "a path for a store",
      ["layout", [manifest]],
      /expected a store with open\(\), found a string/,
    ],
    ["no roots at all", [store, undefined], /expected an array of roots, found undefined/],
    ["one root without an array", [store, manifest], /expected an array of roots, found an object/],
    [
      "one name without an array",
      [store, [{ descriptor: manifest, names: "app" }]],
      /roots\[0\]: expected names to be an array of strings/,
    ],
    [
      "names that are none",
      [store, [{ descriptor: manifest, names: [1] }]],
      /roots\[0\]: expected names to be an array of strings/,
    ],
    [
      "an empty name",
      [store, [{ descriptor: manifest, names: ["app", ""] }]],
      /roots\[0\]: expected names to be an array of strings, none of them empty/,
    ],
    [
      "one platform without an array",
      [store, [manifest], { platforms: "linux/amd64" }],
      /platforms: expected an array, such as \["linux\/arm64"\], found a string/,
    ],
  ] as const
) {
  test(`planArchive() and exportArchive() say what they expect where they get ${what}`, async () => {
    const args = given as unknown as Parameters<typeof planArchive>;
    await assert.rejects(planArchive(...args), { name: "TypeError", message });
    await assert.rejects(collect(exportArchive(...args)), { name: "TypeError", message });
  });
}

test("planArchive() names the place of a root that is no descriptor", async () => {
  for (
    const [root, found] of [
      [manifest.digest, "a string"],
      [null, "nothing"],
      [{ descriptor: undefined }, "nothing"],
    ] as const
  ) {
    await assert.rejects(planArchive(store, [root as unknown as Descriptor]), (error) => {
      assert.ok(error instanceof InvalidDescriptorError, String(error));
      assert.equal(
        error.message,
        `Cannot use the descriptor in roots[0]: expected an object, found ${found}`,
      );
      return true;
    });
  }
});

test("a plan stays as it is, whatever becomes of the roots it was made of", async () => {
  const root: Descriptor = {
    ...manifest,
    urls: ["https://example.com/a"],
    annotations: { a: "b" },
    platform: { os: "linux", architecture: "amd64", "os.features": ["one"] },
  };
  const names = ["docker.io/library/app:1.0"];
  const plan = await planArchive(store as ContentStore, [{ descriptor: root, names }]);
  const before = await collect(plan.stream());
  root.urls!.push("https://example.com/b");
  root.annotations!.c = "d";
  root.platform!["os.features"]!.push("two");
  names.push("other");
  assert.deepEqual(await collect(plan.stream()), before);
});
