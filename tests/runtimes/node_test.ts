import { test } from "node:test";
import { findNode, lacks } from "../helpers/program.ts";
import { passes } from "./passes.ts";
import { onDisk, portable } from "./suites.ts";

for (const major of [22, 24]) {
  const node = findNode(major);
  test(`the suite passes on Node ${major}`, { skip: !node && lacks(`node${major}`) }, async () => {
    const files = new Set([...portable(), ...onDisk()]);
    await passes(node!, ["--test", "--test-reporter=tap", ...files]);
  });
}
