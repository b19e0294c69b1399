import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { command } from "../helpers/command.ts";
import { startServer } from "../helpers/server.ts";

const ARCHIVE = new URL("../testdata/golden/two-names/expected.tar", import.meta.url);

test("oci-archive verify gives a URL up that says nothing for 30 s, at once or in the middle", async () => {
  const half = (await readFile(ARCHIVE)).subarray(0, 3000);
  const { origin, close } = await startServer(({ url }, response) => {
    if (url === "/half.tar") response.write(half);
  });
  try {
    const cases = { "half.tar": "try again", "silent.tar": "check the address, or try again" };
    await Promise.all(
      Object.entries(cases).map(async ([name, advice]) => {
        const { status, stderr } = await command(["verify", `${origin}/${name}`]);
        const why = `nothing came for 30 s; ${advice}`;
        assert.equal(stderr, `oci-archive: Cannot read ${origin}/${name}: ${why}\n`);
        assert.equal(status, 1);
      }),
    );
  } finally {
    close();
  }
});
