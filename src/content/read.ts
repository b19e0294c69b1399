import { ArchiveError, BlobNotFoundError, BlobReadError, LimitError, nameOf } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { abortable } from "./abortable.ts";
import { checkLimits } from "./check_numbers.ts";
import type { BlobBody, ContentStore, Existence, OpenOptions, StoreOptions } from "./store.ts";
import { notBytes, Verifier, type VerifyOptions } from "./verify_stream.ts";

/** How to read a blob whole. */
export interface ReadOptions extends StoreOptions, VerifyOptions {
  /**
   * The most bytes of one manifest to take into memory. The distribution spec asks of registries to
   * take at least 4 MiB, and most take no more.
   * @default {4194304}
   */
  maxManifestSize?: number | undefined;
}

/**
 * Reads a small blob, such as a manifest, whole and verified. The descriptor's own `data` is taken
 * where it is right. Of `buffers` the store may take the bytes: give them back when they are done
 * with.
 *
 * @throws {LimitError} where the descriptor says it is larger than `maxManifestSize`
 * @throws {SizeMismatchError | DigestMismatchError} where it is not what the descriptor says
 * @throws {InvalidDigestError | UnsupportedAlgorithmError | InvalidDescriptorError} where the
 * descriptor's digest or size can be nobody's
 * @throws {BlobNotFoundError | BlobReadError} as the store
 * @throws {RangeError} where `maxManifestSize` is no number
 *
 * @example
 * ```ts
 * import { MemoryStore, readBlob } from "@oci/archive";
 *
 * const store = new MemoryStore();
 * const config = await store.add("application/json", new TextEncoder().encode("{}"));
 * console.log(new TextDecoder().decode(await readBlob(store, config))); // {}
 * ```
 */
export async function readBlob(
  store: ContentStore,
  descriptor: Descriptor,
  options: ReadOptions & Pick<OpenOptions, "buffers"> = {},
): Promise<Uint8Array> {
  checkLimits(options, { maxManifestSize: 0 });
  const { maxManifestSize = 4 << 20, signal, buffers } = options;
  const { digest, size } = descriptor;
  if (size > maxManifestSize) {
    throw new LimitError(`blob ${digest} of ${size} bytes`, "maxManifestSize", maxManifestSize);
  }
  // Before the blob is open: if this fails, there is nothing to close.
  const verifier = await Verifier.create(descriptor, options);
  const body = await openBlob(store, descriptor, { signal, buffers });
  if (body instanceof Uint8Array) {
    await verifier.update(body);
    await verifier.finish();
    return body;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of chunksOf(body, descriptor, signal)) {
    await verifier.update(chunk);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  await verifier.finish();
  return bytes;
}

/**
 * Opens a blob; its descriptor's own `data` comes first. What is thrown names the blob, and an
 * abort is heard even where the store does not listen.
 */
export function openBlob(
  store: ContentStore,
  descriptor: Descriptor,
  options: OpenOptions = {},
): BlobBody | Promise<BlobBody> {
  const { signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (descriptor.data) return openEmbedded(store, descriptor, options);
  try {
    const opened = store.open(descriptor, options);
    return isPromise(opened)
      ? openLater(opened, descriptor, options)
      : usableBody(opened, descriptor, options);
  } catch (error) {
    return Promise.reject(asBlobError(error, descriptor, signal));
  }
}

function isPromise<T extends object>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>> | undefined)?.then === "function";
}

async function openLater(
  opened: Promise<BlobBody>,
  descriptor: Descriptor,
  options: OpenOptions,
): Promise<BlobBody> {
  const { signal } = options;
  try {
    return usableBody(await abortable(opened, signal), descriptor, options);
  } catch (error) {
    // A body that comes after the abort has nobody left to read it.
    opened.then(discard, () => {});
    throw asBlobError(error, descriptor, signal);
  }
}

