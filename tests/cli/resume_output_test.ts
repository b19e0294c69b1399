import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { holdFile } from "../../src/cli/file_lock.ts";
import { text } from "../helpers/bytes.ts";
import { command, commandLine } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { findProgram, lacks, must, run } from "../helpers/program.ts";
import { stallingServer } from "./stalling_server.ts";

const GOLDEN = fileURLToPath(new URL("../testdata/golden/single/", import.meta.url));
const SOURCE = `oci:${GOLDEN}layout`;
const ARCHIVE = new Uint8Array(await readFile(`${GOLDEN}expected.tar`));

const resume = (output: string, source = SOURCE) =>
  command(["export", source, "--resume", "-o", output]);

/** An export into the file that comes to no end by itself, once it has begun to write. */
async function inExport(
  output: string,
  body: (process: { kill(signal: string): void; ended: Promise<unknown[]> }) => Promise<void>,
): Promise<string> {
  const server = await stallingServer();
  const args = ["export", server.source, "--resume", "-o", output];
  const [program, line] = commandLine(args);
  const child = spawn(program, line, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (piece) => stderr += piece);
  const ended = once(child, "close");
  try {
    while (sizeOf(`${output}.part`) === 0 && child.exitCode === null) await pause();
    await body({ kill: (signal) => void process.kill(child.pid!, signal), ended });
    server.goOn();
    await ended;
  } finally {
    child.kill("SIGKILL");
    server.close();
  }
  return stderr;
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("oci-archive export --resume, twice at once", () => {
  test("fails where another is at it, and leaves that alone", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      const stderr = await inExport(output, async () => {
        const second = await resume(output);
        assert.match(
          second.stderr,
          /^oci-archive: Cannot write .*image\.tar: process \d+ .*is writing .*image\.tar\.part; .+\n$/,
        );
        assert.deepEqual([second.status, existsSync(output)], [1, false]);
      });
      assert.equal(stderr, "");
      assert.deepEqual(await readdir(folder), ["image.tar"]);
      const { status } = await command(["verify", output]);
      assert.equal(status, 0);
    });
  });

  test("goes on where the other was killed", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      await inExport(output, async ({ kill, ended }) => {
        kill("SIGKILL");
        await ended;
      });
      assert.equal((await resume(output)).status, 0);
      assert.deepEqual(await readdir(folder), ["image.tar"]);
      assert.deepEqual(new Uint8Array(await readFile(output)), ARCHIVE);
    });
  });

  test("leaves FILE.part, and nobody holding it, when it is interrupted", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      await inExport(output, async ({ kill, ended }) => {
        kill("SIGINT");
        assert.deepEqual(await ended, [130, null]);
      });
      assert.deepEqual(await readdir(folder), ["image.tar.part"]);
    });
  });

  test("takes no more permissions of Deno than without", {
    skip: findProgram("deno") ? false : "Deno is not installed",
  }, async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      const allowed = ["--allow-read", "--allow-write", "--allow-env"];
      const runtime = [findProgram("deno")!, "run", "--quiet", "--no-prompt", ...allowed] as const;
      const [program, args] = commandLine(["export", SOURCE, "--resume", "-o", output], runtime);
      const { status, stderr } = await run(program, args);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.deepEqual(await readdir(folder), ["image.tar"]);
    });
  });

  for (
    const [what, content] of Object.entries({
      "an empty": "",
      "a cut": "12",
      "a dead process's": `999999999 on ${hostname()}\n`,
    })
  ) {
    test(`takes over ${what} lock`, async () => {
      await inFolder(async (folder) => {
        const output = join(folder, "image.tar");
        await writeFile(`${output}.part.lock`, content);
        const { status, stderr } = await resume(output);
        assert.deepEqual([status, stderr], [0, ""]);
        assert.deepEqual(await readdir(folder), ["image.tar"]);
      });
    });
  }

  test("takes nothing away that is no lock", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      await mkdir(`${output}.part.lock`);
      const { status, stderr } = await resume(output);
      assert.match(stderr, /image\.tar\.part\.lock is no regular file; remove it\n$/);
      assert.equal(status, 1);
      assert.deepEqual(await readdir(folder), ["image.tar.part.lock"]);
    });
  });

  test("takes over no lock of another machine, and says what to do", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      await writeFile(`${output}.part.lock`, "999999999 on elsewhere\n");
      const { status, stderr } = await resume(output);
      assert.match(stderr, /process 999999999 on elsewhere .*remove .*image\.tar\.part\.lock\n$/);
      assert.equal(status, 1);
      assert.deepEqual(await readdir(folder), ["image.tar.part.lock"]);
    });
  });

  test("fails where FILE.part has another length by now", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      const stderr = await inExport(output, () => truncate(`${output}.part`, 9e6));
      assert.match(stderr, /^oci-archive: Cannot write .*image\.tar: .*\.part has changed.*\n$/);
      assert.deepEqual(await readdir(folder), ["image.tar.part"]);
    });
  });

  test("fails where FILE.part is another file by now", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      const stderr = await inExport(output, async () => {
        await rename(`${output}.part`, `${output}.old`);
        await writeFile(`${output}.part`, ARCHIVE);
      });
      assert.match(stderr, /^oci-archive: Cannot write .*image\.tar: .*\.part has changed.*\n$/);
      assert.ok(!existsSync(output));
    });
  });
});

