import { Buffer } from "node:buffer";
import { execFileSync, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** How a program ended. */
export interface Outcome {
  /** Its exit status; null where a signal ended it. */
  status: number | null;
  signal: string | null;
  stdout: Uint8Array<ArrayBuffer>;
  stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  /** What it reads from stdin. */
  input?: Uint8Array | string;
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  { input, cwd, env }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
    const stdout: Uint8Array[] = [];
    const stderr: Uint8Array[] = [];
    child.stdout.on("data", (chunk) => stdout.push(chunk));
    child.stderr.on("data", (chunk) => stderr.push(chunk));
    // A program that does not read its input to the end may well be right.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (status, signal) => {
      resolve({
        status,
        signal,
        stdout: new Uint8Array(Buffer.concat(stdout)),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

/** Runs a program that has to do its job; gives what it printed. */
export async function must(
  program: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, options);
  if (status === 0) return new TextDecoder().decode(stdout);
  throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}`);
}

/** Where a program lies on PATH. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // In another folder, perhaps.
    }
  }
  return undefined;
}

/** Where the Node of this major version lies on PATH: as `node24`, or as `node` where that is it. */
export function findNode(major: number): string | undefined {
  const named = findProgram(`node${major}`);
  if (named) return named;
  const node = findProgram("node");
  const version = node && execFileSync(node, ["--version"], { encoding: "utf8" });
  return version?.startsWith(`v${major}.`) ? node : undefined;
}

/**
 * Why a test that needs these programs is skipped; false where it is not. In CI it never is: what is
 * missing there makes it fail.
 */
export function lacks(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !findProgram(program));
  if (missing.length === 0 || process.env.CI) return false;
  return `${missing.join(", ")} not installed`;
}
