import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Server, startServer } from "../tests/http/servers/start.ts";
import type { Case, Contestant, Context, Sample } from "./contestant.ts";
import { archiveOf, layerBytes, layoutOf, type LayoutShape, scaled } from "./fixtures.ts";
import { installed } from "./machine.ts";
import { BUN, DENO, NODE_24, type Runtime } from "./runtimes.ts";
import { timeCommand } from "./timed_command.ts";

const SERVERS: readonly [runtime: Runtime, file: string, name: string][] = [
  [DENO, "deno.ts", "Deno.serve"],
  [BUN, "bun.ts", "Bun.serve"],
  [NODE_24, "node.ts", "Node 24 with srvx"],
];

/** Over loopback HTTP: the archive, against an unverified file of its size from the same server. */
export function http(context: Context): Case[] {
  const shape = scaled({ images: 1, layers: 1, size: 1 << 30 }, context.scale);
  return SERVERS.map(([runtime, file, name]) => ({
    name: `http-${runtime.name.toLowerCase().replace(" ", "")}`,
    title: `${name}: GET of one 1 GiB blob by curl`,
    reference: "an unverified file",
    bytes: layerBytes(shape),
    contestants: [
      served(context, shape, runtime, file, "an unverified file", "/file"),
      { ...served(context, shape, runtime, file, "the archive", "/archive"), atMost: 2 },
    ],
  }));
}

function served(
  context: Context,
  shape: LayoutShape,
  runtime: Runtime,
  file: string,
  name: string,
  path: string,
): Contestant {
  let server: Server | undefined;
  return {
    name,
    version() {
      installed("curl");
      return Promise.resolve(runtime.version());
    },
    async prepare() {
      const layout = await layoutOf(context, shape);
      const script = fileURLToPath(new URL(`servers/${file}`, import.meta.url));
      const [program, ...args] = runtime.command(script);
      server = await startServer(program!, [...args, layout, await archiveOf(layout)]);
    },
    async measure(): Promise<Sample> {
      const { origin, pid } = server!;
      const { seconds } = await timeCommand(
        [installed("curl"), "--silent", "--show-error", "--fail", "-o", "/dev/null", origin + path],
      );
      return { seconds, peakMemory: await peakMemory(pid) };
    },
    close() {
      server?.stop();
      return Promise.resolve();
    },
  };
}

/** The peak of resident memory that the kernel has kept of a process that goes on; on Linux only. */
async function peakMemory(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
