import { randomUUID } from "node:crypto";
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";

/** Milliseconds within which who has made a lock has also written its name into it. */
const GRACE = 200;

/**
 * Holds a file for this process, by `FILE.lock` beside it, which says who holds it: no runtime but
 * Deno can lock a file. A lock whose process has ended is taken over, so that a crash blocks nobody.
 *
 * @returns what lets go of it
 * @throws {Error} where another process holds it
 */
export async function holdFile(path: string): Promise<() => void> {
  const lock = `${path}.lock`;
  const here = machine();
  const mine = `${process.pid} on ${here}\n`;
  while (!create(lock, mine)) {
    const text = await readLock(lock);
    if (text === undefined) continue;
    const [, pid, host] = /^(\d+) on (.+)\n$/.exec(text) ?? [];
    if (pid !== undefined && (host !== here || isAlive(Number(pid)))) {
      throw new Error(
        `process ${pid} on ${host} is writing ${path}; let it end first, or name another file; ` +
          `if it has ended, remove ${lock}`,
      );
    }
    takeAway(lock, text);
  }
  return () => {
    if (read(lock) === mine) rmSync(lock, { force: true });
  };
}

/** This machine's name, where Deno may ask for it. */
function machine(): string {
  try {
    return hostname();
  } catch {
    return "this machine";
  }
}

/** Makes a lock, which only one can do at a time; false where it is there. */
function create(lock: string, text: string): boolean {
  try {
    writeFileSync(lock, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

/** What a lock says; undefined where it is gone. */
async function readLock(lock: string): Promise<string | undefined> {
  const text = read(lock);
  if (text === undefined || text.endsWith("\n")) return text;
  await new Promise((resolve) => setTimeout(resolve, GRACE));
  return read(lock);
}

function read(lock: string): string | undefined {
  try {
    if (lstatSync(lock).isFile()) return readFileSync(lock, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
  throw new Error(`${lock} is no regular file; remove it`);
}

/** Whether a process runs that is not this one: its number may be a dead one's. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "ESRCH";
  }
}

/** Removes a dead lock, and puts back what it was not: another may have been faster. */
function takeAway(lock: string, dead: string): void {
  const aside = `${lock}.${randomUUID().slice(0, 8)}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return;
    throw error;
  }
  if (read(aside) === dead) rmSync(aside, { force: true });
  else renameSync(aside, lock);
}