describe("holdFile()", () => {
  /** A test of a file, and of the lock beside it. */
  function lockTest(name: string, body: (file: string, lock: string) => Promise<void>) {
    test(name, () => inFolder((folder) => body(join(folder, "a"), join(folder, "a.lock"))));
  }

  lockTest("says who holds the file, and lets go of it", async (file, lock) => {
    const letGo = await holdFile(file);
    assert.equal(await readFile(lock, "utf8"), `${process.pid} on ${hostname()}\n`);
    letGo();
    assert.ok(!existsSync(lock));
    letGo();
  });

  lockTest("lets go of nobody else's lock", async (file, lock) => {
    const letGo = await holdFile(file);
    await writeFile(lock, "another's\n");
    letGo();
    assert.equal(await readFile(lock, "utf8"), "another's\n");
  });

  lockTest("fails where a process that lives holds the file", async (file, lock) => {
    const held = `${process.ppid} on ${hostname()}\n`;
    await writeFile(lock, held);
    await assert.rejects(holdFile(file), {
      message: `process ${process.ppid} on ${hostname()} is writing ${file}; ` +
        `let it end first, or name another file; if it has ended, remove ${lock}`,
    });
    assert.equal(await readFile(lock, "utf8"), held);
  });

  for (
    const [what, content] of [
      ["one that had this process's number", `${process.pid} on ${hostname()}\n`],
      ["a dead process", `999999999 on ${hostname()}\n`],
      ["nobody", "nobody\n"],
    ] as const
  ) {
    lockTest(`takes the lock of ${what} over, and leaves nothing of it`, async (file, lock) => {
      await writeFile(lock, content);
      const letGo = await holdFile(file);
      assert.equal(await readFile(lock, "utf8"), `${process.pid} on ${hostname()}\n`);
      assert.deepEqual(await readdir(join(file, "..")), ["a.lock"]);
      letGo();
    });
  }

  lockTest("follows no symbolic link", async (file, lock) => {
    await writeFile(file, "999999999 on elsewhere\n");
    await symlink(file, lock);
    await assert.rejects(holdFile(file), { message: `${lock} is no regular file; remove it` });
  });

  lockTest("fails where there is no folder for the lock", async (file) => {
    await assert.rejects(holdFile(join(file, "b")), { code: "ENOENT" });
  });
});

describe("oci-archive export --resume -o PATH", () => {
  test("replaces what a symbolic link points to, and keeps the link", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "elsewhere"));
      await writeFile(join(folder, "elsewhere", "real.tar"), "before");
      await symlink("elsewhere/real.tar", join(folder, "link.tar"));
      const { status, stderr } = await resume(join(folder, "link.tar"));
      assert.deepEqual([status, stderr], [0, ""]);
      assert.equal(await readlink(join(folder, "link.tar")), "elsewhere/real.tar");
      assert.deepEqual(await readdir(join(folder, "elsewhere")), ["real.tar"]);
      const real = await readFile(join(folder, "elsewhere", "real.tar"));
      assert.deepEqual(new Uint8Array(real), ARCHIVE);
    });
  });

  test("refuses a directory", async () => {
    await inFolder(async (folder) => {
      const { status, stdout, stderr } = await resume(folder);
      assert.match(stderr, /^oci-archive: -o .* is a directory; .*\n$/);
      assert.deepEqual([status, text(stdout), await readdir(folder)], [2, "", []]);
      assert.ok(!existsSync(`${folder}.part`));
    });
  });

  test("refuses a named pipe, which stays one", { skip: lacks("mkfifo") }, async () => {
    await inFolder(async (folder) => {
      const pipe = join(folder, "pipe");
      await must("mkfifo", [pipe]);
      await symlink("pipe", join(folder, "link"));
      for (const output of [pipe, join(folder, "link")]) {
        const { status, stderr } = await resume(output);
        assert.match(stderr, /^oci-archive: --resume needs -o FILE, .*\n$/);
        assert.equal(status, 2);
      }
      assert.ok((await lstat(pipe)).isFIFO());
      assert.deepEqual((await readdir(folder)).sort(), ["link", "pipe"]);
    });
  });

  test("follows no symbolic link at FILE.part", async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      for (const target of ["precious", "missing"]) {
        await writeFile(join(folder, "precious"), "before");
        await symlink(target, `${output}.part`);
        const { status, stderr } = await resume(output);
        assert.match(stderr, /image\.tar\.part is no regular file; remove it\n$/);
        assert.equal(status, 1);
        assert.equal(await readFile(join(folder, "precious"), "utf8"), "before");
        assert.deepEqual((await readdir(folder)).sort(), ["image.tar.part", "precious"]);
        await rm(`${output}.part`);
      }
    });
  });

  test("waits for no pipe at FILE.part", { skip: lacks("mkfifo") }, async () => {
    await inFolder(async (folder) => {
      const output = join(folder, "image.tar");
      await must("mkfifo", [`${output}.part`]);
      const { status, stderr } = await resume(output);
      assert.match(stderr, /image\.tar\.part is no regular file; remove it\n$/);
      assert.equal(status, 1);
    });
  });
});
