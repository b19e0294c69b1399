import { test } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { THIS_RUNTIME } from "../helpers/command.ts";
import { run } from "../helpers/program.ts";

const PROGRAM = fileURLToPath(new URL("throwing_command.ts", import.meta.url));
const LAYOUT = fileURLToPath(new URL("../testdata/golden/single/layout", import.meta.url));

test("what nobody can catch ends the command as any failure does, in one line", async () => {
  // The upload waits for an answer that never comes.
  const server = createServer((request) => void request.resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    const [runtime, ...args] = THIS_RUNTIME;
    const command = ["export", `oci:${LAYOUT}`, "-o", `http://127.0.0.1:${port}/x.tar`];
    const { status, stderr } = await run(runtime, [...args, PROGRAM, ...command]);
    assert.deepEqual([status, stderr], [1, "oci-archive: out of the blue\n"]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
