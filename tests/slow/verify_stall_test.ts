import { test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { command } from "../helpers/command.ts";

const ARCHIVE = new URL("../testdata/golden/two-names/expected.tar", import.meta.url);

test("oci-archive verify gives a URL up that says nothing for 30 s, at once or in the middle", async () => {
  const half = (await readFile(ARCHIVE)).subarray(0, 3000);
  const server = createServer(({ url }, response) => {
    if (url === "/half.tar") response.write(half);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
    server.close();
    server.closeAllConnections();
  }
});
