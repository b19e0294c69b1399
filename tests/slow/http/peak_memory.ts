import { readFileSync } from "node:fs";

/** The most memory that a process has had, in bytes; by Linux's own account. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)![1]) * 1024;
}
