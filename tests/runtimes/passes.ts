import assert from "node:assert/strict";
import { run } from "../helpers/program.ts";
import { PROJECT } from "./suites.ts";

/** Runs another runtime's test runner; fails with all that it printed, unless it passes. */
export async function passes(program: string, args: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await run(program, args, {
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
  });
  const output = new TextDecoder().decode(stdout) + stderr;
  assert.equal(status, 0, `${program} ${args[0]} ended with ${status}:\n${output}`);
  const passed = /^(?:# pass |ℹ pass |\s*)(\d+)(?: pass(?:ed)?\b.*)?$/m.exec(output)?.[1];
  assert.ok(Number(passed) > 0, `${program} ran no test:\n${output}`);
  console.log(`${passed} tests passed`);
}
