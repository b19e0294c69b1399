import process from "node:process";

/** The part of node:module that is used; Node 20 does not have it, nor has Deno. */
interface NodeModule {
  enableCompileCache?(): { directory?: string };
}

let directory: string | undefined;

/**
 * Node strips the types of every file at every start, which takes it 0.2 s. Its cache keeps what was
 * stripped, where it can: Node 24 does.
 */
export function enableCompileCache(): void {
  const module = process.getBuiltinModule?.("node:module") as NodeModule | undefined;
  directory = module?.enableCompileCache?.().directory;
}

/** The environment of a thread that uses the cache as well: it starts in half the time. */
export function threadEnvironment(): typeof process.env {
  return directory ? { ...process.env, NODE_COMPILE_CACHE: directory } : process.env;
}
