import { type Descriptor, MediaType, MemoryStore } from "../../../mod.ts";
import { addImage, type Image, type ImageOptions } from "../../helpers/image.ts";

/** A request as the fake sees it. */
export interface Seen {
  method: string;
  url: URL;
  headers: Headers;
  body: string;
}

/** Answers a request in the registry's stead; undefined lets the registry answer. */
export type Interception = (
  request: Seen,
  signal: AbortSignal | undefined,
) => Response | undefined | Promise<Response | undefined>;

/** A registry in memory, reached by its own `fetch`: no sockets, so that it runs everywhere. */
export class FakeRegistry {
  readonly host = "registry.test";
  readonly repository = "team/app";
  /** Every request, in order. */
  readonly seen: Seen[] = [];
  /** Asked one after the other before the registry answers. */
  readonly interceptions: Interception[] = [];
  /** Whether it has the referrers API. */
  hasReferrersApi = true;
  /** Whether it keeps to `Range`. */
  hasRanges = true;
  #blobs = new Map<string, { mediaType: string; bytes: Uint8Array<ArrayBuffer> }>();
  #tags = new Map<string, string>();

  get image(): string {
    return `${this.host}/${this.repository}`;
  }

  add({ mediaType, digest }: Descriptor, bytes: Uint8Array): void {
    this.#blobs.set(digest, { mediaType, bytes: bytes.slice() });
  }

  tag(tag: string, { digest }: Descriptor): void {
    this.#tags.set(tag, digest);
  }

  /** Makes an image, tagged `latest`. */
  async addImage(options?: ImageOptions): Promise<Image> {
    const memory = new MemoryStore();
    const image = await addImage(memory, options);
    for (const descriptor of [image.manifest, image.config, ...image.layers]) {
      this.add(descriptor, await memory.open(descriptor));
    }
    this.tag("latest", image.manifest);
    return image;
  }

  /** The requests for paths that hold this text. */
  requests(part: string): Seen[] {
    return this.seen.filter(({ url }) => url.pathname.includes(part));
  }

  readonly fetch = async (href: string, init: RequestInit): Promise<Response> => {
    const signal = init.signal ?? undefined;
    signal?.throwIfAborted();
    const request: Seen = {
      method: init.method ?? "GET",
      url: new URL(href),
      headers: new Headers(init.headers),
      body: String(init.body ?? ""),
    };
    this.seen.push(request);
    for (const intercept of this.interceptions) {
      const response = await intercept(request, signal);
      if (response) return response;
    }
    return this.answer(request);
  };

  /** The registry's own answer. */
  answer({ method, url, headers }: Seen): Response {
    const prefix = `/v2/${this.repository}/`;
    if (!url.pathname.startsWith(prefix)) return failure(404, "NAME_UNKNOWN");
    const [kind, name = ""] = url.pathname.slice(prefix.length).split("/");
    if (kind === "referrers") return this.#referrers(name, url);
    const digest = kind === "manifests" ? this.#tags.get(name) ?? name : name;
    const found = this.#blobs.get(digest);
    if (!found) return failure(404, kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN");
    const { mediaType, bytes } = found;
    const common = {
      "content-type": kind === "manifests" ? mediaType : "application/octet-stream",
      "docker-content-digest": digest,
    };
    const size = bytes.length;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.get("range") ?? "") ?? [];
    if (from === undefined || !this.hasRanges || kind === "manifests") {
      const body = method === "HEAD" ? null : bytes.slice();
      return new Response(body, { headers: { ...common, "content-length": String(size) } });
    }
    const start = Number(from);
    if (start >= size) {
      return new Response(null, { status: 416, headers: { "content-range": `bytes */${size}` } });
    }
    const end = Math.min(to ? Number(to) + 1 : size, size);
    return new Response(bytes.slice(start, end), {
      status: 206,
      headers: {
        ...common,
        "content-length": String(end - start),
        "content-range": `bytes ${start}-${end - 1}/${size}`,
      },
    });
  }

  #referrers(digest: string, url: URL): Response {
    if (!this.hasReferrersApi) return new Response("404 page not found", { status: 404 });
    const wanted = url.searchParams.get("artifactType");
    const manifests = [];
    for (const [referrer, { mediaType, bytes }] of this.#blobs) {
      if (mediaType !== MediaType.ImageManifest) continue;
      const { subject, artifactType, annotations } = JSON.parse(new TextDecoder().decode(bytes));
      if (subject?.digest !== digest || (wanted && artifactType !== wanted)) continue;
      manifests.push({
        mediaType,
        digest: referrer,
        size: bytes.length,
        artifactType,
        annotations,
      });
    }
    return json({ schemaVersion: 2, mediaType: MediaType.ImageIndex, manifests }, {
      headers: { "content-type": MediaType.ImageIndex },
    });
  }
}

/** An answer with JSON in it. */
export function json(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), {
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

/** An answer with an error in the form of the distribution spec. */
export function failure(
  status: number,
  code: string,
  message: string = code.toLowerCase(),
): Response {
  return json({ errors: [{ code, message }] }, { status });
}

/** A body that gives these chunks, and then fails or stays silent. */
export function brokenBody(
  chunks: readonly Uint8Array[],
  then: "fails" | "stalls",
): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift();
      if (chunk) controller.enqueue(chunk);
      else if (then === "fails") controller.error(new TypeError("connection reset"));
      else return new Promise(() => {});
    },
  }, { highWaterMark: 0 });
}
