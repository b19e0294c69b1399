/**
 * The main job for a newcomer, without a network or a daemon: builds a small image of this project's
 * own source as a layout, exports it, reads the archive back, and tells how to load it.
 *
 *     deno task demo
 */
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  blobPath,
  type Descriptor,
  MediaType,
  MemoryStore,
  planArchive,
  verifyArchive,
} from "@oci/archive";
import { LayoutStore } from "@oci/archive/layout";
import { table } from "../src/cli/inspect.ts";
import { streamFile } from "../src/stores/file.ts";
import { encodeHeader, paddingSize, TRAILER_SIZE } from "../src/tar/header.ts";

const NAME = "docker.io/library/oci-archive-demo:latest";
const ARCHIVE = "demo.tar";

const directory = await mkdtemp(join(tmpdir(), "oci-archive-demo-"));
try {
  console.log(`1. An image of two platforms, as a layout in ${directory}`);
  await buildLayout(directory);

  console.log(`2. Its archive, planned from manifests alone:\n`);
  const store = new LayoutStore(directory);
  const plan = await planArchive(store, await store.roots(), {
    platforms: ["linux/amd64"],
    allPlatforms: true,
  });
  console.log(table(plan));

  console.log(`3. Streamed to ${ARCHIVE}, every digest checked on the way`);
  const file = await open(ARCHIVE, "w");
  for await (const chunk of plan.stream()) await file.write(chunk);
  await file.close();

  const report = await verifyArchive(await streamFile(ARCHIVE));
  if (!report.ok) throw new Error(report.problems.map(({ message }) => message).join("; "));
  console.log(`4. Read back: ${report.entries} entries, ${report.blobs} blobs, all as they should be

Load it with
   ctr images import ${ARCHIVE}
   docker load --input ${ARCHIVE}
   podman load --input ${ARCHIVE}
   skopeo copy oci-archive:${ARCHIVE} docker-daemon:oci-archive-demo:latest`);
} finally {
  await rm(directory, { recursive: true });
}

/** Writes a layout with an index of two platforms, which share one layer. */
async function buildLayout(directory: string): Promise<void> {
  const blobs = new MemoryStore();
  const tar = await sourceTar();
  const { digest: diffId } = await blobs.add(MediaType.ImageLayer, tar);
  const gzip = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  const layer = await blobs.add(
    MediaType.ImageLayerGzip,
    new Uint8Array(await new Response(gzip).arrayBuffer()),
  );
  const written: Descriptor[] = [layer];
  const add = async (mediaType: string, value: unknown) => {
    const descriptor = await blobs.add(mediaType, encode(value));
    written.push(descriptor);
    return descriptor;
  };
  const manifests: Descriptor[] = [];
  for (const architecture of ["amd64", "arm64"]) {
    const config = await add(MediaType.ImageConfig, {
      architecture,
      os: "linux",
      config: { WorkingDir: "/oci-archive" },
      rootfs: { type: "layers", diff_ids: [diffId] },
    });
    const mediaType = MediaType.ImageManifest;
    const manifest = await add(mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] });
    manifests.push({ ...manifest, platform: { architecture, os: "linux" } });
  }
  const mediaType = MediaType.ImageIndex;
  const index = await add(mediaType, { schemaVersion: 2, mediaType, manifests });
  const annotations = {
    "io.containerd.image.name": NAME,
    "org.opencontainers.image.ref.name": "latest",
  };

  await mkdir(join(directory, "blobs/sha256"), { recursive: true });
  for (const descriptor of written) {
    await writeFile(join(directory, blobPath(descriptor.digest)), await blobs.open(descriptor));
  }
  await writeFile(join(directory, "oci-layout"), encode({ imageLayoutVersion: "1.0.0" }));
  await writeFile(
    join(directory, "index.json"),
    encode({ schemaVersion: 2, mediaType, manifests: [{ ...index, annotations }] }),
  );
}

/** A layer's tar with mod.ts and everything under src/. */
async function sourceTar(): Promise<Uint8Array<ArrayBuffer>> {
  const root = join(import.meta.dirname!, "..");
  const names = (await readdir(join(root, "src"), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name).slice(root.length + 1).replaceAll("\\", "/")
    );
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (const name of ["mod.ts", ...names.sort()]) {
    const body = await readFile(join(root, name));
    const header = encodeHeader({ name: `oci-archive/${name}`, size: body.length, mode: 0o644 });
    pieces.push(header, new Uint8Array(body), new Uint8Array(paddingSize(body.length)));
  }
  pieces.push(new Uint8Array(TRAILER_SIZE));
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
