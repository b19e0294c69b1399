// What others install: the package for JSR, the tarball for npm, a bundle for the browser.
import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { inFolder } from "../helpers/folder.ts";
import { findNode, lacks, must } from "../helpers/program.ts";
import { PROJECT } from "./suites.ts";

const GOLDEN = join(PROJECT, "tests/testdata/golden/single");

test("JSR would take the package", async () => {
  await deno("publish", "--dry-run", "--allow-dirty");
});

test("a program on Node 20 uses what npm would install", {
  skip: !findNode(20) && lacks("node20"),
}, () =>
  inFolder(async (folder) => {
    await installPackage(folder);
    await writeFile(join(folder, "program.mjs"), PROGRAM);
    const output = await must(findNode(20)!, ["program.mjs", join(GOLDEN, "layout")], {
      cwd: folder,
    });
    const { sha256, size } = JSON.parse(await readFile(join(GOLDEN, "case.json"), "utf8"));
    assert.deepEqual(JSON.parse(output), { sha256, size, ok: true });
  }));

test("the command of npm's package runs on Node 20", {
  skip: !findNode(20) && lacks("node20"),
}, () =>
  inFolder(async (folder) => {
    const { bin } = await installPackage(folder);
    const command = join(folder, "node_modules/@oci/archive", bin["oci-archive"]!);
    assert.match(await readFile(command, "utf8"), /^#!\/usr\/bin\/env node\n/);
    assert.equal((await stat(command)).mode & 0o111, 0o111, "npm makes it so, others do not");
    const output = await must(findNode(20)!, [command, "--version"], { cwd: folder });
    const { version } = JSON.parse(await readFile(join(PROJECT, "deno.json"), "utf8"));
    assert.ok(output.includes(version), output);
  }));

test("a bundle for the browser imports nothing, least of all from Node", () =>
  inFolder(async (folder) => {
    const bundle = join(folder, "archive.js");
    await deno(
      "bundle",
      "--quiet",
      "--platform=browser",
      "--minify",
      `--output=${bundle}`,
      "mod.ts",
    );
    const source = await readFile(bundle, "utf8");
    assert.doesNotMatch(source, /\b(?:import|from)\s*\(?\s*["']/);
    assert.doesNotMatch(source, /["']node:(?!crypto["'])/);
  }));

/** Goes by every door, and exports a layout in two ways. */
const PROGRAM = `
import { createHash } from "node:crypto";
import { exportArchive, planArchive, verifyArchive } from "@oci/archive";
import { LayoutStore } from "@oci/archive/layout";
import "@oci/archive/archive-file";
import "@oci/archive/containerd";
import "@oci/archive/http";
import "@oci/archive/registry";

const store = new LayoutStore(process.argv[2]);
const roots = await store.roots();
const { size } = await planArchive(store, roots);
const hash = createHash("sha256");
for await (const chunk of exportArchive(store, roots)) hash.update(chunk);
const { ok } = await verifyArchive(exportArchive(store, roots));
console.log(JSON.stringify({ sha256: hash.digest("hex"), size, ok }));
`;

/** Packs for npm and unpacks into node_modules, with the packages that it depends on beside it. */
async function installPackage(folder: string): Promise<{ bin: Record<string, string> }> {
  const tarball = join(folder, "package.tgz");
  await deno("task", "pack", `--output=${tarball}`);
  const installed = join(folder, "node_modules/@oci/archive");
  await mkdir(installed, { recursive: true });
  await must("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed]);
  const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(PROJECT, "node_modules", name), link);
  }
  return manifest;
}

/** Runs deno in the project. */
async function deno(...args: string[]): Promise<void> {
  await must(process.execPath, args, { cwd: PROJECT });
}
