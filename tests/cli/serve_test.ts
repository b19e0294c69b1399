import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { concat, noise } from "../helpers/bytes.ts";
import { command, commandLine, type Runtime, RUNTIMES, THIS_RUNTIME } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage, addIndex } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { ask } from "../http/wire.ts";

const GOLDEN = fileURLToPath(new URL("../testdata/golden/single/", import.meta.url));
const ARCHIVE = new Uint8Array(await readFile(`${GOLDEN}expected.tar`));
const NAME = "docker.io/library/app:1.0";

/** Serves a source while the test runs; returns what the server has said. */
async function served(
  source: string,
  runtime: Runtime,
  body: (origin: string) => Promise<void>,
  options: readonly string[] = [],
): Promise<string> {
  const [program, args] = commandLine(["serve", source, "--port", "0", ...options], runtime);
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  const closed = once(child, "close");
  try {
    const origin = await new Promise<string>((resolve, reject) => {
      child.stderr.on("data", (piece) => {
        stderr += piece;
        const found = / at (http:\S+)\/\n/.exec(stderr)?.[1];
        if (found) resolve(found);
      });
      child.on("exit", () => reject(new Error(stderr)));
    });
    await body(origin);
  } finally {
    process.kill(child.pid!, "SIGINT");
  }
  assert.deepEqual(await closed, [130, null]);
  return stderr;
}

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  const skip = runtime ? false : `${name} is not installed`;
  describe(`oci-archive serve on ${name}`, { skip }, () => {
    test("serves a layout: list, archive, range, HEAD", async () => {
      await served(`oci:${GOLDEN}layout`, runtime!, async (origin) => {
        assert.match((await ask(origin, "/")).text(), /^<!doctype html>/);
        const [{ name, url }] = JSON.parse((await ask(origin, "/archives")).text());
        assert.equal(name, NAME);
        const whole = await ask(origin, url);
        assert.deepEqual([whole.status, whole.whole], [200, true]);
        assert.equal(whole.headers.get("content-length"), String(ARCHIVE.length));
        assert.deepEqual(concat([whole.body]), ARCHIVE);
        const range = await ask(origin, url, { headers: { range: "bytes=5-99" } });
        assert.equal(range.status, 206);
        assert.deepEqual(concat([range.body]), ARCHIVE.slice(5, 100));
        const head = await ask(origin, url, { method: "HEAD" });
        assert.equal(head.headers.get("content-length"), String(ARCHIVE.length));
        assert.ok(head.whole);
        assert.equal((await ask(origin, "//evil.example/archives")).status, 404);
      });
    });

    test("answers for its own hosts only: a page elsewhere may have bound its name to it", async () => {
      await served(`oci:${GOLDEN}layout`, runtime!, async (origin) => {
        const { host, port } = new URL(origin);
        const own = [host, `localhost:${port}`, `LOCALHOST`, "127.0.0.1", `[::1]:${port}`];
        for (const host of own) {
          assert.equal((await ask(origin, "/", { headers: { host } })).status, 200, host);
        }
        for (const host of [`evil.example:${port}`, "localhost.evil.example", "10.0.0.1", "%"]) {
          for (const path of ["/", "/archives", `/archives/${NAME}.tar`]) {
            const { status, text } = await ask(origin, path, { headers: { host } });
            assert.equal(status, host === "%" && status === 400 ? 400 : 403, host);
            assert.doesNotMatch(text(), /library/);
          }
        }
        const { text } = await ask(origin, "/", { headers: { host: "evil.example" } });
        assert.match(JSON.parse(text()).detail, /"evil\.example".* --allow-host evil\.example/);
      });
    });

    test("lists what is written into the layout meanwhile", async () => {
      await inFolder(async (folder) => {
        const layout = new LayoutFolder(folder);
        const { manifest: one } = await addImage(layout, { layers: ["one"] });
        const { manifest: two } = await addImage(layout, { layers: ["two"] });
        await layout.list([one]);
        await served(`oci:${folder}`, runtime!, async (origin) => {
          const names = async () =>
            JSON.parse((await ask(origin, "/archives")).text()).map(({ name }: { name: string }) =>
              name
            );
          assert.deepEqual(await names(), [one.digest]);
          await layout.list([one, two]);
          assert.deepEqual(await names(), [one.digest, two.digest]);
          assert.equal((await ask(origin, `/archives/${two.digest}.tar`)).status, 200);
        });
      });
    });

    test("says of what is missing how a request goes without it", async () => {
      await inFolder(async (folder) => {
        const layout = new LayoutFolder(folder);
        const { manifest } = await addImage(layout);
        const index = await addIndex(layout, [manifest]);
        await layout.list([index]);
        await rm(layout.file(manifest));
        const stderr = await served(`oci:${folder}`, runtime!, async (origin) => {
          const url = `/archives/${index.digest}.tar`;
          assert.equal((await ask(origin, url)).status, 502);
          assert.equal((await ask(origin, `${url}?skip-missing`)).status, 200);
        });
        assert.match(
          stderr,
          /Cannot find blob .* or leave out what is missing by \?skip-missing\n/,
        );
      });
    });

    test("breaks the transfer of a damaged layer, and says which", async () => {
      await inFolder(async (folder) => {
        const layout = new LayoutFolder(join(folder, "layout"));
        const { manifest, layers } = await addImage(layout, { layers: [noise(3_000_000)] });
        await layout.list([manifest]);
        await chmod(layout.file(layers[0]!), 0o644);
        await writeFile(layout.file(layers[0]!), noise(3_000_000, 2));
        const stderr = await served(`oci:${layout.path}`, runtime!, async (origin) => {
          const { status, whole } = await ask(origin, `/archives/${manifest.digest}.tar`);
          assert.deepEqual([status, whole], [200, false]);
        });
        assert.match(stderr, new RegExp(`oci-archive: Cannot verify blob ${layers[0]!.digest}`));
      });
    });
  });
}

describe("oci-archive serve", () => {
  test("answers for the hosts that --allow-host names", async () => {
    await served(`oci:${GOLDEN}layout`, THIS_RUNTIME, async (origin) => {
      for (const [host, expected] of [["app.test:1", 200], ["b.test", 200], ["c.test", 403]]) {
        const { status } = await ask(origin, "/archives", { headers: { host: String(host) } });
        assert.equal(status, expected, String(host));
      }
    }, ["--allow-host", "App.test", "--allow-host", "b.test:80"]);
    const args = ["serve", `oci:${GOLDEN}layout`, "--allow-host", "no host"];
    assert.equal((await command(args)).status, 2);
  });

  test("answers for every host where everybody can reach it", async () => {
    await served(`oci:${GOLDEN}layout`, THIS_RUNTIME, async (origin) => {
      const reached = origin.replace("0.0.0.0", "127.0.0.1");
      const { status } = await ask(reached, "/archives", { headers: { host: "any.test" } });
      assert.equal(status, 200);
    }, ["--hostname", "0.0.0.0"]);
  });

  test("fails in one line where the port is taken", async () => {
    await served(`oci:${GOLDEN}layout`, THIS_RUNTIME, async (origin) => {
      const { port } = new URL(origin);
      const { status, stderr } = await command(["serve", `oci:${GOLDEN}layout`, "--port", port]);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`^oci-archive: Cannot listen on 127.0.0.1:${port}: .*\n$`));
    });
  });

  for (const port of ["-1", "65536", "http", "1.5"]) {
    test(`refuses the port ${port}`, async () => {
      const { status } = await command(["serve", `oci:${GOLDEN}layout`, `--port=${port}`]);
      assert.equal(status, 2);
    });
  }
});
