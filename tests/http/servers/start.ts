/** Starts the same application under each runtime. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A runtime, and how its HTTP differs from what the handler gives it. */
export interface Runtime {
  name: string;
  /** Undefined where the runtime is not installed. */
  start(): Promise<Server | undefined>;
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

export const RUNTIMES: readonly Runtime[] = [
  {
    name: "Deno.serve",
    start: () => startServer("deno", ["run", "--no-check", "-A", file("deno.ts")]),
  },
  { name: "Bun.serve", start: () => startServer("bun", [file("bun.ts")]), chunkedStreams: true },
  { name: "Node with srvx", start: startNode },
  { name: "workerd", start: startWorker },
];

/** Starts a program that prints its port as JSON. */
export async function startServer(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Server | undefined> {
  if (!isInstalled(command)) return undefined;
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const port = await portOf(child);
  return { origin: `http://127.0.0.1:${port}`, pid: child.pid!, stop: () => child.kill("SIGKILL") };
}

async function startNode(): Promise<Server | undefined> {
  const node = /node$/.test(process.execPath) ? process.execPath : "node";
  const stripTypes = ["--no-warnings", "--experimental-strip-types"];
  // Node 20 knows no types.
  if (!isInstalled(node, [...stripTypes, "--version"])) return undefined;
  return await startServer(node, [...stripTypes, file("node.ts")]);
}

function startWorker(): Promise<Server | undefined> {
  return startWorkerd(file("worker.ts"));
}

/** Bundles a worker and serves it under workerd. */
export async function startWorkerd(
  worker: string,
  env?: Record<string, string>,
): Promise<Server | undefined> {
  if (!isInstalled("workerd") || !isInstalled("deno")) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "worker-"));
  execFileSync("deno", ["bundle", "--quiet", "-o", join(directory, "worker.js"), worker]);
  copyFileSync(file("worker.capnp"), join(directory, "worker.capnp"));
  const args = ["serve", "--control-fd=1", join(directory, "worker.capnp")];
  const server = await startServer("workerd", args, env);
  return server && {
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

/** Whether a program is there; where CI is set, its absence is an error. */
export function isInstalled(command: string, args: readonly string[] = ["--version"]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch (error) {
    if (process.env.CI) throw error;
    return false;
  }
}
