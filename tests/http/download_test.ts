/** Downloads by the programs that people have. */
import { after, before, describe, test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { planArchive } from "../../mod.ts";
import { collect, sha256 } from "../helpers/bytes.ts";
import { AppStore, NAMES } from "./servers/app.ts";
import { isInstalled, RUNTIMES, type Server } from "./servers/start.ts";

const run = promisify(execFile);
const store = await AppStore.create();
const root = (await store.roots()).find(({ annotations }) =>
  annotations?.["io.containerd.image.name"] === NAMES.large
);
const expected = await sha256(await collect((await planArchive(store, [root!])).stream()));

for (const { name: runtime, start } of RUNTIMES) {
  describe(`a download from ${runtime}`, () => {
    let server: Server | undefined;
    before(async () => {
      server = await start();
    });
    after(() => server?.stop());

    /** A test of one program, in a directory of its own. */
    function downloadTest(
      name: string,
      program: string,
      body: (url: string, directory: string) => Promise<void>,
    ) {
      test(name, async (t: TestContext) => {
        if (!server) return t.skip(`${runtime} is not installed`);
        if (!isInstalled(program)) return t.skip(`${program} is not installed`);
        const directory = await mkdtemp(join(tmpdir(), "download-"));
        t.after(() => rm(directory, { recursive: true }));
        await body(`${server.origin}/archives/${encodeURIComponent(NAMES.large)}.tar`, directory);
        assert.equal(await sha256(await readFile(join(directory, "a.tar"))), expected);
      });
    }

    downloadTest("by curl -C - goes on after a kill", "curl", async (url, directory) => {
      const file = join(directory, "a.tar");
      const curl = spawn("curl", ["-s", "--limit-rate", "4M", "-o", file, url]);
      const killed = new Promise((resolve) => curl.on("close", resolve));
      while (await sizeOf(file) < 100_000) await new Promise((resolve) => setTimeout(resolve, 5));
      curl.kill("SIGKILL");
      await killed;
      assert.ok(await sizeOf(file) < 9_000_000);
      await run("curl", ["-sf", "-C", "-", "-o", file, url]);
    });

    downloadTest(
      "by aria2c -x4 -s4 is byte for byte the same",
      "aria2c",
      async (url, directory) => {
        const args = [
          "-q",
          "-x4",
          "-s4",
          "-k1M",
          "--async-dns=false",
          "-d",
          directory,
          "-o",
          "a.tar",
        ];
        await run("aria2c", [...args, url]);
      },
    );
  });
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
