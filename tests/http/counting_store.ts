import { type ContentStore, type Descriptor, MemoryStore, type Roots } from "../../mod.ts";
import {
  type ArchiveHandler,
  type ArchiveHandlerOptions,
  createArchiveHandler,
} from "../../src/http/mod.ts";
import { addImage } from "../helpers/image.ts";

export const ORIGIN = "http://localhost";
export const NAME = "docker.io/library/app:1.0";

/** A store with one image, that counts what is opened. */
export class CountingStore implements ContentStore, Roots {
  opened = 0;
  failing: Error | undefined;
  /** What each opening waits for. */
  opening: (() => Promise<unknown>) | undefined;
  blobs: MemoryStore = new MemoryStore();
  images: Descriptor[] = [];

  static async create(
    layers: readonly string[] = ["layer"],
    name: string = NAME,
  ): Promise<CountingStore> {
    const store = new CountingStore();
    const { manifest } = await addImage(store.blobs, { layers });
    store.images.push({ ...manifest, annotations: { "io.containerd.image.name": name } });
    return store;
  }

  roots(): Promise<Descriptor[]> {
    return Promise.resolve(this.images);
  }

  async open(descriptor: Descriptor): Promise<Uint8Array> {
    this.opened++;
    if (this.failing) throw this.failing;
    await (this.opening?.() ?? new Promise((resolve) => setTimeout(resolve)));
    return await this.blobs.open(descriptor);
  }
}

interface Asking {
  query?: string;
  method?: string;
  headers?: HeadersInit;
}

/** Asks for an image's archive. */
export function requestFor(
  name: string,
  { query = "", method = "GET", headers = {} }: Asking = {},
): Request {
  const url = `${ORIGIN}/archives/${encodeURIComponent(name)}.tar${query}`;
  return new Request(url, { method, headers });
}

/** A handler over a store with the one image. */
export async function handlerOf(
  options: Partial<ArchiveHandlerOptions> = {},
): Promise<{ store: CountingStore; handler: ArchiveHandler }> {
  const store = await CountingStore.create();
  return { store, handler: createArchiveHandler({ stores: [store], ...options }) };
}

/** Asks for the archive's headers. */
export function head(name: string = NAME, query = ""): Request {
  return requestFor(name, { query, method: "HEAD" });
}
