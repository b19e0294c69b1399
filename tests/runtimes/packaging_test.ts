// What others install: the package for JSR, the tarball for npm, a bundle for the browser.
import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
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

test("the types of npm's package are those that a strict program expects", () =>
  inFolder(async (folder) => {
    await installPackage(folder);
    await writeFile(join(folder, "deno.json"), STRICT);
    await writeFile(join(folder, "program.ts"), STRICT_PROGRAM);
    await must(process.execPath, ["check", "program.ts"], { cwd: folder });
  }));

test("the types of npm's package name nothing that Node's types lack", () =>
  inFolder(async (folder) => {
    await installPackage(folder);
    const installed = join(folder, "node_modules/@oci/archive");
    const files = await readdir(installed, { recursive: true });
    for (const file of files.filter((file) => file.endsWith(".d.ts"))) {
      const types = await readFile(join(installed, file), "utf8");
      assert.doesNotMatch(types, /\b(?:HeadersInit|BodyInit|RequestInfo|BufferSource)\b/, file);
    }
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

const STRICT = JSON.stringify({
  nodeModulesDir: "manual",
  compilerOptions: { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
});

/** Hands on what it may have got or not, as every function with options of its own does. */
const STRICT_PROGRAM = `
import { type ContentStore, exportArchive, planArchive, readBlob, verifyArchive } from "@oci/archive";
import type { CreateDigester, Descriptor, ExportOptions } from "@oci/archive";
import { ArchiveFileStore } from "@oci/archive/archive-file";
import { archiveResponse, createArchiveHandler, uploadArchive } from "@oci/archive/http";
import { LayoutStore } from "@oci/archive/layout";
import { RegistryStore } from "@oci/archive/registry";

interface Mine {
  signal?: AbortSignal;
  platforms?: string[];
  createDigester?: CreateDigester;
  max?: number;
  user?: string;
}

export async function use(inner: ContentStore, root: Descriptor, mine: Mine = {}): Promise<void> {
  const { signal, platforms, createDigester, max, user } = mine;
  const store: ContentStore = {
    lookAhead: max,
    open: (descriptor, options) => inner.open(descriptor, { ...options, offset: options?.offset }),
  };
  const options: ExportOptions = { signal, platforms, createDigester, maxBlobs: max };
  const plan = await planArchive(store, [{ descriptor: root, names: platforms }], options);
  await verifyArchive(plan.stream({ signal, end: max }), { signal });
  await readBlob(store, root, { signal });
  exportArchive(store, [root], options);
  archiveResponse(plan, new Request("https://example.com"), { signal, filename: user });
  await uploadArchive(plan, "https://example.com", { signal, method: user });
  createArchiveHandler({ stores: [new LayoutStore("layout", { maxIndexSize: max })], basePath: user });
  new ArchiveFileStore("app.tar", { maxEntries: max });
  new RegistryStore("alpine", { stallTimeout: max, credentials: () => ({ username: user }) });
}
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
