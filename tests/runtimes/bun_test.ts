import { test } from "node:test";
import { lacks } from "../helpers/program.ts";
import { passes } from "./passes.ts";
import { onDisk, portable } from "./suites.ts";

test("the suite passes on Bun", { skip: lacks("bun") }, async () => {
  const files = new Set([...portable(), ...onDisk()]);
  // Without the dot it takes a name for a pattern.
  await passes("bun", ["test", "--timeout=120000", ...[...files].map((file) => `./${file}`)]);
});
