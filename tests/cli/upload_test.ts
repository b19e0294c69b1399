import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { sha256, text } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { startSink } from "../http/sink.ts";

const GOLDEN = fileURLToPath(new URL("../testdata/golden/single/", import.meta.url));

describe("oci-archive export -o URL", () => {
  test("puts the archive there", async (t) => {
    const sink = await startSink(t);
    const args = ["export", `oci:${GOLDEN}layout`, "-o", `${sink.origin}/take`];
    const { status, stdout, stderr } = await command(args);
    assert.deepEqual([status, text(stdout), stderr], [0, "", ""]);
    const [received] = await sink.received(1);
    assert.equal(received?.method, "PUT");
    assert.equal(received.sha256, await sha256(await readFile(`${GOLDEN}expected.tar`)));
  });

  test("fails in one line where the server refuses", async (t) => {
    const sink = await startSink(t);
    const args = ["export", `oci:${GOLDEN}layout`, "-o", `${sink.origin}/refuse?key=secret`];
    const { status, stderr } = await command(args);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      `oci-archive: Cannot upload to ${sink.origin}/refuse: the answer was 403 "no room"; ` +
        "check the URL and who may write there, or try again\n",
    );
  });
});
