/**
 * What every runtime serves in these tests: good images, a damaged one, one that never ends, and
 * questions about the server itself.
 */
import {
  ArchiveError,
  type BlobBody,
  type ContentStore,
  type Descriptor,
  MediaType,
  MemoryStore,
  type OpenOptions,
  planArchive,
  type Roots,
} from "../../../mod.ts";
import { createArchiveHandler, uploadArchive } from "../../../src/http/mod.ts";
import { noise } from "../../helpers/bytes.ts";
import { addImage, addIndex, addJson } from "../../helpers/image.ts";

/** What the server has read, by name of image. */
export interface Counts {
  /** Blobs opened. */
  opened: number;
  /** Bytes of the endless layer. */
  endlessBytes: number;
  /** Streams of the endless layer that are open. */
  endlessOpen: number;
  /** What `onError` was told. */
  errors: string[];
}

export const NAMES = {
  small: "docker.io/library/small:1.0",
  wide: "docker.io/library/wide:1.0",
  multi: "docker.io/library/multi:1.0",
  large: "docker.io/library/large:1.0",
  damaged: "docker.io/library/damaged:1.0",
  endless: "docker.io/library/endless:1.0",
} as const;

/** Blobs in memory, read as streams; one is damaged at its end, one is endless. */
export class AppStore implements ContentStore, Roots {
  readonly counts: Counts = { opened: 0, endlessBytes: 0, endlessOpen: 0, errors: [] };
  #blobs = new MemoryStore();
  #roots: Descriptor[] = [];
  #damaged = "";
  #endless = "";

  static async create(): Promise<AppStore> {
    const store = new AppStore();
    const blobs = store.#blobs;
    const small = await addImage(blobs, { layers: [noise(300_000), noise(70_001, 2), "tiny"] });
    const wide = await addImage(blobs, {
      layers: [noise(100_000, 3), "wide"],
      algorithm: "sha512",
    });
    const amd64 = await addImage(blobs, { layers: [noise(5000, 4)], config: '{"a":1}' });
    const arm64 = await addImage(blobs, { layers: [noise(6000, 5)], config: '{"a":2}' });
    const multi = await addIndex(blobs, [
      { ...amd64.manifest, platform: { os: "linux", architecture: "amd64" } },
      { ...arm64.manifest, platform: { os: "linux", architecture: "arm64" } },
    ]);
    const large = await addImage(blobs, { layers: [noise(9_000_000, 7)] });
    const damaged = await addImage(blobs, { layers: [noise(3_000_000, 6)] });
    store.#damaged = damaged.layers[0]!.digest;
    store.#endless = `sha256:${"e".repeat(64)}`;
    const config = await blobs.add(MediaType.ImageConfig, new TextEncoder().encode("{}"));
    const layer = { mediaType: MediaType.ImageLayer, digest: store.#endless, size: 2 ** 40 };
    const endless = await addJson(blobs, MediaType.ImageManifest, {
      schemaVersion: 2,
      config,
      layers: [layer],
    });
    store.#name(NAMES.small, small.manifest);
    store.#name(NAMES.wide, wide.manifest);
    store.#name(NAMES.multi, multi);
    store.#name(NAMES.large, large.manifest);
    store.#name(NAMES.damaged, damaged.manifest);
    store.#name(NAMES.endless, endless);
    store.#roots.push(amd64.manifest);
    return store;
  }

  #name(name: string, descriptor: Descriptor): void {
    this.#roots.push({ ...descriptor, annotations: { "io.containerd.image.name": name } });
  }

  roots(): Promise<Descriptor[]> {
    return Promise.resolve(this.#roots);
  }

  async open(descriptor: Descriptor, options: OpenOptions = {}): Promise<BlobBody> {
    this.counts.opened++;
    if (descriptor.digest === this.#endless) return this.#endlessStream();
    const bytes = await this.#blobs.open(descriptor, options);
    const { offset = 0, length = Infinity } = options;
    if (descriptor.digest === this.#damaged && offset + length >= descriptor.size) {
      bytes[bytes.length - 1]! ^= 1;
    }
    return chunked(bytes);
  }

  #endlessStream(): ReadableStream<Uint8Array> {
    const { counts } = this;
    counts.endlessOpen++;
    return new ReadableStream({
      pull(controller) {
        counts.endlessBytes += 65536;
        controller.enqueue(new Uint8Array(65536));
      },
      cancel() {
        counts.endlessOpen--;
      },
    }, { highWaterMark: 0 });
  }
}

function chunked(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += 65536));
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/** The application; made at the first request, since workerd allows no work before. */
export function createApp(): (
  request: Request,
  env?: unknown,
  context?: { waitUntil?(promise: Promise<unknown>): void },
) => Promise<Response> {
  let created: ReturnType<typeof create> | undefined;
  return async (request, env, context) => {
    const { handler, store } = await (created ??= create());
    const url = new URL(request.url);
    if (url.pathname === "/counts") return Response.json(store.counts);
    if (url.pathname === "/upload") return await upload(store, url.searchParams);
    return await handler(request, env, context);
  };
}

async function create() {
  const store = await AppStore.create();
  const handler = createArchiveHandler({
    stores: [store],
    cors: ["https://page.example"],
    authorize: (request) =>
      request.headers.has("x-refuse")
        ? new Response("no", { status: 401, headers: { "www-authenticate": "Bearer" } })
        : undefined,
    allowName: (name) => !name.includes("forbidden"),
    onError: (error) => store.counts.errors.push((error as Error).name),
  });
  return { store, handler };
}

/** Uploads an image from here, and tells how it went. */
async function upload(store: AppStore, query: URLSearchParams): Promise<Response> {
  const name = query.get("name");
  const root = (await store.roots()).find(({ annotations }) =>
    annotations?.["io.containerd.image.name"] === name
  );
  const plan = await planArchive(store, [root!]);
  try {
    const { status } = await uploadArchive(plan, query.get("to")!);
    return Response.json({ status });
  } catch (error) {
    const { name, message } = error as Error;
    const status = error instanceof ArchiveError && "status" in error ? error.status : undefined;
    return Response.json({ error: name, message, answered: status });
  }
}
