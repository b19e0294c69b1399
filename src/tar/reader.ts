/**
 * Headers read back: those of this package and of everybody else's tar. Understands ustar prefixes,
 * PAX records (path, linkpath, size), GNU long names and base-256 numbers.
 *
 * Sources: [POSIX.1-2017, pax](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html),
 * [GNU tar, "Basic Tar Format"](https://www.gnu.org/software/tar/manual/html_node/Standard.html).
 *
 * @module
 */
import { InvalidTarError, quote } from "../errors.ts";
import { BLOCK, checksum, paddingSize } from "./header.ts";

/** What a tar says of one entry. */
export interface TarEntry {
  /** Its path, as it stands there. */
  name: string;
  /** Bytes of its body. */
  size: number;
  /** Permission bits. */
  mode: number;
  /** POSIX's typeflag: `0` is a file, `5` a directory, `2` a symbolic link. */
  type: string;
  /** What a link points to. */
  linkName: string;
  /** Where its first header begins, in bytes from the tar's start. */
  offset: number;
  /** Where its body begins. */
  bodyOffset: number;
}

/** Gives the next bytes of a tar: as many as asked for, or fewer at its end. */
export type ReadBytes = (length: number) => Promise<Uint8Array>;

/** The most bytes of one entry's PAX headers and long names: far above any path. */
const MAX_EXTENSION = 1 << 20;

/** What compressed files begin with. */
const COMPRESSIONS: readonly [by: string, magic: readonly number[]][] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

const ZERO_BLOCK = new Uint8Array(BLOCK);

/** Reads one entry's headers, those that extend it included; undefined at the tar's trailer. */
export async function readEntry(read: ReadBytes, offset: number): Promise<TarEntry | undefined> {
  let at = offset;
  const pax = new Map<string, string>();
  let longName: string | undefined;
  let longLink: string | undefined;
  for (;;) {
    const block = await read(BLOCK);
    if (block.length === 0 && at > offset) throw truncated(at, "a header");
    if (block.length < BLOCK) {
      const why = compressionOf(block);
      if (why) throw new InvalidTarError(at, why);
      throw truncated(at, block.length === 0 ? "the trailer" : "a header");
    }
    if (equal(block, ZERO_BLOCK)) {
      if (at > offset) throw new InvalidTarError(at, "an extended header has no entry behind it");
      return undefined;
    }
    const fields = parseHeader(block, at);
    at += BLOCK;
    if (!"xgLK".includes(fields.type)) {
      const name = pax.get("path") ?? longName ?? fields.name;
      if (fields.type === "S" || [...pax.keys()].some((key) => key.startsWith("GNU.sparse."))) {
        throw new InvalidTarError(offset, sparse(pax.get("GNU.sparse.name") ?? name));
      }
      const size = pax.has("size") ? parseDecimal(pax.get("size")!, at) : fields.size;
      return {
        ...fields,
        name,
        // Only files have bodies; links say the size of what they point to.
        size: /[1-6]/.test(fields.type) ? 0 : size,
        linkName: pax.get("linkpath") ?? longLink ?? fields.linkName,
        offset,
        bodyOffset: at,
      };
    }
    if (at - offset + fields.size > MAX_EXTENSION) {
      throw new InvalidTarError(at, `its extended headers take more than ${MAX_EXTENSION} bytes`);
    }
    const padded = fields.size + paddingSize(fields.size);
    const body = await read(padded);
    if (body.length < padded) throw truncated(at, "an extended header");
    const content = body.subarray(0, fields.size);
    if (fields.type === "x") {
      for (const [key, value] of parsePax(content, at)) pax.set(key, value);
    }
    if (fields.type === "L") longName = text(content, 0, content.length);
    if (fields.type === "K") longLink = text(content, 0, content.length);
    at += padded;
  }
}

/** The error of a tar that ends too early. */
export function truncated(offset: number, inside: string): InvalidTarError {
  return new InvalidTarError(offset, `it ends before ${inside}; it was cut short`);
}

function parseHeader(block: Uint8Array, at: number) {
  const stated = text(block, 148, 8).trim();
  // Neither is what is no tar at all a number, nor an empty field.
  if (!/^[0-7]+$/.test(stated) || parseInt(stated, 8) !== checksum(block)) {
    const why = "the header's checksum is wrong: this is no tar, or it is damaged";
    throw new InvalidTarError(at, compressionOf(block) ?? why);
  }
  const isUstar = text(block, 257, 5) === "ustar";
  // GNU's magic ends in a space, and its headers have other fields where the prefix would be.
  const prefix = isUstar && block[262] === 0 ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: parseNumber(block, 100, 8, at, "mode"),
    size: parseNumber(block, 124, 12, at, "size"),
    // A NUL, and the contiguous files of old, are files too.
    type: block[156] === 0 || block[156] === 0x37 ? "0" : String.fromCharCode(block[156]!),
    linkName: text(block, 157, 100),
  };
}

/** A sparse file's holes are left out: its bytes are not those that its digest is of. */
function sparse(name: string): string {
  return `${
    quote(name)
  } is stored as a sparse file; make the tar again without --sparse (-S), or by ` +
    "bsdtar with --no-read-sparse";
}

/** What to do about a block that is no header but the start of something compressed. */
function compressionOf(block: Uint8Array): string | undefined {
  const found = COMPRESSIONS.find(([, magic]) => magic.every((byte, i) => block[i] === byte));
  return found && `it is compressed with ${found[0]}; decompress it first`;
}

/** Octal digits, or GNU's base-256 where the first bit is set. */
function parseNumber(
  block: Uint8Array,
  from: number,
  length: number,
  at: number,
  field: string,
): number {
  const bytes = block.subarray(from, from + length);
  let number = 0;
  if (bytes[0]! & 0x80) {
    if (bytes[0]! & 0x40) throw new InvalidTarError(at, `its ${field} is negative`);
    number = bytes[0]! & 0x3f;
    for (const byte of bytes.subarray(1)) number = number * 256 + byte;
  } else {
    const digits = text(block, from, length).trim();
    if (!/^[0-7]*$/.test(digits)) throw new InvalidTarError(at, `its ${field} is no octal number`);
    number = parseInt(digits || "0", 8);
  }
  if (!Number.isSafeInteger(number)) throw new InvalidTarError(at, `its ${field} is too large`);
  return number;
}

function parsePax(body: Uint8Array, at: number): Map<string, string> {
  const records = new Map<string, string>();
  for (let i = 0; i < body.length;) {
    const space = body.indexOf(0x20, i);
    const digits = space < 0 ? "" : text(body, i, space - i);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : NaN;
    const equals = body.indexOf(0x3d, space);
    if (
      !Number.isSafeInteger(length) || i + length > body.length || equals < 0 ||
      equals >= i + length || body[i + length - 1] !== 0x0a
    ) {
      throw new InvalidTarError(at, "a PAX record is broken");
    }
    const decoder = new TextDecoder();
    records.set(
      decoder.decode(body.subarray(space + 1, equals)),
      decoder.decode(body.subarray(equals + 1, i + length - 1)),
    );
    i += length;
  }
  return records;
}

function parseDecimal(digits: string, at: number): number {
  const number = Number(digits);
  if (!/^[0-9]+$/.test(digits) || !Number.isSafeInteger(number)) {
    throw new InvalidTarError(at, "its PAX size is no whole number, or too large");
  }
  return number;
}

function text(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
