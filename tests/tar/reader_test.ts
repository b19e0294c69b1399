import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidTarError } from "../../mod.ts";
import { ByteReader } from "../../src/tar/byte_reader.ts";
import { encodeHeader } from "../../src/tar/header.ts";
import { readEntry, type TarEntry } from "../../src/tar/reader.ts";
import { concat, noise } from "../helpers/bytes.ts";
import { chunked, streamOf } from "../helpers/streams.ts";
import { base256, gnuLong, paxEntry, type RawHeader, rawHeader, tarOf } from "../helpers/tar.ts";

/** Reads the first entry of a tar that comes in chunks of this size. */
function readFirst(tar: Uint8Array, chunkSize = 1 << 20): Promise<TarEntry | undefined> {
  const reader = new ByteReader(streamOf(chunked(tar, chunkSize)));
  return readEntry((length) => reader.exactly(length), 0);
}

/** What the entry of one header has in these fields. */
async function fieldsOf(header: RawHeader): Promise<TarEntry> {
  return (await readFirst(rawHeader(header)))!;
}

async function refused(tar: Uint8Array, offset: number, why: string): Promise<void> {
  for (const chunkSize of [1 << 20, 100]) {
    await assert.rejects(() => readFirst(tar, chunkSize), (error) => {
      assert.ok(error instanceof InvalidTarError, String(error));
      assert.equal(error.message, `Cannot read the tar at byte ${offset}: ${why}`);
      assert.equal(error.offset, offset);
      return true;
    });
  }
}

const GNU = "ustar  \0";
const V7 = "\0".repeat(8);
const LONG = `a/${"long/".repeat(60)}name`;
const BAD_CHECKSUM = "the header's checksum is wrong: this is no tar, or it is damaged";

test("readEntry() gives every field of a ustar header", async () => {
  assert.deepEqual(await fieldsOf({ name: "index.json", mode: "0000755", size: "00000002322" }), {
    name: "index.json",
    mode: 0o755,
    size: 1234,
    type: "0",
    linkName: "",
    offset: 0,
    bodyOffset: 512,
  });
});

test("readEntry() counts from where it was told to", async () => {
  const reader = new ByteReader(streamOf([concat([paxEntry({ path: "x" }), rawHeader({})])]));
  const entry = await readEntry((length) => reader.exactly(length), 5120);
  assert.deepEqual([entry!.offset, entry!.bodyOffset], [5120, 5120 + 3 * 512]);
});

test("readEntry() gives nothing at the trailer", async () => {
  assert.equal(await readFirst(tarOf()), undefined);
});

const NAMES: [what: string, header: RawHeader, name: string][] = [
  ["a name", { name: "dir/file" }, "dir/file"],
  ["a name of 100 bytes, without a NUL", { name: "n".repeat(100) }, "n".repeat(100)],
  ["a prefix", { name: "name", prefix: "some/where" }, "some/where/name"],
  ["a prefix of 155 bytes", { name: "n", prefix: "p".repeat(155) }, `${"p".repeat(155)}/n`],
  ["GNU's header, which has no prefix", { name: "name", prefix: "1234", magic: GNU }, "name"],
  ["a V7 header, which has no prefix", { name: "name", prefix: "1234", magic: V7 }, "name"],
  ["UTF-8", { name: "größe/日本" }, "größe/日本"],
];
for (const [what, header, name] of NAMES) {
  test(`readEntry() reads ${what}`, async () => {
    assert.equal((await fieldsOf(header)).name, name);
  });
}

const SIZES: [what: string, size: string | Uint8Array, number: number][] = [
  ["eleven digits and a NUL", "77777777777\0", 8589934591],
  ["twelve digits", "777777777777", 68719476735],
  ["digits and a space", "00000000010 ", 8],
  ["spaces before the digits", "         10\0", 8],
  ["a NUL amid the field, and what is behind it", "10\0garbage!!", 8],
  ["nothing", "", 0],
  ["base-256", base256(8589934592, 12), 8589934592],
  ["base-256, the largest", base256(Number.MAX_SAFE_INTEGER, 12), Number.MAX_SAFE_INTEGER],
  ["base-256 of a small number", base256(5, 12), 5],
];
for (const [what, size, number] of SIZES) {
  test(`readEntry() reads a size of ${what}`, async () => {
    assert.equal((await fieldsOf({ size })).size, number);
  });
}

