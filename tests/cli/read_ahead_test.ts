// A thread that reads and hashes ahead: the archive stays the same, and so do its errors.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import {
  BlobNotFoundError,
  DigestMismatchError,
  MediaType,
  planArchive,
  SizeMismatchError,
} from "../../mod.ts";
import { streamEntries } from "../../src/archive/stream.ts";
import { ReadAhead } from "../../src/cli/read_ahead.ts";
import type { ContentStore } from "../../src/content/store.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import { noise, sha256, utf8 } from "../helpers/bytes.ts";
import { inFolder } from "../helpers/folder.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";

const KIB = 1 << 10;
/** Medium ones, in all more than lie ready at a time, with others between. */
const SIZES = [
  ...Array.from({ length: 60 }, (_, i) => (64 + 5 * i) * KIB + i),
  0,
  63 * KIB,
  2000 * KIB,
];

/** A layout of an image with these layers. */
async function layoutIn(folder: string) {
  const layout = new LayoutFolder(folder);
  const layers = await Promise.all(SIZES.map((size, i) => layout.add("layer", noise(size, i + 1))));
  const config = await layout.add(MediaType.ImageConfig, utf8("{}"));
  const manifest = utf8(JSON.stringify({ schemaVersion: 2, config, layers }));
  await layout.list([await layout.add(MediaType.ImageManifest, manifest)]);
  const store = new LayoutStore(folder);
  return { layout, layers, store, plan: await planArchive(store, await store.roots()) };
}

type Layout = Awaited<ReturnType<typeof layoutIn>>;

/**
 * The archive by two threads, its hash, how many blobs the main thread has read itself, and how many
 * came as the other left them in their shared memory.
 */
async function readAhead({ layout, store, plan: { entries, size } }: Layout, wait: number) {
  let opened = 0;
  const counting: ContentStore = {
    open: (descriptor, options) => (opened++, store.open(descriptor, options)),
  };
  const ahead = new ReadAhead({ store: counting, directory: layout.path, entries });
  try {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const { createDigester } = ahead;
    const archive = new Uint8Array(size);
    let at = 0;
    let uncopied = 0;
    for await (
      const chunk of streamEntries(ahead, entries, size, { createDigester, buffers: ahead })
    ) {
      archive.set(chunk, at);
      at += chunk.length;
      if ((chunk.buffer as unknown) instanceof SharedArrayBuffer) uncopied++;
      ahead.give(chunk);
    }
    assert.equal(at, size);
    return { hash: await sha256(archive), opened, uncopied };
  } finally {
    await ahead.stop();
  }
}

describe("ReadAhead", () => {
  test("gives the same archive, whether its thread has begun or not", async () => {
    await inFolder(async (folder) => {
      const layout = await layoutIn(folder);
      const expected = await sha256(
        new Uint8Array(await new Response(layout.plan.stream()).arrayBuffer()),
      );
      const all = SIZES.length + 2;
      let opened = all;
      for (let wait = 0; opened === all; wait = 2 * wait + 250) {
        assert.ok(wait < 60_000, "the thread has read nothing");
        const outcome = await readAhead(layout, wait);
        assert.equal(outcome.hash, expected);
        opened = outcome.opened;
        // A copy would be hashed again.
        assert.equal(outcome.uncopied, all - opened);
      }
    });
  });

  for (
    const [what, damage, error] of [
      ["damaged", (bytes: Uint8Array) => bytes.fill(7, 0, 1), DigestMismatchError],
      ["too short", (bytes: Uint8Array) => bytes.subarray(1), SizeMismatchError],
      ["too long", (bytes: Uint8Array) => new Uint8Array([...bytes, 0]), SizeMismatchError],
      ["missing", () => undefined, BlobNotFoundError],
    ] as const
  ) {
    test(`fails as without it where a blob is ${what}`, async () => {
      await inFolder(async (folder) => {
        const layout = await layoutIn(folder);
        const { digest } = layout.layers[30]!;
        const file = layout.layout.file({ digest });
        const bytes = damage(noise(SIZES[30]!, 31));
        if (bytes) await writeFile(file, bytes);
        else await rm(file);
        for (const wait of [0, 300]) {
          await assert.rejects(
            readAhead(layout, wait),
            (thrown) => thrown instanceof error && thrown.digest === digest,
          );
        }
      });
    });
  }
});