async function openEmbedded(
  store: ContentStore,
  descriptor: Descriptor,
  options: OpenOptions,
): Promise<BlobBody> {
  const data = await embeddedData(descriptor);
  if (!data) return await openBlob(store, { ...descriptor, data: undefined }, options);
  const { offset = 0, length = data.length } = options;
  return data.subarray(offset, offset + length);
}

/** What a store opened, where it is a body at all: not every store is written in TypeScript. */
function usableBody(body: BlobBody, { digest }: Descriptor, { buffers }: OpenOptions): BlobBody {
  if (body instanceof Uint8Array) return buffers?.shares(body) ? body : unshared(body);
  if (isStream(body)) return body;
  const why = `the store opened ${nameOf(body)}; expected a ReadableStream or a Uint8Array`;
  throw new BlobReadError(digest, why);
}

/** By its method: the stream may be of a library, or of another realm. */
export function isStream(value: unknown): value is ReadableStream {
  return typeof (value as Partial<ReadableStream> | undefined | null)?.getReader === "function";
}

/** Bytes that nobody can change once they have been verified: shared memory is copied. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? bytes as Uint8Array<ArrayBuffer>
    : new Uint8Array(bytes);
}

/** Closes a body that nobody will read. */
export async function discard(body: BlobBody): Promise<void> {
  if (isStream(body)) await body.cancel().catch(() => {});
}

/** Whether the store has the blob: asked where it can say so, else by opening it. */
export async function hasBlob(
  store: ContentStore & Partial<Existence>,
  descriptor: Descriptor,
  options: StoreOptions = {},
): Promise<boolean> {
  if (await embeddedData(descriptor)) return true;
  try {
    if (store.exists) return await abortable(store.exists(descriptor, options), options.signal);
    await discard(await openBlob(store, descriptor, options));
    return true;
  } catch (error) {
    if (error instanceof BlobNotFoundError) return false;
    throw asBlobError(error, descriptor, options.signal);
  }
}

/**
 * A blob stream's chunks. Leaving the loop cancels the stream, and so does the signal, even where
 * the stream has stalled; then the loop throws the signal's reason.
 */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  descriptor: Pick<Descriptor, "digest">,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = readerOf(stream, descriptor, signal);
  const cancel = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", cancel);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      // Cancelling ends a pending read as if the blob had ended: ask the signal first.
      signal?.throwIfAborted();
      if (done) return;
      if (!(value instanceof Uint8Array)) {
        throw notBytes(descriptor.digest);
      }
      yield unshared(value);
    }
  } catch (error) {
    throw asBlobError(error, descriptor, signal);
  } finally {
    signal?.removeEventListener("abort", cancel);
    // A stream that has ended or failed by itself takes this in silence.
    cancel();
  }
}

function readerOf(
  stream: ReadableStream<Uint8Array>,
  descriptor: Pick<Descriptor, "digest">,
  signal: AbortSignal | undefined,
): ReadableStreamDefaultReader<Uint8Array> {
  try {
    return stream.getReader();
  } catch (error) {
    // Somebody else reads it: stores give a new stream for each call.
    throw asBlobError(error, descriptor, signal);
  }
}

/**
 * Names the blob in an error that does not: a store's own, or the runtime's. After an abort it is
 * the signal's reason, whatever the store made of that.
 */
function asBlobError(
  error: unknown,
  { digest }: Pick<Descriptor, "digest">,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof ArchiveError) return error;
  return new BlobReadError(digest, error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** The blob out of its descriptor's `data`, where that is there and right. */
async function embeddedData(descriptor: Descriptor): Promise<Uint8Array | undefined> {
  if (!descriptor.data) return undefined;
  try {
    const data = Uint8Array.from(atob(descriptor.data), (character) => character.charCodeAt(0));
    const verifier = await Verifier.create(descriptor);
    await verifier.update(data);
    await verifier.finish();
    return data;
  } catch {
    // The blob in the store may still be right, and is verified too.
    return undefined;
  }
}
