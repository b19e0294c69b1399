import { fileURLToPath } from "node:url";
import type { Case, Contestant, Context } from "./contestant.ts";
import { layerBytes, layoutOf, type LayoutShape, scaled } from "./fixtures.ts";
import LIBRARY from "./peers/library.ts";
import LIBRARY_BUFFERS from "./peers/library_buffers.ts";
import type { LibraryPeer } from "./peers/library_peer.ts";
import MODERN_TAR from "./peers/modern_tar.ts";
import STD_TAR from "./peers/std_tar.ts";
import TAR_STREAM from "./peers/tar_stream.ts";
import { BUN, DENO, NODE_24, type Runtime } from "./runtimes.ts";
import { timeChild } from "./timed_command.ts";

const HASH_ALONE = "node:crypto alone";

const SHAPES: Record<string, { title: string; shape: LayoutShape; share: number }> = {
  "1g": {
    title: "one 1 GiB blob",
    shape: { images: 1, layers: 1, size: 1 << 30 },
    share: 0.9,
  },
  "16x64m": {
    title: "16 blobs of 64 MiB",
    shape: { images: 1, layers: 16, size: 64 << 20 },
    share: 0.88,
  },
};

/** Inside of a process, its start apart: how much of the hash's own rate is left? */
export function inProcess(context: Context): Case[] {
  const cases = Object.entries(SHAPES).flatMap(([suffix, { title, shape, share }]) =>
    [DENO, BUN, NODE_24].map((runtime): Case => {
      const small = scaled(shape, context.scale);
      // Of who gives the buffers back: fresh ones cost a fifth of the hash's time, whoever fills them.
      const atMost = runtime === DENO ? Number((1 / share).toFixed(2)) : undefined;
      return {
        name: `in-process-${suffix}-${runtime.name.toLowerCase().replace(" ", "")}`,
        title: `${title}, read to its end in a process of ${runtime.name}`,
        reference: HASH_ALONE,
        bytes: layerBytes(small),
        contestants: [
          hashAlone(context, small, runtime),
          contestant(context, small, runtime, LIBRARY, "library.ts"),
          {
            ...contestant(context, small, runtime, LIBRARY_BUFFERS, "library_buffers.ts"),
            atMost,
          },
          contestant(context, small, runtime, TAR_STREAM, "tar_stream.ts"),
          contestant(context, small, runtime, MODERN_TAR, "modern_tar.ts"),
        ],
      };
    })
  );
  return [...cases, stdTar(context)];
}

/** TarStream is so slow that it gets less to do. */
function stdTar(context: Context): Case {
  const shape = scaled({ images: 1, layers: 4, size: 64 << 20 }, context.scale);
  return {
    name: "in-process-std",
    title: "4 blobs of 64 MiB, read to their end in a process of Deno",
    reference: LIBRARY.name,
    bytes: layerBytes(shape),
    contestants: [
      contestant(context, shape, DENO, LIBRARY, "library.ts"),
      contestant(context, shape, DENO, STD_TAR, "std_tar.ts"),
    ],
  };
}

function contestant(
  context: Context,
  shape: LayoutShape,
  runtime: Runtime,
  peer: LibraryPeer,
  file: string,
): Contestant {
  let command: string[] = [];
  return {
    name: peer.name,
    async version() {
      return `${await peer.version()} on ${runtime.version()}`;
    },
    async prepare() {
      const layout = await layoutOf(context, shape);
      const module = new URL(`peers/${file}`, import.meta.url);
      const drain = runtime.command(child("drain.ts"), await peer.flags?.());
      command = [...drain, module.href, layout];
    },
    measure: () => timeChild(command),
  };
}

function hashAlone(context: Context, shape: LayoutShape, runtime: Runtime): Contestant {
  let command: string[] = [];
  return {
    name: HASH_ALONE,
    version: () => Promise.resolve(runtime.version()),
    async prepare() {
      const layout = await layoutOf(context, shape);
      command = [...runtime.command(child("hash_alone.ts")), layout];
    },
    measure: () => timeChild(command),
  };
}

function child(file: string): string {
  return fileURLToPath(new URL(`children/${file}`, import.meta.url));
}
