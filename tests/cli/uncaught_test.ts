import { test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { THIS_RUNTIME } from "../helpers/command.ts";
import { run } from "../helpers/program.ts";
import { startServer } from "../helpers/server.ts";

const PROGRAM = fileURLToPath(new URL("throwing_command.ts", import.meta.url));
const LAYOUT = fileURLToPath(new URL("../testdata/golden/single/layout", import.meta.url));

/** What Node's fetch throws where the connection of a body is closed that waits to be read. */
const PAUSED = "The expression evaluated to a falsy value:\n\n  assert(!this.paused)\n";

/** Runs the command beside a server that answers with 404 after so many milliseconds. */
async function run404(
  thrown: string,
  args: (host: string) => string[],
  delay = 60_000,
): Promise<[status: number | null, stderr: string]> {
  const { origin, close } = await startServer((request, response) => {
    request.resume();
    setTimeout(() => response.writeHead(404).end(), delay).unref();
  });
  try {
    const [runtime, ...before] = THIS_RUNTIME;
    const line = [...before, PROGRAM, ...args(new URL(origin).host)];
    const { status, stderr } = await run(runtime, line, { env: { THROWN: thrown } });
    return [status, stderr];
  } finally {
    close();
  }
}

test("what nobody can catch ends the command as any failure does, in one line", async () => {
  // The upload waits for an answer that never comes.
  const upload = (host: string) => ["export", `oci:${LAYOUT}`, "-o", `http://${host}/x.tar`];
  assert.deepEqual(await run404("out of the blue", upload), [
    1,
    "oci-archive: out of the blue\n",
  ]);
});

test("what Node's fetch throws of a closed connection is ridden out where the source is a registry", async () => {
  const [status, stderr] = await run404(
    PAUSED,
    (host) => ["inspect", `docker://${host}/a:1`],
    1500,
  );
  assert.equal(status, 1);
  assert.match(stderr, /^oci-archive: Cannot find "1": .+ does not have it; .+\n$/);
});

for (const args of [["verify"], ["inspect", "oci-archive:"]]) {
  test(`what Node's fetch throws of a closed connection ends ${args[0]} of a URL, with how to go on`, async () => {
    const [command, transport = ""] = args;
    assert.deepEqual(
      await run404(PAUSED, (host) => [command!, `${transport}http://${host}/x.tar`]),
      [
        1,
        "oci-archive: Cannot read on: a connection was closed where Node's fetch cannot say which " +
        "(https://github.com/nodejs/undici/issues/5360); try again, or use Deno or Bun\n",
      ],
    );
  });
}
