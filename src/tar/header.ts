/**
 * One entry's header as bytes: ustar, with PAX records before it where ustar cannot say it. To the
 * byte what Go's archive/tar writes, since that is what containerd's archives hold.
 *
 * Sources: [POSIX.1-2017, pax](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html),
 * "ustar Interchange Format" and "pax Extended Header".
 *
 * @module
 */

/** Tar's unit: headers are one block, bodies are padded to whole ones. */
export const BLOCK = 512;
/** The end of an archive: two blocks of zeros. */
export const TRAILER_SIZE: number = 2 * BLOCK;

const NAME_SIZE = 100;
const PREFIX_SIZE = 155;
/** The first size that eleven octal digits cannot say: 8 GiB. */
const OCTAL_LIMIT = 0o100000000000;

/** What a header says of its entry. Owner and time are always zero. */
export interface HeaderFields {
  /** The path, in ASCII; that of a directory ends in `/`. */
  name: string;
  /** Bytes of the body. */
  size: number;
  /** Permission bits, such as 0o444. */
  mode: number;
  /**
   * What the entry is.
   * @default {"file"}
   */
  type?: "directory" | "file";
}

/** Zero bytes after a body of this size, up to the next block. */
export function paddingSize(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}

/** How many bytes {@linkcode encodeHeader} makes of these fields. */
export function headerSize({ name, size }: HeaderFields): number {
  const records = paxRecords(name, size);
  return records === "" ? BLOCK : 2 * BLOCK + records.length + paddingSize(records.length);
}

/**
 * The header as bytes: one block, or three or more where it takes PAX records.
 *
 * @param bytes where to write it: as many as {@linkcode headerSize} says, with anything in them
 */
export function encodeHeader(
  fields: HeaderFields,
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(headerSize(fields)),
): Uint8Array<ArrayBuffer> {
  const { name, size, mode, type } = fields;
  const records = paxRecords(name, size);
  const typeflag = type === "directory" ? "5" : "0";
  if (records === "") {
    const [prefix, rest] = splitName(name) ?? ["", name];
    writeBlock(bytes, { name: rest, prefix, mode, size, typeflag });
    return bytes;
  }
  const slash = name.lastIndexOf("/") + 1;
  const paxName = `${name.slice(0, slash)}PaxHeaders.0/${name.slice(slash)}`.slice(0, NAME_SIZE);
  writeBlock(bytes, { name: paxName, mode: 0, size: records.length, typeflag: "x" });
  const last = bytes.length - BLOCK;
  bytes.fill(0, BLOCK, last);
  write(bytes, BLOCK, records);
  writeBlock(bytes.subarray(last), {
    name: name.slice(0, NAME_SIZE),
    mode,
    size: size < OCTAL_LIMIT ? size : 0,
    typeflag,
  });
  return bytes;
}

/** The PAX records that these fields take, sorted by key; empty where ustar is enough. */
function paxRecords(name: string, size: number): string {
  const long = name.length > NAME_SIZE;
  // Once there is one record, a long name gets one too, even if it could have been split.
  if (size < OCTAL_LIMIT && (!long || splitName(name))) return "";
  return (long ? paxRecord("path", name) : "") +
    (size < OCTAL_LIMIT ? "" : paxRecord("size", String(size)));
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return `${length}${rest}`;
}

/** Splits a name that is too long into ustar's prefix and name, where a slash allows it. */
function splitName(name: string): [prefix: string, rest: string] | undefined {
  if (name.length <= NAME_SIZE) return undefined;
  const end = name.endsWith("/") ? name.length - 1 : name.length;
  const slash = name.slice(0, Math.min(end, PREFIX_SIZE + 1)).lastIndexOf("/");
  const rest = name.length - slash - 1;
  return slash > 0 && rest <= NAME_SIZE ? [name.slice(0, slash), name.slice(slash + 1)] : undefined;
}

/** What differs between two blocks. */
interface BlockFields {
  name: string;
  prefix?: string;
  mode: number;
  size: number;
  typeflag: "0" | "5" | "x";
}

/** What all blocks have in common, by POSIX's struct posix_header, and the sum of its bytes. */
function template(deviceFields: string): { bytes: Uint8Array; sum: number } {
  const bytes = new Uint8Array(BLOCK);
  write(bytes, 108, "0000000"); // uid
  write(bytes, 116, "0000000"); // gid
  write(bytes, 136, "00000000000"); // mtime
  write(bytes, 257, "ustar\0" + "00");
  write(bytes, 329, deviceFields);
  write(bytes, 337, deviceFields);
  return { bytes, sum: checksum(bytes) };
}

const TEMPLATE = template("0000000");
// Go leaves the device fields of an extended header empty.
const EXTENDED_TEMPLATE = template("");

/** Writes a block, and sums up what it writes: of 20,000 small blobs a sum over all bytes counts. */
function writeBlock(
  block: Uint8Array,
  { name, prefix = "", mode, size, typeflag }: BlockFields,
): void {
  const { bytes, sum } = typeflag === "x" ? EXTENDED_TEMPLATE : TEMPLATE;
  block.set(bytes);
  const total = sum + write(block, 0, name) + writeOctal(block, 100, 7, mode) +
    writeOctal(block, 124, 11, size) + write(block, 156, typeflag) + write(block, 345, prefix);
  writeOctal(block, 148, 6, total);
  write(block, 154, "\0 ");
}

/** The sum of a header's bytes, its checksum field counted as spaces. */
export function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < 148; i++) sum += block[i]!;
  for (let i = 156; i < BLOCK; i++) sum += block[i]!;
  return sum;
}

/** Writes so many octal digits; gives their sum. */
function writeOctal(target: Uint8Array, at: number, digits: number, value: number): number {
  let sum = 0;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    // Not by bits: sizes have more than 32.
    const digit = 0x30 + rest % 8;
    rest = Math.floor(rest / 8);
    target[i] = digit;
    sum += digit;
  }
  return sum;
}

/** Writes ASCII; gives the sum of its bytes. */
function write(target: Uint8Array, at: number, ascii: string): number {
  let sum = 0;
  for (let i = 0; i < ascii.length; i++) {
    const byte = ascii.charCodeAt(i);
    target[at + i] = byte;
    sum += byte;
  }
  return sum;
}
