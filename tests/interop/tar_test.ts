import { test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { planArchive } from "../../mod.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import { lacks, must } from "../helpers/program.ts";

const READERS: Record<string, string[]> = {
  tar: ["-tf"],
  bsdtar: ["-tf"],
  python3: ["-m", "tarfile", "-l"],
};

for (const [program, args] of Object.entries(READERS)) {
  for (const name of ["sha512", "multi-arch"]) {
    test(`${program} lists what the plan says (${name})`, { skip: lacks(program) }, async () => {
      const at = (file: string) =>
        fileURLToPath(new URL(`../testdata/golden/${name}/${file}`, import.meta.url));
      const store = new LayoutStore(at("layout"));
      const { entries } = await planArchive(store, await store.roots());
      // Python ends its lines with a space.
      const listed = (await must(program, [...args, at("expected.tar")])).split(/\s*\n/);
      assert.deepEqual(listed.slice(0, -1), entries.map(({ name }) => name));
    });
  }
}
