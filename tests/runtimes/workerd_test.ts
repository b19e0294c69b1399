import { test } from "node:test";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { inFolder } from "../helpers/folder.ts";
import { lacks, must } from "../helpers/program.ts";
import { passes } from "./passes.ts";
import { portable, PROJECT } from "./suites.ts";

const WORKERD = new URL("workerd/", import.meta.url);

test("the portable tests pass on workerd, as of today and without Node's modules", {
  skip: lacks("workerd"),
}, () =>
  inFolder(async (folder) => {
    await bundleSuite(folder);
    await copyFile(new URL("suite.capnp", WORKERD), join(folder, "suite.capnp"));
    for (const service of ["new", "old"]) {
      await passes("workerd", ["test", join(folder, "suite.capnp"), service]);
    }
  }));

/** Bundles the portable tests and what runs them into suite.js. */
async function bundleSuite(folder: string): Promise<void> {
  const imports = portable().map((file) => `import "${pathToFileURL(join(PROJECT, file))}";`);
  const main = `export { default } from "${new URL("main.ts", WORKERD)}";`;
  await writeFile(join(folder, "suite.ts"), [...imports, main].join("\n"));

  const config = join(PROJECT, "deno.json");
  const importMap = JSON.parse(await readFile(config, "utf8"));
  importMap.imports["node:test"] = new URL("node_test_shim.ts", WORKERD).href;
  importMap.imports["node:assert/strict"] = new URL("node_assert_shim.ts", WORKERD).href;
  await writeFile(join(folder, "import_map.json"), JSON.stringify(importMap));

  await must(process.execPath, [
    "bundle",
    "--quiet",
    `--config=${config}`,
    `--import-map=${join(folder, "import_map.json")}`,
    `--output=${join(folder, "suite.js")}`,
    join(folder, "suite.ts"),
  ]);
}
