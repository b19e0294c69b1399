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
import { BufferPool } from "../../mod.ts";
import { copy, type Output, writeAll } from "../../src/cli/output.ts";
import type { WritableFile } from "../../src/cli/writable_file.ts";
import { macrotask, noise, sha256, text } from "../helpers/bytes.ts";
import { command, commandLine } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { lacks, must, type Outcome, run } from "../helpers/program.ts";
import { streamOf } from "../helpers/streams.ts";
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

describe("copy()", () => {
  /** Where a test's archive goes: remembers what it was asked, and fails where it is told to. */
  function outputThat(faults: Partial<Record<"write" | "finish" | "discard", Error>> = {}) {
    const asked: string[] = [];
    const answer = (what: "write" | "finish" | "discard") => {
      asked.push(what);
      return faults[what] ? Promise.reject(faults[what]) : Promise.resolve();
    };
    const output: Output = {
      write: () => answer("write"),
      finish: () => answer("finish"),
      discard: () => answer("discard"),
    };
    return { output, asked };
  }
  const chunks = () => streamOf([new Uint8Array(1), new Uint8Array(2)]);

  test("finishes what was written whole", async () => {
    const { output, asked } = outputThat();
    await copy(chunks(), output, new BufferPool());
    assert.deepEqual(asked, ["write", "write", "finish"]);
  });

  test("discards an archive that fails, and tells of the first failure", async () => {
    const { output, asked } = outputThat({ discard: new Error("discard") });
    const archive = new ReadableStream({ start: (it) => it.error(new Error("archive")) });
    await assert.rejects(copy(archive, output, new BufferPool()), { message: "archive" });
    assert.deepEqual(asked, ["discard"]);
  });

  test("reads no further where it cannot write, and discards", async () => {
    for (const what of ["write", "finish"] as const) {
      const fault = new Error(what);
      const { output, asked } = outputThat({ [what]: fault });
      await assert.rejects(copy(chunks(), output, new BufferPool()), fault);
      const before = what === "write" ? ["write"] : ["write", "write", "finish"];
      assert.deepEqual(asked, [...before, "discard"]);
    }
    const fault = new Error("write");
    let reason: unknown;
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await macrotask();
        controller.enqueue(new Uint8Array(1));
      },
      cancel: (why) => void (reason = why),
    }, { highWaterMark: 0 });
    const { output } = outputThat({ write: fault });
    await assert.rejects(copy(slow, output, new BufferPool()), fault);
    assert.equal(reason, fault);
  });

  test("discards only when nothing is being written any more", async () => {
    const { output, asked } = outputThat();
    output.write = async () => {
      await macrotask();
      asked.push("written");
    };
    const archive = streamOf(function* () {
      yield new Uint8Array(1);
      throw new Error("archive");
    }());
    await assert.rejects(copy(archive, output, new BufferPool()), { message: "archive" });
    assert.deepEqual(asked, ["written", "discard"]);
  });

  test("gives each chunk back when it has been written, and not before", async () => {
    let given = 0;
    const buffers = Object.assign(new BufferPool(), { give: () => void given++ });
    const { output } = outputThat();
    output.write = async () => {
      const before = given;
      await macrotask();
      assert.equal(given, before);
    };
    await copy(chunks(), output, buffers);
    assert.equal(given, 2);
  });
});

describe("writeAll()", () => {
  /** A file that takes three bytes a time, and each second time none yet. */
  function slowFile(error: () => Error) {
    const written: number[] = [];
    let calls = 0;
    const write = (bytes: Uint8Array) => {
      if (calls++ % 2) throw error();
      written.push(...bytes.subarray(0, 3));
      return Math.min(bytes.length, 3);
    };
    const file: WritableFile = {
      write: (bytes) => Promise.resolve().then(() => write(bytes)),
      writeSync: write,
      close() {},
    };
    return { file, written };
  }
  const bytes = Uint8Array.from({ length: 8 }, (_, i) => i);

  for (const atOnce of [true, false]) {
    test(`writes to the last byte, however little is taken${atOnce ? " at once" : ""}`, async () => {
      const again = () => Object.assign(new Error("full"), { code: "EAGAIN" });
      const { file, written } = slowFile(again);
      await writeAll({ file, name: "x", atOnce }, bytes);
      assert.deepEqual(written, [...bytes]);
    });
  }

  for (
    const [error, code, why] of [
      [
        { code: "ENOSPC" },
        "ENOSPC",
        "no space left on the device; make room, or name a file elsewhere",
      ],
      [
        { message: "File too large (os error 27)" },
        "EFBIG",
        "it gets larger than a file may be; raise the limit (ulimit -f), or name a file elsewhere",
      ],
      [{ message: "odd", code: "EIO" }, "EIO", "odd"],
      [{ message: "odd" }, undefined, "odd"],
    ] as const
  ) {
    test(`names the output, and says what to do about ${code ?? "what has no code"}`, async () => {
      const { file } = slowFile(() => Object.assign(new Error(), error));
      await assert.rejects(writeAll({ file, name: "image.tar" }, bytes), {
        message: `Cannot write image.tar: ${why}`,
        code,
      });
    });
  }
});
