import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { ExportOptions } from "../../mod.ts";

/** A layout, and what containerd's own exporter makes of it. */
export interface LiteralCase {
  /** The layout's path. */
  layout: string;
  /** As for the command, and for `ctr images export`. */
  args: string[];
  /** What it is about. */
  note: string;
  /** Of the archive, in hex. */
  sha256: string;
  /** Of the archive, in bytes. */
  size: number;
}

/** The cases in a folder of tests/testdata. */
export async function readCases(folder: "golden" | "oracle"): Promise<LiteralCase[]> {
  const root = new URL(`../testdata/${folder}/`, import.meta.url);
  return await Promise.all(
    (await readdir(root)).sort().map(async (name) => {
      const literal = JSON.parse(await readFile(new URL(`${name}/case.json`, root), "utf8"));
      return { ...literal, layout: fileURLToPath(new URL(`${name}/layout`, root)) };
    }),
  );
}

/** The options that the arguments mean. */
export function optionsOf(args: readonly string[]): ExportOptions {
  return {
    platforms: valuesOf(args, "--platform").flatMap((list) => list.split(",")),
    allPlatforms: args.includes("--all-platforms"),
    skipManifestJson: args.includes("--skip-manifest-json"),
    skipNonDistributable: args.includes("--skip-non-distributable"),
    skipMissing: args.includes("--skip-missing"),
    referrers: args.includes("--referrers"),
  };
}

/** The values of a flag that may stand more than once. */
export function valuesOf(args: readonly string[], flag: string): string[] {
  return args.filter((_, i) => args[i - 1] === flag);
}
