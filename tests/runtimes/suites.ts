import { globSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const PROJECT: string = fileURLToPath(new URL("../../", import.meta.url));

/** The test files that need nothing but the web's APIs: every runtime runs them. */
export function portable(): string[] {
  return testFiles().filter((file) => !importsNode(file));
}

/** Those that touch a disk or start the command, and so run where the command does. */
export function onDisk(): string[] {
  const folders = ["tests/golden_test.ts", "tests/oracle_test.ts", "tests/stores/", "tests/cli/"];
  return testFiles().filter((file) => folders.some((folder) => file.startsWith(folder)));
}

function testFiles(): string[] {
  return globSync("tests/**/*_test.ts", { cwd: PROJECT, exclude: ["tests/slow", "tests/std"] })
    .sort();
}

const IMPORT = /\b(?:from|import)\s*\(?\s*"([^"]+)"/g;
const SHIMMED = ["node:assert/strict", "node:test"];

/** Whether a file imports from Node, itself or through a file that it imports. */
function importsNode(file: string, seen = new Set<string>()): boolean {
  seen.add(file);
  const source = readFileSync(resolve(PROJECT, file), "utf8").replace(/^ *\/?\*.*$/gm, "");
  for (const [, specifier = ""] of source.matchAll(IMPORT)) {
    if (specifier.startsWith("node:") && !SHIMMED.includes(specifier)) return true;
    if (!specifier.startsWith(".")) continue;
    const imported = relative(PROJECT, resolve(PROJECT, dirname(file), specifier));
    if (!seen.has(imported) && importsNode(imported, seen)) return true;
  }
  return false;
}
