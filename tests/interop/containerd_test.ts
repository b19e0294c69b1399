import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { sha256 } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { startContainerd } from "../helpers/containerd.ts";
import { inFolder } from "../helpers/folder.ts";
import { lacks } from "../helpers/program.ts";
import { buildDebianImage, cannotBuild, NAME } from "./debian_image.ts";

const isRoot = process.getuid?.() === 0;
const skip = cannotBuild || lacks("containerd", "ctr") ||
  (isRoot ? false : "containerd wants to be root");

const MULTI_ARCH = new URL("../testdata/golden/multi-arch/layout", import.meta.url);

test(
  "containerd takes our archives in and gives the same bytes back, by ctr and to us",
  { skip, timeout: 120_000 },
  () =>
    inFolder(async (folder) => {
      const containerd = await startContainerd(folder);
      try {
        const debian = `oci:${(await buildDebianImage(folder)).path}`;
        const multiArch = `oci:${fileURLToPath(MULTI_ARCH)}`;
        // What both export, with the flags of both; and how containerd takes it in.
        const images: Record<string, [source: string, flags: string[], importFlags: string[]]> = {
          "an image of Debian's packages": [debian, [], []],
          "an index of which one platform was chosen": [
            multiArch,
            ["--platform", "linux/amd64"],
            ["--platform", "linux/amd64"],
          ],
          "an index with all its platforms": [
            multiArch,
            ["--platform", "linux/arm64", "--all-platforms"],
            ["--all-platforms"],
          ],
        };
        for (const [what, [source, flags, importFlags]] of Object.entries(images)) {
          const ours = join(folder, "ours.tar");
          const theirs = join(folder, "theirs.tar");
          const { status, stderr } = await command([
            "export",
            source,
            ...flags,
            "--name",
            NAME,
            "-o",
            ours,
          ]);
          assert.deepEqual([status, stderr], [0, ""], what);
          await containerd.ctr("images", "import", "--no-unpack", ...importFlags, ours);
          await containerd.ctr("images", "export", ...flags, theirs, NAME);
          assert.equal(
            await sha256(await readFile(theirs)),
            await sha256(await readFile(ours)),
            what,
          );
          assert.equal((await command(["verify", theirs])).status, 0, what);

          const fromContainerd = join(folder, "from-containerd.tar");
          const exported = await command(
            ["export", `containerd:${NAME}`, ...flags, "-o", fromContainerd],
            { env: { CONTAINERD_ADDRESS: containerd.address } },
          );
          assert.deepEqual([exported.status, exported.stderr], [0, ""], what);
          assert.equal(
            await sha256(await readFile(fromContainerd)),
            await sha256(await readFile(theirs)),
            what,
          );
          await containerd.ctr("images", "rm", "--sync", NAME);
        }
      } finally {
        await containerd.stop();
      }
    }),
);
