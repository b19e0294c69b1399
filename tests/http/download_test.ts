/** Downloads by the programs that people have. */
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { planArchive } from "../../mod.ts";
import { collect, sha256 } from "../helpers/bytes.ts";
import { inFolder } from "../helpers/folder.ts";
import { lacks, must } from "../helpers/program.ts";
import { AppStore, NAMES } from "./servers/app.ts";
import { RUNTIMES, type Server } from "./servers/start.ts";

const store = await AppStore.create();
const root = (await store.roots()).find(({ annotations }) =>
  annotations?.["io.containerd.image.name"] === NAMES.large
);
const expected = await sha256(await collect((await planArchive(store, [root!])).stream()));

for (const { name: runtime, skip, start } of RUNTIMES) {
  describe(`a download from ${runtime}`, { skip }, () => {
    let server: Server;
    before(async () => {
      server = await start();
    });
    after(() => server.stop());

    /** A test of one program, in a folder of its own. */
    function downloadTest(
      name: string,
      program: string,
      body: (url: string, folder: string) => Promise<void>,
    ) {
      test(name, { skip: lacks(program) }, () =>
        inFolder(async (folder) => {
          await body(`${server.origin}/archives/${encodeURIComponent(NAMES.large)}.tar`, folder);
          assert.equal(await sha256(await readFile(join(folder, "a.tar"))), expected);
        }));
    }

    downloadTest("by curl -C - goes on after a kill", "curl", async (url, folder) => {
      const file = join(folder, "a.tar");
      const curl = spawn("curl", ["-s", "--limit-rate", "4M", "-o", file, url]);
      const killed = new Promise((resolve) => curl.on("close", resolve));
      while (await sizeOf(file) < 100_000) await new Promise((resolve) => setTimeout(resolve, 5));
      curl.kill("SIGKILL");
      await killed;
      assert.ok(await sizeOf(file) < 9_000_000);
      await must("curl", ["-sf", "-C", "-", "-o", file, url]);
    });

    downloadTest(
      "by aria2c -x4 -s4 is byte for byte the same",
      "aria2c",
      async (url, folder) => {
        const args = [
          "-q",
          "-x4",
          "-s4",
          "-k1M",
          "--async-dns=false",
          "-d",
          folder,
          "-o",
          "a.tar",
        ];
        await must("aria2c", [...args, url]);
      },
    );
  });
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