test("readEntry() tells the types apart", async () => {
  for (const type of ["0", "1", "2", "3", "4", "5", "6", "D", "V"]) {
    assert.equal((await fieldsOf({ type })).type, type);
  }
});

test("readEntry() takes old files for files", async () => {
  for (const type of ["\0", "7"]) assert.equal((await fieldsOf({ type })).type, "0");
});

test("readEntry() gives no body to links, devices and directories, whatever their size", async () => {
  for (const type of ["1", "2", "3", "4", "5", "6"]) {
    assert.equal((await fieldsOf({ type, size: "00000000100" })).size, 0, type);
  }
  assert.equal((await fieldsOf({ type: "D", size: "00000000100" })).size, 64);
});

test("readEntry() reads the mode and what a link points to", async () => {
  const { mode, linkName } = await fieldsOf({
    mode: base256(0o755, 8),
    type: "2",
    linkName: "l".repeat(100),
  });
  assert.deepEqual([mode, linkName], [0o755, "l".repeat(100)]);
});

test("readEntry() takes a checksum in any of the ways it is written", async () => {
  const octal = (sum: number) => sum.toString(8);
  const ways: ((sum: number) => string)[] = [
    (sum) => `${octal(sum).padStart(6, "0")}\0 `,
    (sum) => `${octal(sum).padStart(7, "0")}\0`,
    (sum) => `${octal(sum).padStart(6)}\0 `,
    (sum) => `${octal(sum).padStart(6, "0")} \0`,
  ];
  for (const checksum of ways) {
    assert.equal((await fieldsOf({ name: "name", checksum })).name, "name");
  }
});

const EXTENDED: [what: string, extension: Uint8Array, expected: Partial<TarEntry>][] = [
  ["a PAX path", paxEntry({ path: LONG }), { name: LONG, size: 8 }],
  ["a PAX size", paxEntry({ size: "9007199254740991" }), { name: "short", size: 2 ** 53 - 1 }],
  ["a PAX linkpath", paxEntry({ linkpath: LONG }), { linkName: LONG }],
  ["PAX records in UTF-8", paxEntry({ path: "größe" }), { name: "größe" }],
  ["PAX records of others", paxEntry({ mtime: "1.5", "GNU.x": "a=b\nc" }), { name: "short" }],
  ["the last of two PAX records", paxEntry("9 path=a\n9 path=b\n"), { name: "b" }],
  ["a PAX record whose length begins with a zero", paxEntry("011 path=a\n"), { name: "a" }],
  ["past global records", paxEntry({ path: "all", size: "1" }, "g"), { name: "short", size: 8 }],
  ["no PAX records", paxEntry(""), { name: "short", size: 8 }],
  ["two PAX headers", concat([paxEntry({ path: "a" }), paxEntry({ size: "9" })]), {
    name: "a",
    size: 9,
  }],
  ["GNU's long name", gnuLong("L", LONG), { name: LONG }],
  ["GNU's long link", gnuLong("K", LONG), { linkName: LONG, name: "short" }],
  ["both of GNU's", concat([gnuLong("K", "link"), gnuLong("L", LONG)]), {
    name: LONG,
    linkName: "link",
  }],
  ["PAX over GNU", concat([paxEntry({ path: "pax" }), gnuLong("L", "gnu")]), { name: "pax" }],
];
for (const [what, extension, expected] of EXTENDED) {
  test(`readEntry() reads ${what}`, async () => {
    const tar = concat([extension, rawHeader({ name: "short", size: "00000000010" })]);
    for (const chunkSize of [tar.length, 512, 7]) {
      const entry: Partial<TarEntry> = (await readFirst(tar, chunkSize))!;
      for (const [field, value] of Object.entries(expected)) {
        assert.equal(entry[field as keyof TarEntry], value, field);
      }
      assert.deepEqual([entry.offset, entry.bodyOffset], [0, tar.length]);
    }
  });
}

