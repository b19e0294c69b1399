import type { Descriptor } from "./descriptor.ts";

/**
 * JSON to the byte as Go's encoding/json writes it, since that is what containerd's archives hold:
 * compact, HTML characters escaped, map keys in the order of their UTF-8 bytes. It comes in pieces:
 * of 100,000 blobs it is 10 MB.
 *
 * An object's fields are written in their own order and left out where undefined; a `Map` is a Go
 * map, and its keys are sorted; whatever else can be iterated over is an array, made as it is written.
 */
export function* encodeJson(value: JsonValue): Generator<Uint8Array<ArrayBuffer>, undefined> {
  const output = new Output();
  for (const _ of write(value, output)) yield output.take();
  yield output.take();
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
  const { platform, urls } = descriptor;
  const annotations = Object.entries(descriptor.annotations ?? {});
  const features = platform?.["os.features"];
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    urls: urls?.length ? urls : undefined,
    // A Map, since a JavaScript object moves keys like "1" to the front.
    annotations: annotations.length > 0
      ? new Map(annotations.map(([key, value]) => [key.toWellFormed(), value]))
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

/** Writes a value; stops where so much has been written that somebody should take it. */
function* write(value: JsonValue, output: Output): Generator<undefined> {
  if (typeof value === "string") output.add(quoted(value));
  else if (typeof value !== "object" || value === null) output.add(String(value));
  else if (value instanceof Map) yield* writeObject([...value].sort(byKey), output);
  else if (isStrings(value)) output.add(JSON.stringify(value.map(wellFormed)));
  else if (isIterable(value)) yield* writeArray(value, output);
  else yield* writeObject(Object.entries(value), output);
}

/** A list of strings, such as an image's layers: one by one they would take four times as long. */
function isStrings(value: object): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function quoted(text: string): string {
  return JSON.stringify(wellFormed(text));
}

/** Half a surrogate pair becomes U+FFFD, as in Go; JSON.stringify would escape it. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

function byKey([a]: [string, JsonValue], [b]: [string, JsonValue]): number {
  return compareUtf8(a, b);
}

function isIterable(value: object): value is Iterable<JsonValue> {
  return Symbol.iterator in value;
}

function* writeObject(
  fields: Iterable<[string, JsonValue | undefined]>,
  output: Output,
): Generator<undefined> {
  let separator = "{";
  for (const [key, field] of fields) {
    if (field === undefined) continue;
    output.add(`${separator}${quoted(key)}:`);
    yield* write(field, output);
    separator = ",";
  }
  output.add(separator === "{" ? "{}" : "}");
}

function* writeArray(items: Iterable<JsonValue>, output: Output): Generator<undefined> {
  let separator = "[";
  for (const item of items) {
    output.add(separator);
    yield* write(item, output);
    if (output.isFull) yield;
    separator = ",";
  }
  output.add(separator === "[" ? "[]" : "]");
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** Characters to a piece, at least. */
const PIECE = 16 << 10;

/** Text on its way to bytes. */
class Output {
  #text = "";

  get isFull(): boolean {
    return this.#text.length >= PIECE;
  }

  /** Adds whole strings or what stands between them. */
  add(text: string): void {
    this.#text += text;
  }

  take(): Uint8Array<ArrayBuffer> {
    // All at once: none of these can stand outside of a string.
    const text = this.#text.replace(
      ESCAPED,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    this.#text = "";
    return new TextEncoder().encode(text);
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
