import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { lacks, must } from "../helpers/program.ts";
import { buildDebianImage, cannotBuild, LONG, NAME, REMOVED } from "./debian_image.ts";

const timeout = 120_000;
const rootless = process.getuid?.() === 0 ? false : "mounting wants root";

test(
  "skopeo inspects and copies our archives",
  { skip: cannotBuild || lacks("skopeo"), timeout },
  () =>
    inFolder(async (folder) => {
      const { archive, digest } = await exported(folder);
      const inspected = JSON.parse(await must("skopeo", ["inspect", `oci-archive:${archive}`]));
      assert.equal(inspected.Digest, digest);
      assert.equal(inspected.Layers.length, 3);

      const copy = join(folder, "copy.tar");
      const insecure = ["--insecure-policy", "copy", "--quiet"];
      await must("skopeo", [...insecure, `oci-archive:${archive}`, `oci-archive:${copy}:1.0`]);
      await assertFit(copy, "1.0");

      const loaded = join(folder, "loaded.tar");
      await must("skopeo", [
        ...insecure,
        `docker-archive:${archive}:${NAME}`,
        `oci-archive:${loaded}`,
      ]);
      await assertFit(loaded);
    }),
);

test("podman and buildah load our archives, and write some that we accept", {
  skip: cannotBuild || rootless || lacks("podman", "buildah", "chroot"),
  timeout,
}, () =>
  inFolder(async (folder) => {
    const { archive } = await exported(folder);
    const store = ["--root", join(folder, "store"), "--runroot", join(folder, "run")];
    const own = [...store, "--storage-driver", "vfs"];
    const podman = (...args: string[]) =>
      must("podman", [...own, "--events-backend=none", ...args]);
    assert.match(await podman("load", "-i", archive), new RegExp(`Loaded image: ${NAME}`));

    // Not `podman run`: it needs cgroups, which not every machine lends.
    const root = (await podman("image", "mount", NAME)).trim();
    assert.equal(await must("chroot", [root, "/bin/ls", "/srv"]), "first\nsecond\n");
    assert.equal(await readFile(join(root, LONG), "utf8"), "far away\n");
    await assert.rejects(stat(join(root, REMOVED)), { code: "ENOENT" });
    await podman("image", "umount", NAME);

    const saved = join(folder, "saved.tar");
    await podman("save", "--quiet", "--format=oci-archive", "-o", saved, NAME);
    await assertFit(saved, NAME);
    const pushed = join(folder, "pushed.tar");
    await must("buildah", [...own, "push", "--quiet", NAME, `oci-archive:${pushed}:2.0`]);
    await assertFit(pushed, "2.0");
  }));

test(
  "umoci unpacks our archives",
  { skip: cannotBuild || rootless || lacks("umoci"), timeout },
  () =>
    inFolder(async (folder) => {
      const { archive } = await exported(folder, "gzip");
      const layout = join(folder, "unpacked");
      await mkdir(layout);
      await must("tar", ["-C", layout, "-xf", archive]);
      await must("umoci", ["unpack", "--image", `${layout}:1.0`, join(folder, "bundle")]);
      const root = join(folder, "bundle", "rootfs");
      assert.deepEqual((await readdir(join(root, "srv"))).sort(), ["first", "second"]);
      const [first, second] = [
        await stat(join(root, "srv/first")),
        await stat(join(root, "srv/second")),
      ];
      assert.equal(first.ino, second.ino);
      assert.equal(await readFile(join(root, LONG), "utf8"), "far away\n");
      await assert.rejects(stat(join(root, REMOVED)), { code: "ENOENT" });
    }),
);

test(
  "we accept what oras writes",
  { skip: cannotBuild || lacks("oras"), timeout },
  () =>
    inFolder(async (folder) => {
      const { path } = await buildDebianImage(folder);
      const copy = join(folder, "oras");
      await must("oras", [
        "copy",
        "--from-oci-layout",
        `${path}:1.0`,
        "--to-oci-layout",
        `${copy}:1.0`,
      ]);
      const archive = join(folder, "oras.tar");
      await must("tar", ["-C", copy, "-cf", archive, "."]);
      await assertFit(archive, "1.0");
    }),
);

/** Builds the image and exports it. */
async function exported(folder: string, second?: "gzip") {
  const layout = await buildDebianImage(folder, second);
  const archive = join(folder, "ours.tar");
  const source = `oci:${layout.path}`;
  const { status, stderr } = await command(["export", source, "--name", NAME, "-o", archive]);
  assert.deepEqual([status, stderr], [0, ""]);
  const index = JSON.parse(await readFile(join(layout.path, "index.json"), "utf8"));
  return { archive, digest: index.manifests[0].digest as string };
}

/** The command accepts an archive, and what it makes of it is accepted too. */
async function assertFit(archive: string, name?: string): Promise<void> {
  const { status, stdout, stderr } = await command(["verify", "--json", archive]);
  assert.deepEqual([status, stderr], [0, ""]);
  const report = JSON.parse(new TextDecoder().decode(stdout));
  assert.deepEqual([report.problems, report.warnings], [[], []]);
  if (name) assert.deepEqual(report.images, [name]);
  const again = await command(["export", `oci-archive:${archive}`]);
  assert.equal((await command(["verify", "-"], { input: again.stdout })).status, 0);
}
