import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { sha256 } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { readCases } from "../helpers/literal_case.ts";
import {
  addManyPlatforms,
  MANY_PLATFORMS,
  MANY_PLATFORMS_ARGS,
} from "../helpers/many_platforms.ts";

const cases = [...await readCases("golden"), ...await readCases("oracle")];

describe("oci-archive export gives containerd's bytes", () => {
  for (const { layout, args, note, sha256: expected } of cases) {
    test(note, () => assertArchive(layout, args, expected));
  }

  test("1500 platforms", { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      await layout.list([await addManyPlatforms(layout)]);
      await assertArchive(folder, MANY_PLATFORMS_ARGS, MANY_PLATFORMS);
    }));
});

async function assertArchive(layout: string, args: readonly string[], expected: string) {
  const { status, stdout, stderr } = await command(["export", `oci:${layout}`, ...args]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(await sha256(stdout), expected);
}
