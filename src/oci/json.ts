import type { Descriptor } from "./descriptor.ts";

/**
 * JSON to the byte as Go's encoding/json writes it, since that is what containerd's archives hold:
 * compact, HTML characters escaped, map keys in the order of their UTF-8 bytes.
 *
 * An object's fields are written in their own order and left out where undefined; a `Map` is a Go
 * map, and its keys are sorted; whatever else can be iterated over is an array, made as it is written.
 *
 * @param about how many bytes to make room for; with less it is copied as it grows
 */
export function encodeJson(value: JsonValue, about = 256): Uint8Array<ArrayBuffer> {
  const output = new Utf8(about);
  write(value, output);
  return output.bytes();
}

/** What {@linkcode encodeJson} writes. */
export type JsonValue =
  | string
  | number
  | null
  | Iterable<JsonValue>
  | ReadonlyMap<string, JsonValue>
  | { readonly [field: string]: JsonValue | undefined };

/** A descriptor's fields in the order of image-spec's Go struct, empty optional ones left out. */
export function descriptorJson(descriptor: Descriptor): JsonValue {
  const { platform, annotations, urls } = descriptor;
  const features = platform?.["os.features"];
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    urls: urls?.length ? urls : undefined,
    // A Map, since a JavaScript object moves keys like "1" to the front.
    annotations: annotations && Object.keys(annotations).length > 0
      ? new Map(Object.entries(annotations))
      : undefined,
    data: descriptor.data || undefined,
    platform: platform && {
      architecture: platform.architecture,
      os: platform.os,
      "os.version": platform["os.version"] || undefined,
      "os.features": features?.length ? features : undefined,
      variant: platform.variant || undefined,
    },
    artifactType: descriptor.artifactType || undefined,
  };
}

function write(value: JsonValue, output: Utf8): void {
  if (typeof value === "string") {
    // Half a surrogate pair becomes U+FFFD, as in Go; JSON.stringify would escape it.
    return output.add(JSON.stringify(value.toWellFormed()));
  }
  if (typeof value !== "object" || value === null) return output.add(String(value));
  if (!(value instanceof Map) && isIterable(value)) return writeArray(value, output);
  const fields: [string, JsonValue | undefined][] = value instanceof Map
    ? [...value].sort(([a], [b]) => compareUtf8(a, b))
    : Object.entries(value);
  let separator = "";
  output.add("{");
  for (const [key, field] of fields) {
    if (field === undefined) continue;
    output.add(separator);
    write(key, output);
    output.add(":");
    write(field, output);
    separator = ",";
  }
  output.add("}");
}

function isIterable(value: object): value is Iterable<JsonValue> {
  return Symbol.iterator in value;
}

function writeArray(items: Iterable<JsonValue>, output: Utf8): void {
  let separator = "";
  output.add("[");
  for (const item of items) {
    output.add(separator);
    write(item, output);
    separator = ",";
  }
  output.add("]");
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** Characters that are encoded at once. */
const PIECE = 16 << 10;

/** JSON as bytes, a piece at a time: as text all of it would take as much memory again, twice. */
class Utf8 {
  #text = "";
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(about: number) {
    this.#bytes = new Uint8Array(about);
  }

  /** Adds whole strings or what stands between them. */
  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE) this.#encode();
  }

  bytes(): Uint8Array<ArrayBuffer> {
    this.#encode();
    return this.#bytes.subarray(0, this.#length);
  }

  #encode(): void {
    // All at once: none of these can stand outside of a string.
    const text = this.#text.replace(
      ESCAPED,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    this.#text = "";
    // UTF-8 takes three bytes for a UTF-16 unit at most.
    const needed = this.#length + 3 * text.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#length += new TextEncoder().encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }
}

/** Compares by UTF-8 bytes, which is by code point; JavaScript's own order is by UTF-16 unit. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointOrder(x) - codePointOrder(y);
  }
  return a.length - b.length;
}

/** Moves surrogates, which stand for code points from U+10000, above the units U+E000 to U+FFFF. */
function codePointOrder(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
}
