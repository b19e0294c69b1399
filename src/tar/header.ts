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
  /** Whether the entry is a directory. */
  directory?: boolean;
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

/** The header as bytes: one block, or three or more where it takes PAX records. */
export function encodeHeader(
  { name, size, mode, directory = false }: HeaderFields,
): Uint8Array<ArrayBuffer> {
  const records = paxRecords(name, size);
  if (records === "") {
    const header = new Uint8Array(BLOCK);
    const [prefix, rest] = splitName(name) ?? ["", name];
    write(header, 345, prefix);
    writeFields(header, rest, mode, size, directory ? "5" : "0");
    return header;
  }
  const bytes = new Uint8Array(2 * BLOCK + records.length + paddingSize(records.length));
  const slash = name.lastIndexOf("/") + 1;
  const paxName = `${name.slice(0, slash)}PaxHeaders.0/${name.slice(slash)}`.slice(0, NAME_SIZE);
  writeFields(bytes.subarray(0, BLOCK), paxName, 0, records.length, "x");
  write(bytes, BLOCK, records);
  writeFields(
    bytes.subarray(bytes.length - BLOCK),
    name.slice(0, NAME_SIZE),
    mode,
    size < OCTAL_LIMIT ? size : 0,
    directory ? "5" : "0",
  );
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
  return slash > 0 && rest > 0 && rest <= NAME_SIZE
    ? [name.slice(0, slash), name.slice(slash + 1)]
    : undefined;
}

/** Where the numbers go, and in how many octal digits: POSIX's struct posix_header. */
function writeFields(
  block: Uint8Array,
  name: string,
  mode: number,
  size: number,
  typeflag: string,
): void {
  write(block, 0, name);
  write(block, 100, octal(mode, 7));
  write(block, 108, "0000000"); // uid
  write(block, 116, "0000000"); // gid
  write(block, 124, octal(size, 11));
  write(block, 136, "00000000000"); // mtime
  write(block, 156, typeflag);
  write(block, 257, "ustar\0" + "00");
  // Go leaves the device fields of an extended header empty.
  if (typeflag !== "x") {
    write(block, 329, "0000000");
    write(block, 337, "0000000");
  }
  write(block, 148, `${octal(checksum(block), 6)}\0 `);
}

/** The sum of a header's bytes, its checksum field counted as spaces. */
export function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < 148; i++) sum += block[i]!;
  for (let i = 156; i < BLOCK; i++) sum += block[i]!;
  return sum;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function write(target: Uint8Array, at: number, ascii: string): void {
  for (let i = 0; i < ascii.length; i++) target[at + i] = ascii.charCodeAt(i);
}
