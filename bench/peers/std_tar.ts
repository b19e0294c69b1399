import { readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { MissingError } from "../contestant.ts";
import { layoutBlobs } from "./layout_blobs.ts";
import type { LibraryPeer } from "./library_peer.ts";

/** Where a checkout of denoland/std lies, for a machine that cannot reach JSR. */
const CHECKOUT = process.env.STD_CHECKOUT;

/** Read as a Response or pipeTo() reads it. Nothing is verified, which would take longer still. */
const STD_TAR: LibraryPeer = {
  name: "@std/tar TarStream, unverified",
  async version() {
    if (CHECKOUT) {
      return JSON.parse(await readFile(join(CHECKOUT, "tar/deno.json"), "utf8")).version;
    }
    try {
      await import("@std/tar");
      return "from JSR";
    } catch {
      throw new MissingError("@std/tar cannot be had from JSR, and STD_CHECKOUT names no checkout");
    }
  },
  async flags() {
    if (!CHECKOUT) return [];
    const file = join(tmpdir(), "oci-archive-bench/std_import_map.json");
    await writeFile(file, JSON.stringify({ imports: await importsOf(CHECKOUT) }));
    return [`--import-map=${file}`];
  },
  async archive(layout) {
    const { TarStream } = await import("@std/tar");
    return { chunks: ReadableStream.from(entries(layout)).pipeThrough(new TarStream()) };
  },
};

async function* entries(layout: string) {
  for (const { name, path, size } of await layoutBlobs(layout)) {
    const { readable } = await Deno.open(path);
    yield { type: "file" as const, path: name, size, readable };
  }
}

/** What every package of a checkout exports. */
async function importsOf(checkout: string): Promise<Record<string, string>> {
  const imports: Record<string, string> = {};
  for (const folder of await readdir(checkout)) {
    const text = await readFile(join(checkout, folder, "deno.json"), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const { name, exports } = JSON.parse(text);
    for (const [path, file] of Object.entries<string>(exports)) {
      imports[join(name, path)] = pathToFileURL(join(checkout, folder, file)).href;
    }
  }
  return imports;
}

export default STD_TAR;
