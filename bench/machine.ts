import { execFileSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { findProgram } from "../tests/helpers/program.ts";
import { MissingError } from "./contestant.ts";

/** What the numbers were measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  /** In bytes. */
  memory: number;
  kernel: string;
  /** The day, as 2026-11-23. */
  date: string;
}

/** This machine, today. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memory: totalmem(),
    kernel: `${type()} ${release()}`,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** A program's path. @throws {MissingError} where it is not on PATH */
export function installed(program: string): string {
  const path = findProgram(program);
  if (path === undefined) throw new MissingError(`${program} is not installed`);
  return path;
}

/** The version number in what a program says of itself. @throws {MissingError} */
export function versionOf(program: string, ...args: string[]): string {
  const text = execFileSync(installed(program), args, { encoding: "utf8" });
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? text.trim();
}