test("readEntry() reads back what encodeHeader() writes", async () => {
  const name = fc.array(
    fc.constantFrom(..."abcXYZ019._-/"),
    { minLength: 1, maxLength: 300 },
  ).map((characters) => characters.join(""));
  const size = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(1 << 20),
    fc.constantFrom(0, 8589934591, 8589934592, Number.MAX_SAFE_INTEGER),
  );
  const chunkSize = fc.integer({ min: 1, max: 1025 });
  await fc.assert(
    fc.asyncProperty(name, size, fc.nat(0o777), chunkSize, async (name, size, mode, chunkSize) => {
      const header = encodeHeader({ name, size, mode });
      assert.deepEqual(await readFirst(header, chunkSize), {
        name,
        size,
        mode,
        type: "0",
        linkName: "",
        offset: 0,
        bodyOffset: header.length,
      });
    }),
    { numRuns: 300 },
  );
});

test("readEntry() reads the same from chunks of every size", async () => {
  const tar = concat([paxEntry({ path: LONG }), rawHeader({ size: "00000000010" })]);
  const whole = await readFirst(tar);
  for (let size = 1; size <= 1025; size++) {
    assert.deepEqual(await readFirst(tar, size), whole, `chunks of ${size}`);
  }
});

test("readEntry() refuses a header with any bit flipped", async () => {
  const header = rawHeader({ name: "index.json", size: "00000000010" });
  for (const at of [0, 99, 100, 124, 135, 156, 257, 345, 511]) {
    const damaged = header.slice();
    damaged[at]! ^= 1;
    await refused(damaged, 0, BAD_CHECKSUM);
  }
});

test("readEntry() refuses a wrong checksum, and one that is no number", async () => {
  await refused(rawHeader({ checksum: () => "000000\0 " }), 0, BAD_CHECKSUM);
  for (const text of ["nothing ", "        ", "\x80      1"]) {
    await refused(rawHeader({ checksum: () => text }), 0, BAD_CHECKSUM);
  }
});

const NUMBERS: [what: string, size: string | Uint8Array, why: string][] = [
  ["digits that are not octal", "00000000008", "its size is no octal number"],
  ["letters", "12ab", "its size is no octal number"],
  ["a sign", "-0000000001", "its size is no octal number"],
  ["digits with a space amid them", "1 1", "its size is no octal number"],
  ["base-256 below zero", new Uint8Array(12).fill(0xff), "its size is negative"],
  ["base-256 above 2^53 - 1", base256(2 ** 53, 12), "its size is too large"],
  [
    "base-256 whose first byte counts",
    new Uint8Array([0x81, ...new Uint8Array(11)]),
    "its size is too large",
  ],
];
for (const [what, size, why] of NUMBERS) {
  test(`readEntry() refuses a size of ${what}`, () => refused(rawHeader({ size }), 0, why));
}

test("readEntry() refuses a mode that is no number", () =>
  refused(rawHeader({ mode: "rw-r--r-" }), 0, "its mode is no octal number"));

const BROKEN_RECORDS = {
  "that says more bytes than there are": "99 path=a\n",
  "that says fewer": "8 path=a\n",
  "that says more, amid the next one": "12 path=a\n9 path=b\n",
  "whose equals sign stands in the next one": "7 path\n9 path=b\n",
  "of length zero": "0 path=a\n",
  "without a length": " path=a\n",
  "with a length below zero": "-9 path=a\n",
  "with a length in hex": "0xb path=a\n",
  "with an exponent": "1e1 path=\n",
  "with a length that is too large": "99999999999999999999 path=a\n",
  "without a space": "9path=ab\n",
  "without an equals sign": "7 path\n",
  "without its line feed": "9 path=ab",
  "of zeros": "\0\0\0\0",
};
for (const [what, records] of Object.entries(BROKEN_RECORDS)) {
  test(`readEntry() refuses a PAX record ${what}`, () =>
    refused(concat([paxEntry(records), rawHeader({})]), 512, "a PAX record is broken"));
}

