import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Case, Contestant, Context } from "./contestant.ts";
import { layerBytes, layoutOf, type LayoutShape, scaled } from "./fixtures.ts";
import { ctr } from "./peers/ctr.ts";
import { GNU_TAR } from "./peers/gnu_tar.ts";
import { GO_REFERENCE, goReference } from "./peers/go_reference.ts";
import { ociArchive } from "./peers/oci_archive.ts";
import type { Peer, Sink } from "./peers/peer.ts";
import { skopeo } from "./peers/skopeo.ts";
import { RUNTIMES } from "./runtimes.ts";
import { timeCommand } from "./timed_command.ts";

const ONE_BLOB: LayoutShape = { images: 1, layers: 1, size: 1 << 30 };
const LAYERS: LayoutShape = { images: 1, layers: 16, size: 64 << 20 };
const SMALL: LayoutShape = { images: 2, layers: 1000, size: 256 << 10 };
const TINY: LayoutShape = { images: 20, layers: 1000, size: 1 << 10 };

/** Command against command, from spawn to exit: what does an export cost? */
export function exportCommand(context: Context): Case[] {
  const { folder } = context;
  const peers = [goReference(folder), ...RUNTIMES.map(ociArchive), GNU_TAR];
  const skopeoPeer = skopeo(folder);
  const [deno, bun] = ["oci-archive on Deno", "oci-archive on Bun"];
  const make = (
    name: string,
    title: string,
    shape: LayoutShape,
    { kind = "null", also = [], atMost = {} }: {
      kind?: Sink["kind"];
      also?: Peer[];
      atMost?: Record<string, number>;
    },
  ): Case => {
    const small = scaled(shape, context.scale);
    return {
      name,
      title,
      reference: GO_REFERENCE,
      bytes: layerBytes(small),
      contestants: [...peers, ...also].map((peer) => ({
        ...contestant(peer, context, small, kind),
        atMost: atMost[peer.name],
      })),
    };
  };
  return [
    make("export-1g", "one 1 GiB blob to /dev/null", ONE_BLOB, {
      also: [skopeoPeer, ctr()],
      atMost: { [deno]: 1 },
    }),
    make("export-1g-pipe", "one 1 GiB blob through a pipe into cat", ONE_BLOB, {
      kind: "pipe",
      atMost: { [deno]: 1, [bun]: 0.8 },
    }),
    make("export-1g-file", "one 1 GiB blob to a file", ONE_BLOB, {
      kind: "file",
      also: [skopeoPeer],
      atMost: { [deno]: 0.85 },
    }),
    make("export-16x64m", "16 blobs of 64 MiB to /dev/null", LAYERS, { also: [skopeoPeer] }),
    make("export-2000x256k", "2,000 blobs of 256 KiB to /dev/null", SMALL, {
      atMost: { [deno]: 1 },
    }),
    make("export-20000x1k", "20,000 blobs of 1 KiB to /dev/null", TINY, { atMost: { [deno]: 1 } }),
  ];
}

function contestant(
  peer: Peer,
  context: Context,
  shape: LayoutShape,
  kind: Sink["kind"],
): Contestant {
  const output = join(context.folder, "output.tar");
  const paths = { null: "/dev/null", pipe: "/dev/stdout", file: output };
  let layout = "";
  return {
    name: peer.name,
    version: () => peer.version(),
    async prepare() {
      layout = await layoutOf(context, shape);
      await peer.prepare?.(layout);
    },
    async measure() {
      if (kind === "file") await warmMemory(output, layerBytes(shape));
      const command = peer.command(layout, { kind, path: paths[kind] });
      return await timeCommand(command, { intoCat: kind === "pipe", env: peer.env });
    },
    async close() {
      await rm(output, { force: true });
      await peer.close?.();
    },
  };
}

/**
 * Writes a file of twice this many bytes, and removes it. A virtual machine gives memory that is free
 * for a while back to its host, and to fetch it again takes the kernel longer than to copy into it: up
 * to four seconds for 1 GiB, where half of one is enough for pages that were in use a moment ago. So
 * who came first would pay for who comes next. Twice, since the machine goes on giving back while the
 * contestant runs: up to 512 MiB every two seconds were seen, and runs of twice their time.
 */
async function warmMemory(path: string, size: number): Promise<void> {
  const zeros = new Uint8Array(4 << 20);
  // Not truncated: ext4 sends what replaces a truncated file to the disk at once, while the next runs.
  await rm(path, { force: true });
  const file = await open(path, "w");
  for (let written = 0; written < 2 * size; written += zeros.length) await file.write(zeros);
  await file.close();
  await rm(path);
}
