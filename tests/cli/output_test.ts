import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { noise, sha256, text } from "../helpers/bytes.ts";
import { command, commandLine } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { lacks, must, type Outcome, run } from "../helpers/program.ts";
import { stallingServer } from "./stalling_server.ts";

const GOLDEN = fileURLToPath(new URL("../testdata/golden/single/", import.meta.url));
const SOURCE = `oci:${GOLDEN}layout`;
const ARCHIVE = new Uint8Array(await readFile(`${GOLDEN}expected.tar`));

describe("oci-archive export -o FILE", () => {
  test("writes the archive and nothing beside it", async () => {
    await inFolder(async (folder) => {
      const { status, stdout, stderr } = await command([
        "export",
        SOURCE,
        "-o",
        join(folder, "image.tar"),
      ]);
      assert.deepEqual([status, text(stdout), stderr], [0, "", ""]);
      assert.deepEqual(await readdir(folder), ["image.tar"]);
      assert.deepEqual(new Uint8Array(await readFile(join(folder, "image.tar"))), ARCHIVE);
    });
  });

  test("leaves what was there as it was when it fails", async () => {
    await inFolder(async (folder) => {
      const layout = await brokenLayout(folder);
      await mkdir(join(folder, "out"));
      const output = join(folder, "out", "image.tar");
      await writeFile(output, "before");
      const { status } = await command(["export", `oci:${layout.path}`, "-o", output]);
      assert.equal(status, 1);
      assert.deepEqual(await readdir(join(folder, "out")), ["image.tar"]);
      assert.equal(await readFile(output, "utf8"), "before");
    });
  });

  test("replaces what a symbolic link points to, and keeps the link", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "elsewhere"));
      await writeFile(join(folder, "elsewhere", "real.tar"), "before");
      await symlink("elsewhere/real.tar", join(folder, "link.tar"));
      const { status } = await command(["export", SOURCE, "-o", join(folder, "link.tar")]);
      assert.equal(status, 0);
      assert.equal(await readlink(join(folder, "link.tar")), "elsewhere/real.tar");
      assert.deepEqual(await readdir(join(folder, "elsewhere")), ["real.tar"]);
      assert.deepEqual(
        new Uint8Array(await readFile(join(folder, "elsewhere", "real.tar"))),
        ARCHIVE,
      );
    });
  });

  test("makes what a symbolic link points to, and keeps the link", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "elsewhere"));
      await symlink("elsewhere/new.tar", join(folder, "link.tar"));
      for (const resume of [[], ["--resume"]]) {
        const args = ["export", SOURCE, "-o", join(folder, "link.tar"), ...resume];
        const { status } = await command(args);
        assert.equal(status, 0);
        assert.equal(await readlink(join(folder, "link.tar")), "elsewhere/new.tar");
        assert.deepEqual(await readdir(join(folder, "elsewhere")), ["new.tar"]);
        await rm(join(folder, "elsewhere", "new.tar"));
      }
    });
  });

  test("writes into a named pipe", { skip: lacks("mkfifo") }, async () => {
    await inFolder(async (folder) => {
      const pipe = join(folder, "pipe");
      await must("mkfifo", [pipe]);
      const [{ status }, read] = await Promise.all([
        command(["export", SOURCE, "-o", pipe]),
        run("cat", [pipe]),
      ]);
      assert.equal(status, 0);
      assert.equal(await sha256(read.stdout), await sha256(ARCHIVE));
      assert.deepEqual(await readdir(folder), ["pipe"]);
    });
  });

  test("writes to a device", async () => {
    const { status, stderr } = await command(["export", SOURCE, "-o", "/dev/null"]);
    assert.deepEqual([status, stderr], [0, ""]);
  });

  for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    test(`leaves nothing behind after ${signal}`, async () => {
      await inFolder(async (folder) => {
        const server = await stallingServer();
        const output = join(folder, "image.tar");
        const [program, args] = commandLine(["export", server.source, "-o", output]);
        const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
        const ended = endOf(child);
        while ((await readdir(folder)).length === 0 && child.exitCode === null) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        // Not child.kill(): Deno then reports the signal, whatever the process made of it.
        process.kill(child.pid!, signal);
        assert.deepEqual(await ended, { status: expected, signal: null, stderr: "" });
        assert.deepEqual(await readdir(folder), []);
        server.close();
      });
    });
  }
});

describe("oci-archive export, interrupted", () => {
  test("ends though nobody opens the named pipe", { skip: lacks("mkfifo") }, async () => {
    await inFolder(async (folder) => {
      const pipe = join(folder, "pipe");
      await must("mkfifo", [pipe]);
      const [program, args] = commandLine(["export", SOURCE, "-o", pipe, "--progress", "plain"]);
      const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
      const ended = endOf(child);
      // By then it waits; were it earlier, it would end all the sooner.
      await new Promise((resolve) => setTimeout(resolve, 500));
      process.kill(child.pid!, "SIGINT");
      const { status, signal } = await Promise.race([ended, timeout(child)]);
      assert.ok(status === 130 || signal === "SIGINT", `${status} ${signal}`);
    });
  });
});

describe("oci-archive export to stdout", () => {
  test("is quiet when nobody reads to the end", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      const { manifest } = await addImage(layout, { layers: [noise(4 << 20)] });
      await layout.list([manifest]);
      const [program, args] = commandLine(["export", `oci:${folder}`]);
      const words = [program, ...args].map((word) => `'${word}'`).join(" ");
      const { stdout, stderr } = await run("sh", ["-c", `${words} | head -c 100`]);
      assert.equal(stderr, "");
      assert.equal(stdout.length, 100);
    });
  });

  test("keeps bytes apart from messages", async () => {
    const { stdout, stderr } = await command(["export", SOURCE, "--progress", "plain"]);
    assert.deepEqual(stdout, ARCHIVE);
    assert.match(stderr, /^100 % /m);
  });
});

/** A layout with a layer that is not what its digest says. */
async function brokenLayout(folder: string): Promise<LayoutFolder> {
  const layout = new LayoutFolder(join(folder, "layout"));
  const { manifest, layers } = await addImage(layout, { layers: [noise(300_000)] });
  await layout.list([manifest]);
  await chmod(layout.file(layers[0]!), 0o644);
  await writeFile(layout.file(layers[0]!), noise(300_000, 2));
  return layout;
}

/** Fails where the process does not end, and ends it. */
async function timeout(child: ChildProcess): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 8000).unref());
  child.kill("SIGKILL");
  throw new Error("it does not end");
}

async function endOf(child: ChildProcess): Promise<Omit<Outcome, "stdout">> {
  let stderr = "";
  child.stderr!.on("data", (chunk) => stderr += chunk);
  const [status, signal] = await once(child, "close");
  return { status, signal, stderr };
}