test("readEntry() refuses a PAX size that is no whole number, or too large", async () => {
  for (const size of ["", "-1", "1.5", "1e3", "0x10", "9007199254740992", "many"]) {
    const tar = concat([paxEntry({ size }), rawHeader({})]);
    await refused(tar, 1536, "its PAX size is no whole number, or too large");
  }
});

test("readEntry() refuses a sparse file, which lacks its holes, with how to make it again", async () => {
  const refusal = (name: string) =>
    `"${name}" is stored as a sparse file; make the tar again without --sparse (-S), or by bsdtar ` +
    "with --no-read-sparse";
  await refused(rawHeader({ name: "blob", type: "S", size: "00000001000" }), 0, refusal("blob"));
  const versions: [records: Record<string, string>, name: string][] = [
    [{ "GNU.sparse.size": "1000", "GNU.sparse.numblocks": "0" }, "blob"],
    [{ "GNU.sparse.name": "real", "GNU.sparse.size": "1000", "GNU.sparse.map": "0,1" }, "real"],
    [{ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "real" }, "real"],
  ];
  for (const [records, name] of versions) {
    await refused(concat([paxEntry(records), rawHeader({ name: "blob" })]), 0, refusal(name));
  }
});

test("readEntry() refuses an extension that is too long", async () => {
  for (const type of ["x", "L", "K"]) {
    const tar = rawHeader({ type, size: "00004000001" });
    await refused(tar, 512, "its extended headers take more than 1048576 bytes");
    const longest = rawHeader({ type, size: "00003777000" });
    await refused(longest, 512, "it ends before an extended header; it was cut short");
  }
});

test("readEntry() refuses extensions without end, soon", async () => {
  let read = 0;
  const extension = paxEntry({ comment: "c".repeat(100_000) });
  const endless = function* () {
    for (;;) {
      read += extension.length;
      yield extension;
    }
  };
  const reader = new ByteReader(streamOf(endless()));
  await assert.rejects(() => readEntry((length) => reader.exactly(length), 0), {
    name: "InvalidTarError",
    message: /its extended headers take more than 1048576 bytes$/,
  });
  assert.ok(read < 1_300_000, `${read} bytes`);
});

test("readEntry() refuses an extension with nothing behind it", async () => {
  const extension = gnuLong("L", LONG);
  await refused(tarOf(extension), extension.length, "an extended header has no entry behind it");
  await refused(extension, extension.length, "it ends before a header; it was cut short");
});

test("readEntry() names where a tar was cut short", async () => {
  const tar = concat([paxEntry({ path: LONG }), rawHeader({})]);
  await refused(new Uint8Array(), 0, "it ends before the trailer; it was cut short");
  for (let length = 1; length < tar.length; length += 37) {
    const [at, what] = length < 512
      ? [0, "a header"]
      : length < 512 * 2
      ? [512, "an extended header"]
      : [1024, "a header"];
    await refused(tar.slice(0, length), at, `it ends before ${what}; it was cut short`);
  }
});

test("readEntry() says what is compressed, whatever its bytes, and however few", async () => {
  const magics: Record<string, number[]> = {
    gzip: [0x1f, 0x8b, 8],
    zstd: [0x28, 0xb5, 0x2f, 0xfd],
    xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
    bzip2: [0x42, 0x5a, 0x68, 0x39],
  };
  for (const [by, magic] of Object.entries(magics)) {
    for (const rest of [new Uint8Array(600), noise(600), noise(600, 2), noise(20)]) {
      const compressed = concat([new Uint8Array(magic), rest]);
      await refused(compressed, 0, `it is compressed with ${by}; decompress it first`);
    }
  }
  // Nor more than there is to see: a name may begin like that, in a header that is damaged.
  await refused(concat([new Uint8Array([0x1f, 0x20]), new Uint8Array(600)]), 0, BAD_CHECKSUM);
  await refused(rawHeader({ name: "(a)", checksum: () => "000000\0 " }), 0, BAD_CHECKSUM);
});
