import { createHash, type Hash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { blobPath, type Descriptor, exportArchive, MediaType } from "../mod.ts";
import { LayoutStore } from "../src/stores/layout.ts";
import type { Context } from "./contestant.ts";

const MIB = 1 << 20;

/** Images of this many layers of this size. The content is noise, the same every time. */
export interface LayoutShape {
  readonly images: number;
  readonly layers: number;
  /** Bytes of each layer. */
  readonly size: number;
  /** Indexes around the images, one in the other. @default {0} */
  readonly depth?: number;
  /** Whether layers are listed but not there, as planning needs no more. @default {false} */
  readonly hollow?: boolean;
}

/** Bytes of all layers. */
export function layerBytes({ images, layers, size }: LayoutShape): number {
  return images * layers * size;
}

/** The shape made smaller: fewer layers where they are many, smaller ones where they are few. */
export function scaled(shape: LayoutShape, scale: number): LayoutShape {
  const { layers, size } = shape;
  return layers > 16
    ? { ...shape, layers: Math.max(1, Math.round(layers * scale)) }
    : { ...shape, size: Math.max(1024, Math.round(size * scale)) };
}

/** The path of a layout of this shape. It is made where it is not there yet. */
export async function layoutOf(
  { folder }: Pick<Context, "folder">,
  shape: LayoutShape,
): Promise<string> {
  const { images, layers, size, depth = 0, hollow = false } = shape;
  const name = `layout-${images}x${layers}x${size}-${depth}${hollow ? "-hollow" : ""}`;
  const path = join(folder, name);
  if (existsSync(path)) return path;
  const unfinished = `${path}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(join(unfinished, "blobs/sha256"), { recursive: true });
  await new LayoutMaker(unfinished, shape).make();
  await rename(unfinished, path);
  return path;
}

/** The path of the archive of a layout. It is made where it is not there yet. */
export async function archiveOf(layout: string): Promise<string> {
  const path = `${layout}.tar`;
  if (existsSync(path)) return path;
  const store = new LayoutStore(layout);
  const archive = Readable.from(exportArchive(store, await store.roots()));
  await pipeline(archive, createWriteStream(`${path}.part`));
  await rename(`${path}.part`, path);
  return path;
}

class LayoutMaker {
  #folder: string;
  #shape: LayoutShape;
  #noise = new Noise();
  #layersMade = 0;

  constructor(folder: string, shape: LayoutShape) {
    this.#folder = folder;
    this.#shape = shape;
  }

  async make(): Promise<void> {
    const { images, depth = 0 } = this.#shape;
    let manifests: Descriptor[] = [];
    for (let i = 0; i < images; i++) manifests.push(await this.#image());
    for (let i = 0; i < depth; i++) {
      const mediaType = MediaType.ImageIndex;
      manifests = [await this.#json(mediaType, { schemaVersion: 2, mediaType, manifests })];
    }
    const named = manifests.map((descriptor, i) => ({
      ...descriptor,
      annotations: {
        "io.containerd.image.name": `docker.io/library/bench:${i}`,
        "org.opencontainers.image.ref.name": `${i}`,
      },
    }));
    await writeFile(join(this.#folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(
      join(this.#folder, "index.json"),
      JSON.stringify({ schemaVersion: 2, manifests: named }),
    );
  }

  async #image(): Promise<Descriptor> {
    const { hollow } = this.#shape;
    const layers: Descriptor[] = [];
    for (let i = 0; i < this.#shape.layers; i++) {
      layers.push(hollow ? this.#hollowLayer() : await this.#layer());
    }
    const config = await this.#json(MediaType.ImageConfig, {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    });
    const mediaType = MediaType.ImageManifest;
    return {
      ...await this.#json(mediaType, { schemaVersion: 2, mediaType, config, layers }),
      platform: { architecture: "amd64", os: "linux" },
    };
  }

  #hollowLayer(): Descriptor {
    const hash = createHash("sha256").update(`layer ${this.#layersMade++}`);
    return layer(hash, this.#shape.size);
  }

  async #layer(): Promise<Descriptor> {
    const { size } = this.#shape;
    const path = join(this.#folder, "layer.part");
    const file = await open(path, "w");
    const hash = createHash("sha256");
    for (let at = 0; at < size; at += MIB) {
      const chunk = this.#noise.next().subarray(0, size - at);
      // skopeo compresses what does not begin like gzip; this is about moving bytes.
      if (at === 0) chunk.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].slice(0, size));
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.close();
    const descriptor = layer(hash, size);
    await rename(path, join(this.#folder, blobPath(descriptor.digest)));
    return descriptor;
  }

  async #json(mediaType: string, value: unknown): Promise<Descriptor> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    await writeFile(join(this.#folder, blobPath(digest)), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

function layer(hash: Hash, size: number): Descriptor {
  return { mediaType: MediaType.ImageLayerGzip, digest: `sha256:${hash.digest("hex")}`, size };
}

/** Bytes without a pattern, a MiB at a time (xorshift32, by words: 1 GiB in about a second). */
class Noise {
  #state = 2463534242;
  #words = new Uint32Array(MIB / 4);

  next(): Uint8Array<ArrayBuffer> {
    let state = this.#state;
    for (let i = 0; i < this.#words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      this.#words[i] = state;
    }
    this.#state = state;
    return new Uint8Array(this.#words.buffer);
  }
}
