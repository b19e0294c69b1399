// Runs these tests with denoland/std from JSR or, where STD_CHECKOUT names one, from a checkout.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "oci-archive-std-"));
try {
  const args = ["test", "-A", "tests/std"];
  const checkout = process.env.STD_CHECKOUT;
  if (checkout) {
    const importMap = join(folder, "import_map.json");
    const imports = { ...importsOf(join(PROJECT, "deno.json")), ...doorsOf(checkout) };
    writeFileSync(importMap, JSON.stringify({ imports }));
    // A checkout counts as our own code, and keeps to looser options than ours.
    args.push("--no-check", "--no-lock", `--import-map=${importMap}`);
  }
  const { status } = spawnSync(process.execPath, args, { cwd: PROJECT, stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** Every door of every package of a checkout, as an import map has them. */
function doorsOf(checkout: string): Record<string, string> {
  const doors: Record<string, string> = {};
  for (const file of globSync("*/deno.json", { cwd: checkout })) {
    const { name, exports } = JSON.parse(readFileSync(join(checkout, file), "utf8"));
    const paths = typeof exports === "string" ? { ".": exports } : exports ?? {};
    for (const [door, path] of Object.entries<string>(paths)) {
      const module = join(checkout, dirname(file), path);
      doors[name + door.slice(1)] = pathToFileURL(module).href;
    }
  }
  return doors;
}

/** The imports of deno.json, and what it takes for granted: the paths within a package. */
function importsOf(config: string): Record<string, string> {
  const { imports } = JSON.parse(readFileSync(config, "utf8"));
  for (const [name, target] of Object.entries<string>(imports)) {
    if (target.startsWith("npm:")) imports[`${name}/`] = `${target.replace("npm:", "npm:/")}/`;
  }
  return imports;
}
