import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { text } from "../helpers/bytes.ts";
import { command, commandLine, type Runtime, THIS_RUNTIME } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { lacks, run } from "../helpers/program.ts";

const LAYOUT = fileURLToPath(new URL("../testdata/golden/single/layout", import.meta.url));
const SOURCE = `oci:${LAYOUT}`;

describe("oci-archive", () => {
  test("prints deno.json's version", async () => {
    const { version } = JSON.parse(
      await readFile(new URL("../../deno.json", import.meta.url), "utf8"),
    );
    const { status, stdout } = await command(["--version"]);
    assert.deepEqual([status, text(stdout)], [0, `${version}\n`]);
  });

  for (const name of ["export", "inspect", "verify", "serve"]) {
    test(`shows examples in the help of ${name}`, async () => {
      const { status, stdout, stderr } = await command([name, "--help"]);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.match(text(stdout), new RegExp(`Examples:\n  .*oci-archive ${name} `, "s"));
    });
  }

  for (const name of ["export", "inspect", "verify", "serve"]) {
    test(`shows no default of ${name} that nobody can type`, async () => {
      const { stdout } = await command([name, "--help"]);
      assert.doesNotMatch(text(stdout), /\[\]/);
    });
  }

  test("names its commands in its help", async () => {
    const { status, stdout } = await command(["--help"]);
    assert.equal(status, 0);
    for (const name of ["export", "inspect", "verify", "serve"]) {
      assert.match(text(stdout), new RegExp(`^  ${name} `, "m"));
    }
    assert.match(text(stdout), /^ +--debug /m);
  });
});

describe("wrong usage exits with status 2 and one line", () => {
  const wrong: Record<string, string[]> = {
    "no command": [],
    "an unknown command": ["import", SOURCE],
    "an unknown option": ["export", SOURCE, "--plattform", "linux/arm64"],
    "an option without its value": ["export", SOURCE, "--platform"],
    "no source": ["export"],
    "a source without a transport": ["export", LAYOUT],
    "a source of an unknown transport": ["export", `docker-archive:${LAYOUT}`],
    "a source without a path": ["export", "oci:"],
    "a concurrency of nought": ["export", SOURCE, "--concurrency", "0"],
    "an unknown way to tell progress": ["export", SOURCE, "--progress", "loud"],
    "an output that is a directory": ["export", SOURCE, "-o", LAYOUT],
    "an output without a name": ["export", SOURCE, "-o", ""],
    "an archive of an unknown scheme": ["inspect", "oci-archive:ftp://host.invalid/app.tar"],
    "an unknown scheme to verify": ["verify", "ftp://host.invalid/app.tar"],
    "an output of an unknown scheme": ["export", SOURCE, "-o", "s3://bucket/app.tar"],
    "a platform that is none": ["export", SOURCE, "--platform", "linux/amd64/v1/x"],
    "an empty platform": ["inspect", SOURCE, "--platform", ""],
    "a name that is none": ["export", SOURCE, "--name", "Upper Case"],
    "a URL as a name": ["export", SOURCE, "--name", "https://user:secret@registry.invalid/app"],
    "an empty name": ["export", SOURCE, "--name", ""],
    "a registry's image without a name": ["export", "docker://"],
    "a registry's image of a wrong name": ["export", "docker://registry.invalid/app:1:2"],
    "a registry's image of a short digest": [
      "export",
      `docker://registry.invalid/app@sha256:${"a".repeat(40)}`,
    ],
    "a server's empty host": ["serve", SOURCE, "--port", "0", "--hostname", ""],
    "an output without a name to go on with": ["export", SOURCE, "--resume", "-o", ""],
    "an archive without a name to verify": ["verify", ""],
    "two archives to verify": ["verify", "a.tar", "b.tar"],
    "a name for several images": [
      "export",
      SOURCE,
      SOURCE.replace("single", "sha512"),
      "--name",
      "docker.io/library/app:1",
    ],
  };
  for (const [what, args] of Object.entries(wrong)) {
    test(what, async () => {
      const { status, stdout, stderr } = await command(args);
      assert.match(stderr, /^oci-archive: \S.*\n$/);
      assert.deepEqual([status, text(stdout)], [2, ""]);
    });
  }

  test("help on an unknown command, which it names", async () => {
    const { status, stderr } = await command(["help", "import"]);
    assert.match(stderr, /^oci-archive: unknown command 'import'; see oci-archive --help\n$/);
    assert.equal(status, 2);
  });

  test("an output whose name is not UTF-8, rather than another file", async () => {
    await inFolder(async (folder) => {
      // What runtimes make of a\xFF.tar.
      const args = ["export", SOURCE, "-o", "a\uFFFD.tar"];
      const { status, stderr } = await command(args, { cwd: folder });
      assert.match(stderr, /^oci-archive: an argument is not UTF-8: .+\n$/);
      assert.deepEqual([status, await readdir(folder)], [2, []]);
    });
  });

  test("an archive for a terminal", { skip: lacks("script") }, async () => {
    const line = commandLine(["export", SOURCE]);
    const shell = [line[0], ...line[1]].map((word) => `'${word}'`).join(" ");
    const { status, stdout } = await run("script", ["-qec", shell, "/dev/null"]);
    assert.match(text(stdout), /^oci-archive: stdout is a terminal[^\n]*\n$/);
    assert.equal(status, 2);
  });
});

