/** Starts the same application under each runtime. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode, lacks, must } from "../../helpers/program.ts";

/** A runtime, and how its HTTP differs from what the handler gives it. */
export interface Runtime {
  name: string;
  /** Why it cannot be tested here; false where it can. */
  skip: string | false;
  start(): Promise<Server>;
  /** Bun.serve sends every stream in chunks, without a length. */
  chunkedStreams?: boolean;
}

/** A server in a process of its own. */
export interface Server {
  origin: string;
  pid: number;
  stop(): void;
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

// Node 20 knows no types.
const NODE = findNode(24) ?? findNode(22);
const STRIP_TYPES = ["--no-warnings", "--experimental-strip-types"];

export const RUNTIMES: readonly Runtime[] = [
  {
    name: "Deno.serve",
    skip: lacks("deno"),
    start: () => startServer("deno", ["run", "--no-check", "-A", file("deno.ts")]),
  },
  {
    name: "Bun.serve",
    skip: lacks("bun"),
    start: () => startServer("bun", [file("bun.ts")]),
    chunkedStreams: true,
  },
  {
    name: "Node with srvx",
    skip: !NODE && lacks("node24"),
    start: () => startServer(NODE!, [...STRIP_TYPES, file("node.ts")]),
  },
  {
    name: "workerd",
    skip: lacks("workerd", "deno"),
    start: () => startWorkerd(file("worker.ts")),
  },
];

/** Starts a program that prints its port as JSON. */
export async function startServer(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Server> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const port = await portOf(child);
  return { origin: `http://127.0.0.1:${port}`, pid: child.pid!, stop: () => child.kill("SIGKILL") };
}

/** Bundles a worker and serves it under workerd. */
export async function startWorkerd(worker: string, env?: Record<string, string>): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), "worker-"));
  await must("deno", ["bundle", "--quiet", "-o", join(directory, "worker.js"), worker]);
  copyFileSync(file("worker.capnp"), join(directory, "worker.capnp"));
  const args = ["serve", "--control-fd=1", join(directory, "worker.capnp")];
  const server = await startServer("workerd", args, env);
  return {
    ...server,
    stop() {
      server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout!.on("data", (piece: Uint8Array) => {
      output += new TextDecoder().decode(piece);
      const port = /"port":\s*(\d+)/.exec(output)?.[1];
      if (port) resolve(Number(port));
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
}
