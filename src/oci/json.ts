import type { Descriptor } from "./descriptor.ts";

/**
 * JSON to the byte as Go's encoding/json writes it, since that is what containerd's archives hold:
 * compact, HTML characters escaped, map keys in the order of their UTF-8 bytes.
 *
 * An object's fields are written in their own order and left out where undefined; a `Map` is a Go
 * map, and its keys are sorted.
 */
export function encodeJson(value: JsonValue): Uint8Array<ArrayBuffer> {
  // All at once: none of these can stand outside of a string.
  const text = write(value).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new TextEncoder().encode(text);
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** What {@linkcode encodeJson} writes. */
export type JsonValue =
  | string
  | number
  | null
  | readonly JsonValue[]
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

function write(value: JsonValue): string {
  // Half a surrogate pair becomes U+FFFD, as in Go; JSON.stringify would escape it.
  if (typeof value === "string") return JSON.stringify(value.toWellFormed());
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  const fields: [string, JsonValue | undefined][] = value instanceof Map
    ? [...value].sort(([a], [b]) => compareUtf8(a, b))
    : Object.entries(value);
  return `{${
    fields.filter(([, field]) => field !== undefined)
      .map(([key, field]) => `${write(key)}:${write(field as JsonValue)}`)
      .join(",")
  }}`;
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
