import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findProgram } from "../tests/helpers/program.ts";
import type { Sample } from "./contestant.ts";

/** How to run a command. */
export interface TimedOptions {
  /** Whether its stdout goes through a pipe into cat; else it is kept. */
  intoCat?: boolean;
  env?: Record<string, string>;
}

/**
 * Runs a command to its end. Its time is the wall clock's from spawn to exit; its peak memory is what
 * the kernel tells GNU time, which as a small parent leaves no trace of its own in that number, as
 * this process would.
 *
 * @throws {Error} where it ends with another status than 0
 */
export async function timeCommand(
  command: readonly string[],
  { intoCat = false, env }: TimedOptions = {},
): Promise<Sample & { stdout: string }> {
  const notes = join(tmpdir(), `oci-archive-bench-${randomUUID()}`);
  const [memoryFile, statusFile] = [`${notes}.memory`, `${notes}.status`];
  const time = findProgram("time");
  let argv = time ? [time, "-q", "-f", "%M", "-o", memoryFile, ...command] : [...command];
  // A pipeline has the status of its last command, which is not the one that is asked about.
  if (intoCat) {
    argv = ["sh", "-c", '{ "$@"; echo $? >"$0"; } | cat >/dev/null', statusFile, ...argv];
  }
  try {
    const { seconds, status, stdout, stderr } = await run(argv, env);
    const ended = intoCat ? Number(await readFile(statusFile, "utf8")) : status;
    if (ended !== 0) throw new Error(`ended with ${ended}: ${stderr.trim().slice(0, 500)}`);
    if (!time) return { seconds, stdout };
    const kibibytes = Number(await readFile(memoryFile, "utf8"));
    return { seconds, peakMemory: kibibytes * 1024, stdout };
  } finally {
    await Promise.all([memoryFile, statusFile].map((file) => rm(file, { force: true })));
  }
}

/** Runs a program of this benchmark's that tells its own time, as JSON with `seconds`. */
export async function timeChild(command: readonly string[]): Promise<Sample> {
  const { peakMemory, stdout } = await timeCommand(command);
  const { seconds } = JSON.parse(stdout) as { seconds: number };
  return { seconds, peakMemory };
}

interface Ended {
  seconds: number;
  status: number | null;
  stdout: string;
  stderr: string;
}

function run([program, ...args]: readonly string[], env?: Record<string, string>): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(program!, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let [stdout, stderr, seconds] = ["", "", 0];
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
    child.on("error", reject);
    child.on("exit", () => seconds = (performance.now() - started) / 1000);
    child.on("close", (status) => resolve({ seconds, status, stdout, stderr }));
  });
}
