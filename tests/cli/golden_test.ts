import { test } from "node:test";
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { sha256, text } from "../helpers/bytes.ts";
import { commandLine, RUNTIMES } from "../helpers/command.ts";
import { run } from "../helpers/program.ts";

// What containerd's own exporter wrote of the same layouts; the command has to give the same bytes.

const cases: { layout: string; args: string[]; note: string; sha256: string }[] = [];
for (const collection of ["golden", "oracle"]) {
  const folder = new URL(`../testdata/${collection}/`, import.meta.url);
  for (const name of (await readdir(folder)).sort()) {
    const literal = JSON.parse(text(await readFile(new URL(`${name}/case.json`, folder))));
    cases.push({ ...literal, layout: fileURLToPath(new URL(`${name}/layout`, folder)) });
  }
}

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  const skip = runtime || process.env.CI ? false : `${name} is not installed`;
  test(
    `oci-archive export gives containerd's bytes on ${name}`,
    { skip, timeout: 60_000 },
    async (t) => {
      for (const { layout, args, note, sha256: expected } of cases) {
        await t.test(note, async () => {
          const line = commandLine(["export", `oci:${layout}`, ...args], runtime!);
          const { status, stdout, stderr } = await run(...line);
          assert.equal(stderr, "");
          assert.equal(status, 0);
          assert.equal(await sha256(stdout), expected);
        });
      }
    },
  );
}
