import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { text } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { startServer } from "../helpers/server.ts";

const GOLDEN = fileURLToPath(new URL("../testdata/golden/", import.meta.url));
const FILE = join(GOLDEN, "two-names/expected.tar");
const ARCHIVE = new Uint8Array(await readFile(FILE));

describe("oci-archive verify", () => {
  test("accepts what containerd wrote, and names the images", async () => {
    for (const name of await readdir(GOLDEN)) {
      const { status, stderr } = await command(["verify", join(GOLDEN, name, "expected.tar")]);
      assert.deepEqual([status, stderr], [0, ""], name);
    }
  });

  test("reads a file, a pipe and a URL alike", async () => {
    const { origin, close } = await startServer((_, response) => response.end(ARCHIVE));
    try {
      const [file, pipe, url, shouted] = await Promise.all([
        command(["verify", FILE]),
        command(["verify", "-"], { input: ARCHIVE }),
        command(["verify", `${origin}/image.tar`]),
        command(["verify", `${origin.replace("http", "HTTP")}/image.tar`]),
      ]);
      assert.match(
        text(file!.stdout),
        new RegExp(`^ok: \\d+ entries, 4 blobs, ${ARCHIVE.length} bytes$`, "m"),
      );
      assert.match(text(file!.stdout), /^image +\S+/);
      for (const answer of [file, pipe, url, shouted]) assert.deepEqual(answer, file);
      assert.equal(file!.status, 0);
    } finally {
      close();
    }
  });

  test("sends the user of a URL as credentials, and to the URL's own host only", async () => {
    const seen: [path: string, authorization: string | undefined][] = [];
    const { origin, close } = await startServer(({ url = "", headers }, response) => {
      seen.push([url, headers.authorization]);
      if (url !== "/image.tar") return response.end(ARCHIVE);
      const location = `${origin.replace("127.0.0.1", "localhost")}/elsewhere.tar`;
      response.writeHead(302, { location }).end();
    });
    try {
      const url = `${origin.replace("//", "//us%65r:p%40ss@")}/image.tar`;
      const { status, stderr } = await command(["verify", url]);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.deepEqual(seen, [
        ["/image.tar", `Basic ${btoa("user:p@ss")}`],
        ["/elsewhere.tar", undefined],
      ]);
    } finally {
      close();
    }
  });

  test("says what to do where a server refuses or is not there", async () => {
    const { origin, close } = await startServer((_, response) => response.writeHead(401).end());
    const url = `${origin}/image.tar`;
    try {
      const { status, stderr } = await command(["verify", url]);
      assert.match(stderr, /^oci-archive: Cannot read .*: it answered 401; check .+\n$/);
      assert.equal(status, 1);
    } finally {
      close();
    }
    const { status, stderr } = await command(["verify", url]);
    assert.match(stderr, /^oci-archive: Cannot read .*; check the address, or try again\n$/);
    assert.equal(status, 1);
  });

  test("--json gives the report", async () => {
    const { status, stdout } = await command(["verify", FILE, "--json"]);
    const report = JSON.parse(text(stdout));
    assert.equal(status, 0);
    assert.deepEqual([report.ok, report.problems, report.size], [true, [], ARCHIVE.length]);
    assert.equal(report.images.length, 2);
  });

  for (const flags of [[], ["--json"]]) {
    test(`refuses a damaged blob, by name ${flags}`, async () => {
      await inFolder(async (folder) => {
        const damaged = ARCHIVE.slice();
        // Behind the headers of two directories and of the first blob.
        damaged[3 * 512]! ^= 1;
        const digest = text(ARCHIVE.subarray(2 * 512, 2 * 512 + 77));
        const archive = join(folder, "damaged.tar");
        await writeFile(archive, damaged);
        const { status, stdout, stderr } = await command(["verify", archive, ...flags]);
        assert.match(stderr, /^oci-archive: [^\n]+ is unfit: [^\n]+\n$/);
        assert.ok(stderr.includes(digest));
        assert.ok(text(stdout).includes(digest));
        assert.equal(status, 1);
      });
    });
  }

  const unfit: Record<string, Uint8Array> = {
    "an archive without its trailer": ARCHIVE.slice(0, -1024),
    "half an archive": ARCHIVE.slice(0, ARCHIVE.length / 2),
    "an archive with bytes behind its end": new Uint8Array([...ARCHIVE, 1]),
    "nothing": new Uint8Array(),
    "a tar that is no OCI archive": new Uint8Array(1024),
  };
  for (const [what, input] of Object.entries(unfit)) {
    test(`refuses ${what}`, async () => {
      const { status, stdout, stderr } = await command(["verify", "-"], { input });
      assert.match(stderr, /^oci-archive: stdin is unfit: [^\n]+\n$/);
      assert.match(text(stdout), /^problem /m);
      assert.equal(status, 1);
    });
  }

  const unread: Record<string, [place: string, why: RegExp]> = {
    "a missing file": ["/no/such/file.tar", /^there is no such file; check the path\n$/],
    "a file inside of one": [`${FILE}/x.tar`, /^there is no such file; check the path\n$/],
    "a directory": [GOLDEN, /^it is a directory; .+\n$/],
    "a server that is not there": ["http://127.0.0.1:1/image.tar", /./],
  };
  for (const [what, [place, why]] of Object.entries(unread)) {
    test(`fails where it cannot read ${what}`, async () => {
      const { status, stdout, stderr } = await command(["verify", place]);
      assert.match(stderr, /^oci-archive: [^\n]+\n$/);
      const start = `oci-archive: Cannot read ${place}: `;
      assert.ok(stderr.startsWith(start), stderr);
      assert.match(stderr.slice(start.length), why);
      assert.deepEqual([status, text(stdout)], [1, ""]);
    });
  }
});
