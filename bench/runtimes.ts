import { findProgram } from "../tests/helpers/program.ts";
import { MissingError } from "./contestant.ts";
import { installed, versionOf } from "./machine.ts";

/** A runtime that can run TypeScript files. */
export interface Runtime {
  readonly name: string;
  /** @throws {MissingError} where it is not installed */
  version(): string;
  /** The program and its arguments that run a file; the flags are the runtime's own. */
  command(file: string, flags?: readonly string[]): string[];
}

export const DENO: Runtime = {
  name: "Deno",
  version: () => versionOf("deno", "--version"),
  command: (file, flags = []) => [installed("deno"), "run", "-A", "--no-check", ...flags, file],
};

export const BUN: Runtime = {
  name: "Bun",
  version: () => versionOf("bun", "--version"),
  command: (file, flags = []) => [installed("bun"), ...flags, file],
};

export const NODE_24: Runtime = node(24);
export const NODE_22: Runtime = node(22);

/** Every runtime that the command is measured on. */
export const RUNTIMES: readonly Runtime[] = [DENO, BUN, NODE_24, NODE_22];

/** Node of this major version, as `node24` or as `node`. */
function node(major: number): Runtime {
  const find = () => {
    if (findProgram(`node${major}`)) return `node${major}`;
    if (findProgram("node") && versionOf("node", "--version").startsWith(`${major}.`)) {
      return "node";
    }
    throw new MissingError(`neither node${major} nor a node of version ${major} is on PATH`);
  };
  return {
    name: `Node ${major}`,
    version: () => versionOf(find(), "--version"),
    command: (file, flags = []) => [installed(find()), "--no-warnings", ...flags, file],
  };
}
