import { fileURLToPath } from "node:url";
import type { Case, Context } from "./contestant.ts";
import { layerBytes, layoutOf, scaled } from "./fixtures.ts";
import { BUN, DENO, NODE_24, type Runtime } from "./runtimes.ts";
import { timeCommand } from "./timed_command.ts";

const CHILD = fileURLToPath(new URL("children/hash_worker.ts", import.meta.url));
const REFERENCE = "in the main thread";

/**
 * Is it worth hashing off the main thread? Buffers of 1 MiB are transferred to workers and back, 16
 * in flight. It is not, here: the command, which reads ahead and hashes in the main thread, takes
 * 0.9 s for the same blobs where these workers take 1.1 s. What pays is a thread of its own for whole
 * blobs, in shared memory: src/cli/read_ahead.ts.
 */
export function hashWorker(context: Context): Case[] {
  return [DENO, BUN, NODE_24].flatMap((runtime) =>
    (["null", "pipe"] as const).map((sink) => question(context, runtime, sink))
  );
}

function question(context: Context, runtime: Runtime, sink: "null" | "pipe"): Case {
  const shape = scaled({ images: 1, layers: 16, size: 64 << 20 }, context.scale);
  const intoCat = sink === "pipe";
  return {
    name: `hash-worker-${sink}-${runtime.name.toLowerCase().replace(" ", "")}`,
    title: `16 blobs of 64 MiB hashed and copied by ${runtime.name} to ${
      intoCat ? "a pipe into cat" : "/dev/null"
    }`,
    reference: REFERENCE,
    bytes: layerBytes(shape),
    contestants: [REFERENCE, "in one worker", "in two workers"].map((name, workers) => {
      let command: string[] = [];
      return {
        name,
        version: () => Promise.resolve(runtime.version()),
        async prepare() {
          const layout = await layoutOf(context, shape);
          const out = intoCat ? "/dev/stdout" : "/dev/null";
          command = [...runtime.command(CHILD), `${workers}`, layout, out];
        },
        measure: () => timeCommand(command, { intoCat }),
      };
    }),
  };
}