describe("a failure exits with status 1 and one line", () => {
  test("that names what failed, without a stack", async () => {
    const { status, stdout, stderr } = await command(["export", "oci:/no/such/layout"]);
    assert.match(
      stderr,
      /^oci-archive: Cannot read \/no\/such\/layout as an OCI image layout: .*\n$/,
    );
    assert.deepEqual([status, text(stdout)], [1, ""]);
  });

  test("and a stack where --debug asks for one", async () => {
    const { status, stderr } = await command(["export", "oci:/no/such/layout", "--debug"]);
    assert.match(stderr, /^oci-archive: Cannot read .*\n/);
    assert.match(stderr, /\n +at .*layout_index\.ts/);
    assert.equal(status, 1);
  });

  test("where the disk is full", async () => {
    const { status, stderr } = await command(["export", SOURCE, "-o", "/dev/full"]);
    assert.match(stderr, /^oci-archive: Cannot write \/dev\/full: .*no space left.*\n$/i);
    assert.equal(status, 1);
  });

  test("where the output's folder is missing", async () => {
    await inFolder(async (folder) => {
      const output = `${folder}/missing/image.tar`;
      const { status, stderr } = await command(["export", SOURCE, "-o", output]);
      assert.match(stderr, /^oci-archive: .*missing.*\n$/);
      assert.equal(status, 1);
    });
  });

  test("where a certificate is missing", async () => {
    const args = ["inspect", "docker://registry.invalid/app", "--ca", "/no/such/ca.pem"];
    const { status, stderr } = await command(args);
    assert.match(
      stderr,
      /^oci-archive: Cannot read \/no\/such\/ca\.pem: there is no such file; .*\n$/,
    );
    assert.equal(status, 1);
  });

  test("where what should be a certificate is none", async () => {
    const args = ["inspect", "docker://registry.invalid/app", "--ca", `${LAYOUT}/index.json`];
    const { status, stderr } = await command(args);
    assert.match(
      stderr,
      /^oci-archive: Cannot use .*index\.json for --ca: it has no certificate .*\n$/,
    );
    assert.equal(status, 1);
  });

  for (const args of [["--help"], ["--version"], ["inspect", SOURCE]]) {
    test(`where ${args[0]} is for a full disk`, async () => {
      const [program, all] = commandLine(args);
      const line = [program, ...all].map((word) => `'${word}'`).join(" ");
      const { status, stderr } = await run("sh", ["-c", `${line} >/dev/full`]);
      assert.match(stderr, /^oci-archive: Cannot write stdout: no space left .*; .+\n$/);
      assert.equal(status, 1);
    });
  }

  for (const [what, output] of Object.entries({ "-o": "-o ", stdout: ">" })) {
    test(`where ${what} gets too large for its limit`, async () => {
      await inFolder(async (folder) => {
        // Deno's own caches are files as well, and as limited.
        const runtime: Runtime = "Deno" in globalThis
          ? [...THIS_RUNTIME, "--no-code-cache"]
          : THIS_RUNTIME;
        await run(...commandLine(["export", SOURCE, "-o", "/dev/null"], runtime));
        const [program, all] = commandLine(["export", SOURCE], runtime);
        const line = [program, ...all].map((word) => `'${word}'`).join(" ");
        const script = `ulimit -f 4; ${line} ${output}"$0"`;
        const { status, stderr } = await run("sh", ["-c", script, `${folder}/image.tar`]);
        assert.match(stderr, /^oci-archive: Cannot write .*: .*ulimit -f.*\n$/);
        assert.equal(status, 1);
        // What the shell has made is the shell's.
        assert.deepEqual(await readdir(folder), what === "-o" ? [] : ["image.tar"]);
      });
    });
  }

  const missing = (flags: string[]) => async () => {
    await inFolder(async (folder) => {
      const output = `${folder}/none/image.tar`;
      const { stderr } = await command(["export", SOURCE, "-o", output, ...flags]);
      const why = "its folder is missing; make it first";
      assert.equal(stderr, `oci-archive: Cannot write ${output}: ${why}\n`);
    });
  };
  test("that says of a missing folder the same on each runtime", missing([]));
  test("that says of a missing folder the same with --resume", missing(["--resume"]));

  test("that says what to do about a layout that is none", async () => {
    const { stderr } = await command(["inspect", "oci:/no/such/layout"]);
    assert.match(stderr, /: oci-layout is missing; name a folder, or an archive, that .*\n$/);
  });
});
