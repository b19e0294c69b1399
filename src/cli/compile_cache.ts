import process from "node:process";

/** The part of node:module that is used; Node 20 does not have it. */
interface NodeModule {
  enableCompileCache?(): { directory?: string };
}

let directory: string | undefined;

/**
 * Node strips the types of every file at every start, which takes Node 24 55 ms more than where its
 * cache keeps what was stripped. Node 22's does not.
 */
export function enableCompileCache(): void {
  // Deno has a cache of its own, and takes 1.5 ms to say that it does not have Node's.
  if ("Deno" in globalThis) return;
  const module = process.getBuiltinModule?.("node:module") as NodeModule | undefined;
  directory = module?.enableCompileCache?.().directory;
}

/** The environment of a thread that uses the cache as well: it starts in half the time. */
export function threadEnvironment(): typeof process.env {
  return directory ? { ...process.env, NODE_COMPILE_CACHE: directory } : process.env;
}
