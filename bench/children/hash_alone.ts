/**
 * `hash_alone.ts LAYOUT`: how long node:crypto takes for a layout's blobs. The clock stands still
 * while they are read.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { layoutBlobs } from "../peers/layout_blobs.ts";

const buffer = new Uint8Array(1 << 20);
let milliseconds = 0;
for (const { name, path } of await layoutBlobs(process.argv[2]!)) {
  const file = openSync(path, "r");
  const hash = createHash("sha256");
  for (let count; (count = readSync(file, buffer)) > 0;) {
    const started = performance.now();
    hash.update(buffer.subarray(0, count));
    milliseconds += performance.now() - started;
  }
  closeSync(file);
  if (!name.endsWith(hash.digest("hex"))) throw new Error(`${name} is damaged`);
}
console.log(JSON.stringify({ seconds: milliseconds / 1000 }));
