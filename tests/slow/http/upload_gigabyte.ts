/** Uploads an archive of 1 GiB to the S3 URL it is given; prints its digest and the memory it took. */
import { createHash } from "node:crypto";
import process from "node:process";
import {
  type BlobBody,
  BufferPool,
  type ContentStore,
  type Descriptor,
  MediaType,
  MemoryStore,
  type OpenOptions,
  planArchive,
} from "../../../mod.ts";
import { s3Upload } from "../../../src/http/mod.ts";
import { noise, utf8 } from "../../helpers/bytes.ts";
import { peakMemory } from "./peak_memory.ts";

const MIB = 1 << 20;
const LAYERS = 4;
const PIECES = 256;
const PIECE = noise(MIB);

/** Layers of 256 MiB that are nowhere: each piece is the same noise under a number of its own. */
class GeneratedStore implements ContentStore {
  memory = new MemoryStore();
  layers: Descriptor[] = [];

  constructor() {
    const piece = new Uint8Array(MIB);
    for (let layer = 0; layer < LAYERS; layer++) {
      const hash = createHash("sha256");
      for (let i = 0; i < PIECES; i++) hash.update(pieceOf(layer, i, piece));
      this.layers.push({
        mediaType: MediaType.ImageLayer,
        digest: `sha256:${hash.digest("hex")}`,
        size: PIECES * MIB,
      });
    }
  }

  open(descriptor: Descriptor, { buffers }: OpenOptions = {}): BlobBody | Promise<BlobBody> {
    const layer = this.layers.findIndex(({ digest }) => digest === descriptor.digest);
    if (layer < 0) return this.memory.open(descriptor);
    let i = 0;
    return Promise.resolve(
      new ReadableStream({
        pull(controller) {
          if (i === PIECES) controller.close();
          else controller.enqueue(pieceOf(layer, i++, buffers?.take().subarray(0, MIB)));
        },
      }, { highWaterMark: 0 }),
    );
  }
}

function pieceOf(layer: number, i: number, piece = new Uint8Array(MIB)): Uint8Array<ArrayBuffer> {
  piece.set(PIECE);
  piece[0] = layer;
  piece[1] = i;
  return piece;
}

const store = new GeneratedStore();
const config = await store.memory.add(MediaType.ImageConfig, utf8("{}"));
const manifest = { schemaVersion: 2, config, layers: store.layers };
const root = await store.memory.add(MediaType.ImageManifest, utf8(JSON.stringify(manifest)));
const plan = await planArchive(store, [root]);

const hash = createHash("sha256");
const buffers = new BufferPool();
for await (const chunk of plan.stream({ buffers })) {
  hash.update(chunk);
  buffers.give(chunk);
}
await s3Upload(plan, process.argv[2]!, {
  credentials: { accessKeyId: "id", secretAccessKey: "secret" },
  partSize: 16 * MIB,
  minDelay: 10,
});
console.log(
  JSON.stringify({ sha256: hash.digest("hex"), size: plan.size, peak: peakMemory(process.pid) }),
);
process.exit();
