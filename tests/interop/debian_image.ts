import { createHash } from "node:crypto";
import { link, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { type Descriptor, MediaType } from "../../mod.ts";
import { addJson } from "../helpers/image.ts";
import { LayoutFolder, tagged } from "../helpers/layout_folder.ts";
import { lacks, must } from "../helpers/program.ts";

/** The image's full name: one for which every version of containerd makes the same reference name. */
export const NAME = "docker.io/library/interop:1.0";
/** A path of more than 100 bytes, which tar cannot hold in one field. */
export const LONG: string = `usr/share/${"long-name-".repeat(9)}/${"deep/".repeat(8)}file`;
/** What the second layer removes from the first. */
export const REMOVED = "usr/share/common-licenses/GPL-2";

/** Why the image cannot be built here; false where it can. */
export const cannotBuild: string | false = lacks("dpkg-query", "tar", "gzip", "zstd");

/**
 * A genuine image, as an OCI layout: what `ls` of Debian needs, out of the packages installed here
 * (gzip); over it whiteouts, hard links and long names (zstd); and files of another package (gzip).
 *
 * @param second what packs the second layer; umoci knows no zstd
 */
export async function buildDebianImage(
  folder: string,
  second: "zstd" | "gzip" = "zstd",
): Promise<LayoutFolder> {
  const layout = new LayoutFolder(join(folder, "layout"));
  const layers = [
    await packageLayer(folder, ["base-files", "coreutils", ...await librariesOf("/usr/bin/ls")]),
    await changesLayer(folder),
    await packageLayer(folder, ["tar"]),
  ];
  const blobs: Descriptor[] = [];
  for (const [i, tar] of layers.entries()) {
    const kind = i === 1 ? second : "gzip";
    const packed = `${tar}.${kind}`;
    await must("sh", ["-c", `${kind} -c${kind === "gzip" ? "n" : "q"} < ${tar} > ${packed}`]);
    blobs.push(await layout.add(`${MediaType.ImageLayer}+${kind}`, await readFile(packed)));
  }
  const config = await addJson(layout, MediaType.ImageConfig, {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Cmd: ["/bin/ls", "/"] },
    rootfs: { type: "layers", diff_ids: await Promise.all(layers.map(sha256Of)) },
  });
  const manifest = await addJson(layout, MediaType.ImageManifest, {
    schemaVersion: 2,
    mediaType: MediaType.ImageManifest,
    config,
    layers: blobs,
  });
  await layout.list([tagged(manifest, "1.0")]);
  return layout;
}

/** The packages that hold the libraries a program is linked with. */
async function librariesOf(program: string): Promise<string[]> {
  const linked = await must("ldd", [program]);
  const paths = [...linked.matchAll(/(?:=> |^\s*)(\/\S+)/gm)].map(([, path]) => path!);
  const owners = await Promise.all(paths.map(async (path) => {
    // dpkg knows files by where they were before /lib became a link.
    const name = path.slice(path.lastIndexOf("/"));
    return (await must("dpkg-query", ["-S", `*${name}`])).split("\n")[0]!.split(":")[0]!;
  }));
  return [...new Set(owners)];
}

/** A tar of all that these packages hold. */
async function packageLayer(folder: string, packages: string[]): Promise<string> {
  const tar = join(folder, `${packages[0]}.tar`);
  const listed = await must("dpkg-query", ["-L", ...packages]);
  const paths = listed.split("\n").filter((path) => path.startsWith("/") && path !== "/.");
  const list = join(folder, `${packages[0]}.list`);
  await writeFile(list, [...new Set(paths)].sort().map((path) => `${path.slice(1)}\n`).join(""));
  // Documentation may have been left out where this runs.
  const flags = ["--no-recursion", "--ignore-failed-read", "--warning=none", "--sort=none"];
  await must("tar", [...flags, "-C", "/", "-T", list, "-cf", tar]);
  return tar;
}

/** A tar of whiteouts, hard links and long names. */
async function changesLayer(folder: string): Promise<string> {
  const root = join(folder, "changes");
  const put = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  await put(REMOVED.replace(/[^/]+$/, ".wh.$&"), "");
  await put("usr/share/doc/coreutils/.wh..wh..opq", "");
  await put("srv/first", "one file under two names\n");
  await link(join(root, "srv/first"), join(root, "srv/second"));
  await put(LONG, "far away\n");
  const tar = join(folder, "changes.tar");
  await must("tar", [
    "-C",
    root,
    "--owner=0",
    "--group=0",
    "--format=gnu",
    "-cf",
    tar,
    "usr",
    "srv",
  ]);
  return tar;
}

async function sha256Of(file: string): Promise<string> {
  return `sha256:${createHash("sha256").update(await readFile(file)).digest("hex")}`;
}
