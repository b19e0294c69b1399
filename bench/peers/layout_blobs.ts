import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** A blob of a layout. */
export interface LayoutBlob {
  /** Its name in an archive. */
  name: string;
  path: string;
  size: number;
}

const FOLDER = "blobs/sha256";

/** All blobs of a layout, sorted: what a general tar library has to be given. */
export async function layoutBlobs(layout: string): Promise<LayoutBlob[]> {
  const names = (await readdir(join(layout, FOLDER))).sort();
  return await Promise.all(names.map(async (encoded) => {
    const name = `${FOLDER}/${encoded}`;
    const path = join(layout, name);
    return { name, path, size: (await stat(path)).size };
  }));
}

/** A blob's bytes, verified by node:crypto on the way. */
export async function* verified({ name, path }: LayoutBlob): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    yield chunk;
  }
  if (!name.endsWith(hash.digest("hex"))) throw new Error(`${name} is damaged`);
}
