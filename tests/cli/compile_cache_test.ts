import { test } from "node:test";
import assert from "node:assert/strict";
import process from "node:process";
import { enableCompileCache, threadEnvironment } from "../../src/cli/compile_cache.ts";

test("threadEnvironment() is the process's own, and names the cache where one is in use", () => {
  assert.equal(threadEnvironment(), process.env);
  enableCompileCache();
  const { NODE_COMPILE_CACHE: directory, ...environment } = threadEnvironment();
  const { NODE_COMPILE_CACHE: own, ...expected } = process.env;
  assert.deepEqual(environment, expected);
  const { getCompileCacheDir } = process.getBuiltinModule("node:module") as {
    getCompileCacheDir?(): string | undefined;
  };
  const inUse = getCompileCacheDir?.();
  assert.ok(inUse ? inUse.startsWith(directory!) : directory === own, `${directory}, not ${inUse}`);
});
