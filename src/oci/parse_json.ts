import { decodeUtf8 } from "./utf8.ts";

/** A JSON object whose fields nobody has looked at. */
export type JsonObject = Record<string, unknown>;

/** Parses JSON as Go does: broken UTF-8 becomes U+FFFD, a byte order mark is an error. */
export function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(decodeUtf8(bytes));
}

/** Whether a parsed JSON value is an object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a parsed JSON value is, for a message: `a number`, `an array`. */
export function kindOf(value: unknown): string {
  return value === null || value === undefined
    ? "nothing"
    : Array.isArray(value)
    ? "an array"
    : `a ${typeof value}`;
}

/** Fields of a document, to find keys that are one of them in another case. */
export class FieldNames {
  #exact: ReadonlySet<string>;
  #folded: ReadonlyMap<string, string>;

  constructor(...fields: string[]) {
    this.#exact = new Set(fields);
    this.#folded = new Map(fields.map((field) => [fold(field), field]));
  }

  /**
   * A key that is a field in another case, with that field. Go's reader takes `Layers` for `layers`,
   * JavaScript's does not: two readers could see two different images.
   */
  misspelled(object: JsonObject): { key: string; field: string } | undefined {
    for (const key in object) {
      if (this.#exact.has(key)) continue;
      const field = this.#folded.get(fold(key));
      if (field !== undefined) return { key, field };
    }
    return undefined;
  }
}

/** Both ways, as Go's does: U+017F is an s and U+212A a k. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}
