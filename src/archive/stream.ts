import type { BufferPool } from "../content/buffer_pool.ts";
import { chunksOf, discard, openBlob } from "../content/read.ts";
import type { BlobBody, ContentStore } from "../content/store.ts";
import { Verifier, type VerifyOptions } from "../content/verify_stream.ts";
import { quote } from "../errors.ts";
import { encodeHeader, paddingSize, TRAILER_SIZE } from "../tar/header.ts";
import { Gatherer } from "./gatherer.ts";
import { inOrder } from "./in_order.ts";
import type { ArchiveEntry, EntryList } from "./entries.ts";
import { PartCounter, type Slice } from "./part_counter.ts";
import { pullStream } from "./pull_stream.ts";

/** How far an archive's stream has come. */
export interface Progress {
  /** Bytes up to the end of this chunk, counted from `start`. */
  bytes: number;
  /** Bytes in all: `end - start`. */
  total: number;
  /** The path of the entry under way. */
  entry: string;
}

/** Which part of an archive to stream, and how. */
export interface StreamOptions extends VerifyOptions {
  /**
   * The first byte wanted.
   * @default {0}
   */
  start?: number | undefined;
  /**
   * The byte behind the last one wanted.
   * @default {the archive's size}
   */
  end?: number | undefined;
  /**
   * Which of the blobs that `start` or `end` cut are read whole and verified, at the price of that;
   * those that lie wholly inside always are. `"end"`: one whose last byte is wanted, so that nobody
   * completes a corrupt blob, however many parts it comes in. `"blob"`: each, also where its end is
   * not wanted. `"range"`: none; of them only the wanted bytes are read, and counted.
   * @default {"end"}
   */
  verify?: "end" | "blob" | "range" | undefined;
  /**
   * Where stores take large buffers from. Give each chunk back when it is done with; what is not
   * given back is not reused.
   * @default {fresh ones}
   */
  buffers?: BufferPool | undefined;
  /** Ends the stream: it errors with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called for each chunk before it leaves. What it throws ends the stream. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Pieces smaller than this are put together, until there are so many bytes or a larger one comes. */
const CHUNK = 64 << 10;

/** The bytes from `start` to `end` of the archive that these entries make. */
export function streamEntries(
  store: ContentStore,
  entries: EntryList,
  size: number,
  options: StreamOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { start = 0, end = size, verify, signal, onProgress } = options;
  checkVerify(verify);
  if (!Number.isSafeInteger(start) || start < 0 || start > size) {
    throw new RangeError(`Cannot stream from byte ${start}: the archive has ${size}`);
  }
  if (!Number.isSafeInteger(end) || end < start || end > size) {
    throw new RangeError(`Cannot stream bytes ${start} to ${end}: the archive has ${size}`);
  }
  const total = end - start;
  return pullStream(async function* (stop) {
    const reading = new ArchiveReader(store, entries, { ...options, start, end }, stop);
    let bytes = 0;
    for await (const chunk of reading.chunks()) {
      bytes += chunk.length;
      onProgress?.({ bytes, total, entry: reading.entry });
      yield chunk;
    }
    if (bytes !== total) throw new Error(`Streamed ${bytes} bytes of ${total}`);
  }, { signal, expectedLength: total });
}

/** @throws {RangeError} where it is none of the words: taken for `"range"`, it would let damage out */
export function checkVerify(verify: StreamOptions["verify"]): void {
  if (verify === undefined || ["end", "blob", "range"].includes(verify)) return;
  throw new RangeError(
    `Cannot use verify ${quote(String(verify))}: expected "end", "blob" or "range"`,
  );
}

type Range = StreamOptions & { start: number; end: number };

/** Reads an archive's bytes from front to back. */
class ArchiveReader {
  /** The path of the entry under way. */
  entry = "";
  #store: ContentStore;
  #entries: EntryList;
  #range: Range;
  #signal: AbortSignal;
  /** Small pieces that wait for company. */
  #gathered: Gatherer;

