import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode, findProgram, type Outcome, run, type RunOptions } from "./program.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** How a runtime is told to run a TypeScript file: the program, then what stands before the file. */
export type Runtime = readonly [program: string, ...args: string[]];

// Quiet: with another HOME Deno has another cache, and tells on stderr what it downloads.
const DENO_RUN = ["run", "--quiet", "-A"];

/** The runtime that runs this test, so that the suite under each of them tests the command on it. */
export const THIS_RUNTIME: Runtime = "Deno" in globalThis
  ? [process.execPath, ...DENO_RUN]
  : [process.execPath];

/** The runtimes the command is made for; undefined where one is not on PATH. */
export const RUNTIMES: Readonly<Record<string, Runtime | undefined>> = {
  Deno: startWith(findProgram("deno"), ...DENO_RUN),
  Bun: startWith(findProgram("bun")),
  "Node 24": startWith(findNode(24)),
};

function startWith(program: string | undefined, ...args: string[]): Runtime | undefined {
  return program === undefined ? undefined : [program, ...args];
}

/** The program and the arguments that run the command. */
export function commandLine(
  args: readonly string[],
  [program, ...before]: Runtime = THIS_RUNTIME,
): [program: string, args: string[]] {
  return [program, [...before, MAIN, ...args]];
}

/** Runs the command to its end, on the runtime that runs this test. */
export function command(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  return run(...commandLine(args), options);
}
