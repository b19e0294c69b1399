import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { command } from "../helpers/command.ts";

const GOLDEN = fileURLToPath(new URL("../testdata/golden/multi-arch/", import.meta.url));
const { size } = await stat(`${GOLDEN}expected.tar`);

async function linesOf(...flags: string[]): Promise<string[]> {
  const { status, stderr } = await command(["export", `oci:${GOLDEN}layout`, ...flags]);
  assert.equal(status, 0);
  assert.ok(stderr === "" || stderr.endsWith("\n"));
  return stderr.split("\n").slice(0, -1);
}

describe("oci-archive export tells how far it is", () => {
  test("in JSON, a line each, with --progress json", async () => {
    const told = (await linesOf("--progress", "json")).map((line) => JSON.parse(line));
    assert.ok(told.length > 0);
    for (const { bytes, total, entry } of told) {
      assert.ok(bytes > 0 && bytes <= total);
      assert.equal(total, size);
      assert.equal(typeof entry, "string");
    }
    assert.equal(told.at(-1).bytes, size);
  });

  test("in lines, up to 100 %, with --progress plain", async () => {
    const lines = await linesOf("--progress", "plain");
    for (const line of lines) assert.match(line, /^\d+ % [\d.]+ \w+ of [\d.]+ KiB \S+$/);
    assert.match(lines.at(-1)!, /^100 % /);
  });

  for (const flags of [["--progress", "none"], ["--progress", "json", "--quiet"], []]) {
    test(`not at all with ${flags.join(" ") || "a stderr that is no terminal"}`, async () => {
      assert.deepEqual(await linesOf(...flags), []);
    });
  }
});