  constructor(
    store: ContentStore,
    entries: EntryList,
    range: Range,
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#entries = entries;
    this.#range = range;
    this.#signal = signal;
    this.#gathered = new Gatherer(range.buffers);
  }

  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
    const { lookAhead = 0 } = this.#store;
    const ahead = lookAhead > 0 ? this.#openAhead(lookAhead) : undefined;
    try {
      let at = 0;
      for (const entry of this.#inside()) {
        const { name, size, bodyOffset, body: made } = entry;
        this.entry = name;
        this.#gatherHeader(entry);
        if (made) yield* this.#madeBody(made, bodyOffset);
        const slice = this.#slice(entry);
        if (slice) {
          // Awaited only where there is a promise: of 20,000 small blobs each await counts.
          let blob = ahead ? (await ahead.next()).value! : this.#open(slice);
          if (blob instanceof Promise) blob = await blob;
          const { body } = blob;
          if (body instanceof Uint8Array) {
            const judged = judge(blob.check, body);
            if (judged) await judged;
            const piece = this.#cut(body, bodyOffset + slice.from);
            if (piece.length >= CHUNK) yield* this.#emit(piece);
            else {
              this.#gathered.add(piece);
              this.#range.buffers?.give(body);
            }
          } else yield* this.#streamedBody(blob, body);
        }
        at = bodyOffset + size;
        const padding = paddingSize(size);
        this.#gatherZeros(padding, at);
        at += padding;
        if (this.#gathered.length >= CHUNK) yield this.#gathered.take();
      }
      this.#gatherZeros(TRAILER_SIZE, at);
      if (this.#gathered.length > 0) yield this.#gathered.take();
    } finally {
      await ahead?.return(undefined);
    }
  }

  /** The entries of which at least a byte is wanted, padding included. */
  *#inside(): Generator<ArchiveEntry> {
    const { start, end } = this.#range;
    let first = 0;
    // The last entry that begins at or before `start`.
    for (let behind = this.#entries.length; behind - first > 1;) {
      const middle = (first + behind) >> 1;
      if (this.#entries.at(middle)!.offset <= start) first = middle;
      else behind = middle;
    }
    for (let i = first; i < this.#entries.length; i++) {
      const entry = this.#entries.at(i)!;
      if (entry.offset >= end) return;
      yield entry;
    }
  }

  /** The blob of an entry and which part of it is wanted; undefined where none is. */
  #slice({ descriptor, bodyOffset, size }: ArchiveEntry): Slice | undefined {
    const { start, end, verify = "end" } = this.#range;
    const from = Math.max(start - bodyOffset, 0);
    const to = Math.min(end - bodyOffset, size);
    // An empty blob is wanted where its header's end is: it has to be there too.
    if (!descriptor || from > to || (from === to && size > 0)) return undefined;
    const hasEnd = to === size;
    const whole = verify === "blob" || (hasEnd && (verify === "end" || from === 0));
    return { descriptor, bodyOffset, whole, from: whole ? 0 : from, to: whole ? size : to };
  }

  *#slices(): Generator<Slice> {
    for (const entry of this.#inside()) {
      const slice = this.#slice(entry);
      if (slice) yield slice;
    }
  }

  #openAhead(lookAhead: number): AsyncGenerator<OpenBlob, undefined> {
    return inOrder(
      this.#slices(),
      1 + lookAhead,
      async (slice) => await this.#open(slice),
      ({ body }) => discard(body),
    );
  }

  /** The check first: if it cannot be made, there is no blob to close. */
  #open(slice: Slice): OpenBlob | Promise<OpenBlob> {
    const check = slice.whole
      ? Verifier.create(slice.descriptor, this.#range)
      : new PartCounter(slice);
    return check instanceof Promise
      ? check.then((check) => this.#openBody(slice, check))
      : this.#openBody(slice, check);
  }

  #openBody(slice: Slice, check: Check): OpenBlob | Promise<OpenBlob> {
    const { descriptor, whole, from, to } = slice;
    const { buffers } = this.#range;
    const signal = this.#signal;
    const options = whole
      ? { buffers, signal }
      : { buffers, signal, offset: from, length: to - from };
    const body = openBlob(this.#store, descriptor, options);
    return body instanceof Promise
      ? body.then((body) => ({ slice, check, body }))
      : { slice, check, body };
  }

  async *#streamedBody(
    { slice: { descriptor, bodyOffset, from }, check }: OpenBlob,
    body: ReadableStream<Uint8Array>,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let at = bodyOffset + from;
    // The last piece stays here until the blob has been judged.
    let held: Uint8Array = new Uint8Array();
    for await (const piece of chunksOf(body, descriptor, this.#signal)) {
      const checked = check.update(piece);
      if (checked) await checked;
      const wanted = this.#cut(piece, at);
      at += piece.length;
      if (wanted.length === 0) continue;
      yield* this.#emit(held);
      held = wanted;
    }
    await check.finish();
    yield* this.#emit(held);
  }

  *#madeBody(pieces: Iterable<Uint8Array>, at: number): Generator<Uint8Array<ArrayBuffer>> {
    for (const piece of pieces) {
      yield* this.#emit(this.#cut(piece, at));
      at += piece.length;
    }
  }

  /** Lets a large piece go as it is, behind the small ones that waited. */
  *#emit(piece: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
    if (piece.length < CHUNK) {
      this.#gathered.add(piece);
      if (this.#gathered.length >= CHUNK) yield this.#gathered.take();
      return;
    }
    if (this.#gathered.length > 0) yield this.#gathered.take();
    yield piece as Uint8Array<ArrayBuffer>;
  }

  #gatherHeader(entry: ArchiveEntry): void {
    const { offset, bodyOffset } = entry;
    const { start, end } = this.#range;
    if (offset >= start && bodyOffset <= end) {
      encodeHeader(entry, this.#gathered.reserve(bodyOffset - offset));
    } else {
      this.#gathered.add(this.#cut(encodeHeader(entry), offset));
    }
  }

  #gatherZeros(length: number, at: number): void {
    const { start, end } = this.#range;
    const wanted = Math.min(at + length, end) - Math.max(at, start);
    if (wanted > 0) this.#gathered.addZeros(wanted);
  }

  #cut(bytes: Uint8Array, at: number): Uint8Array {
    const { start, end } = this.#range;
    if (at >= start && at + bytes.length <= end) return bytes;
    return bytes.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
  }
}

/** What a blob's bytes are held against. */
type Check = Verifier | PartCounter;

/** A slice whose blob is open. */
interface OpenBlob {
  slice: Slice;
  check: Check;
  body: BlobBody;
}

/** Judges a body that is at hand. */
function judge(check: Check, body: Uint8Array): void | Promise<void> {
  const checked = check.update(body);
  return checked ? checked.then(() => check.finish()) : check.finish();
}
