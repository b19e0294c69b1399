import { concat, utf8 } from "./bytes.ts";

/** The fields of one header block, as they stand there. */
export interface RawHeader {
  name?: string;
  /** @default {"0000644"} */
  mode?: string | Uint8Array;
  /**
   * Octal digits, or the field's twelve bytes.
   * @default {"00000000000"}
   */
  size?: string | Uint8Array;
  /** @default {"0"} */
  type?: string;
  linkName?: string;
  /**
   * What stands where POSIX has magic and version: GNU's is `ustar` and two spaces, with a NUL.
   * @default {POSIX's own}
   */
  magic?: string;
  prefix?: string;
  /** @default {six octal digits, a NUL and a space} */
  checksum?: (sum: number) => string;
}

/** One header block, written by hand: what this package would not write is what matters here. */
export function rawHeader(fields: RawHeader): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(512);
  const put = (at: number, value: string | Uint8Array) =>
    block.set(typeof value === "string" ? utf8(value) : value, at);
  put(0, utf8(fields.name ?? "").subarray(0, 100));
  put(100, fields.mode ?? "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fields.size ?? "00000000000");
  put(136, "00000000000");
  put(148, " ".repeat(8));
  put(156, fields.type ?? "0");
  put(157, fields.linkName ?? "");
  put(257, fields.magic ?? "ustar\x0000");
  put(345, fields.prefix ?? "");
  const sum = block.reduce((sum, byte) => sum + byte, 0);
  const { checksum = (sum) => `${sum.toString(8).padStart(6, "0")}\0 ` } = fields;
  put(148, checksum(sum));
  return block;
}

/** An entry: its header, with GNU's before it where the name is long, and its body, padded. */
export function tarEntry(
  name: string,
  body: Uint8Array | string = "",
  fields: RawHeader = {},
): Uint8Array<ArrayBuffer> {
  const bytes = typeof body === "string" ? utf8(body) : body;
  const size = bytes.length.toString(8).padStart(11, "0");
  const longName = utf8(name).length > 100 ? [gnuLong("L", name)] : [];
  return concat([...longName, rawHeader({ name, size, ...fields }), padded(bytes)]);
}

/** A PAX header with these records: `x` for the next entry, `g` for all. */
export function paxEntry(
  records: Record<string, string> | string,
  type: string = "x",
): Uint8Array<ArrayBuffer> {
  const text = typeof records === "string"
    ? records
    : Object.entries(records).map(([key, value]) => paxRecord(key, value)).join("");
  return tarEntry("PaxHeaders/entry", text, { type });
}

/** GNU's long name (`L`) or long link (`K`) for the next entry. */
export function gnuLong(type: "L" | "K", text: string): Uint8Array<ArrayBuffer> {
  return tarEntry("././@LongLink", `${text}\0`, { type, magic: "ustar  \0" });
}

/** GNU's number without octal digits, for a field of this many bytes. */
export function base256(number: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = number; i > 0; i--, rest = Math.floor(rest / 256)) {
    bytes[i] = rest % 256;
  }
  bytes[0] = 0x80;
  return bytes;
}

/** The entries and the trailer. */
export function tarOf(...entries: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concat([...entries, new Uint8Array(1024)]);
}

function paxRecord(key: string, value: string): string {
  const rest = utf8(` ${key}=${value}\n`).length;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function padded(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([bytes, new Uint8Array((512 - bytes.length % 512) % 512)]);
}
