import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BLOCK,
  checksum,
  encodeHeader,
  type HeaderFields,
  headerSize,
  paddingSize,
  TRAILER_SIZE,
} from "../../src/tar/header.ts";
import { sha256, text } from "../helpers/bytes.ts";

const HEX_64 = "0123456789abcdef".repeat(4);
const HEX_96 = "0123456789abcdef".repeat(6);
const HEX_128 = "0123456789abcdef".repeat(8);
const long = (length: number) => "d".repeat(length);

/** A field of a header, cut at its first NUL. */
function field(block: Uint8Array, offset: number, length: number): string {
  return text(block.subarray(offset, offset + length)).split("\0", 1)[0]!;
}

test("encodeHeader() writes one ustar block", () => {
  const header = encodeHeader({ name: "index.json", size: 1234, mode: 0o644 });
  const expected = new Uint8Array(512);
  const put = (offset: number, ascii: string) =>
    expected.set(Array.from(ascii, (character) => character.charCodeAt(0)), offset);
  put(0, "index.json");
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, "00000002322\0");
  put(136, "00000000000\0");
  put(148, "011206\0 ");
  put(156, "0");
  put(257, "ustar\0" + "00");
  put(329, "0000000\0");
  put(337, "0000000\0");
  assert.deepEqual(header, expected);
});

// The SHA-256 of what Go's archive/tar writes for the same fields.
const GO: [what: string, fields: HeaderFields, bytes: number, sha256: string][] = [
  [
    "a directory",
    { name: "blobs/", size: 0, mode: 0o755, type: "directory" },
    512,
    "9496e2bde6463ea163f87ae6a48dd4dc2728d9f896d38503dce3cb6d7635ff52",
  ],
  [
    "another directory",
    { name: "blobs/sha512/", size: 0, mode: 0o755, type: "directory" },
    512,
    "83e6f91782e42c726cb12e1ead3679cf7252cbe2b3748839485aea29e0afae0f",
  ],
  [
    "a small file",
    { name: "oci-layout", size: 30, mode: 0o444 },
    512,
    "865843c50ba418a4596ae3a8b23dd6b46078f44131acecac58776c1b51f4e082",
  ],
  [
    "a sha256 blob",
    { name: `blobs/sha256/${HEX_64}`, size: 5, mode: 0o444 },
    512,
    "33223cc73141cb4e2f424a6113678893f8482a324349687abee9091748708ff1",
  ],
  [
    "an empty blob",
    { name: `blobs/sha256/${HEX_64}`, size: 0, mode: 0o444 },
    512,
    "6b29b250b92f0942634fc969fa999b27fd223bbd728845818b7c6e7ffb1599b9",
  ],
  [
    "a sha384 blob, whose name ustar can split",
    { name: `blobs/sha384/${HEX_96}`, size: 5, mode: 0o444 },
    512,
    "53261b12b266cb20311805e4282f0f40c01b0572b2f1127da5a6869771b221b4",
  ],
  [
    "a sha512 blob, whose name it cannot",
    { name: `blobs/sha512/${HEX_128}`, size: 5, mode: 0o444 },
    1536,
    "d9c182a181439321c1f11749d75483da39f7794925caf33cb5286618420b0ca5",
  ],
  [
    "8 GiB less one, the last size that octal digits can say",
    { name: `blobs/sha256/${HEX_64}`, size: 8589934591, mode: 0o444 },
    512,
    "d96fb1c40d9ff2138e9129831256569522afec2904863a36492d34589201cd2e",
  ],
  [
    "8 GiB",
    { name: `blobs/sha256/${HEX_64}`, size: 8589934592, mode: 0o444 },
    1536,
    "4a33274b24a9d624037c0156be6d926e80093f36e60ee723a034f1ae04810543",
  ],
  [
    "the largest size",
    { name: `blobs/sha256/${HEX_64}`, size: 9007199254740991, mode: 0o444 },
    1536,
    "6997987ea96b1b33c16cc8677c3f8472283d744196c653b49195f222bbfbde82",
  ],
  [
    "a sha384 blob of 8 GiB, whose name is not split once there are records",
    { name: `blobs/sha384/${HEX_96}`, size: 8589934592, mode: 0o444 },
    1536,
    "e7e004676cdd0d969ec333ef7b20ae60a82e1055880e15326d423aa0d840138b",
  ],
  [
    "a sha512 blob of 8 GiB, with two records",
    { name: `blobs/sha512/${HEX_128}`, size: 8589934592, mode: 0o444 },
    1536,
    "d061720ba17f8528567e716d5c9df3b686439edf9d5b5acade826b6c724b94a6",
  ],
  [
    "a name of 100 bytes",
    { name: long(100), size: 1, mode: 0o644 },
    512,
    "74473db97803d0a5e14ff2dfcd6a0137a97cfff09b644ad1c6441234048ded8f",
  ],
  [
    "a name of 100 bytes, which need not be split",
    { name: `${long(50)}/${long(49)}`, size: 1, mode: 0o644 },
    512,
    "0782274963a7d237b02326e8f93cb0caef301de4946474883ef20d1215e0c4ea",
  ],
  [
    "a name of 101 bytes",
    { name: long(101), size: 1, mode: 0o644 },
    1536,
    "86ed91493cf499299859cb92fd47a98afc7da29deac6e897cf701401c09f8f2e",
  ],
  [
    "the longest name that can be split",
    { name: `${long(155)}/${long(100)}`, size: 1, mode: 0o644 },
    512,
    "61f3945162b0836cdf31ede3f42c070cd044f31a27a7606b17c3b9efbae98441",
  ],
  [
    "a prefix that is one too long",
    { name: `${long(156)}/${long(100)}`, size: 1, mode: 0o644 },
    1536,
    "8a04995fab1e94126aff954baef448bfb591a6a2becdf1434036edc96f07c28d",
  ],
  [
    "a rest that is one too long",
    { name: `${long(155)}/${long(101)}`, size: 1, mode: 0o644 },
    1536,
    "8743878ea5955d4133af7b84e04ab81196fce5f2c47dc2f2a7747af87fd54595",
  ],
  [
    "a directory whose only slash is its last",
    { name: `${long(100)}/`, size: 0, mode: 0o755, type: "directory" },
    1536,
    "5eae3eb1fa0bdbc6bb670000bda758b52108e619c0ac9749d52317c0d4a42fe9",
  ],
  [
    "a directory that is split, and not at its last slash",
    { name: `${long(50)}/${long(60)}/`, size: 0, mode: 0o755, type: "directory" },
    512,
    "f4b0451b88f2decfc2cf6da659eb793b760203a98de9c05b98634b31746c881e",
  ],
  [
    "a record that is longer by two digits for its own length",
    { name: long(991), size: 1, mode: 0o644 },
    2048,
    "0bfa9799dc3c78773f22059edbbe8c1ab5e5b5e88f8b25bbb50a0f417f88b19c",
  ],
  [
    "a directory of 100 bytes, its slash included",
    { name: `${long(99)}/`, size: 0, mode: 0o755, type: "directory" },
    512,
    "ec8e0a8d371ca485c3b7f1aa2ee62d78968dbab92436193084ad40607a28f0f8",
  ],
  [
    "a name whose only slash is its first",
    { name: `/${long(100)}`, size: 1, mode: 0o644 },
    1536,
    "ba76534e598ad4da0b7c7825d9a32b458c1e6831fb83cbb098ad530e96147d12",
  ],
];

for (const [what, fields, bytes, digest] of GO) {
  test(`encodeHeader() writes ${what} as Go does`, async () => {
    const header = encodeHeader(fields);
    assert.equal(header.length, bytes);
    assert.equal(await sha256(header), digest);
  });

  test(`encodeHeader() writes ${what} over whatever was there`, () => {
    const bytes = new Uint8Array(headerSize(fields)).fill(0xff);
    assert.equal(encodeHeader(fields, bytes), bytes);
    assert.deepEqual(bytes, encodeHeader(fields));
  });

  test(`headerSize() knows the size for ${what}`, () => {
    assert.equal(headerSize(fields), bytes);
  });
}

test("encodeHeader() puts the records of a sha512 blob before it", () => {
  const header = encodeHeader({ name: `blobs/sha512/${HEX_128}`, size: 5, mode: 0o444 });
  const [pax, records, real] = [0, 512, 1024].map((at) => header.subarray(at, at + 512));
  assert.equal(
    field(pax!, 0, 100),
    `blobs/sha512/PaxHeaders.0/${HEX_128}`.slice(0, 100),
  );
  assert.equal(field(pax!, 156, 1), "x");
  assert.equal(field(pax!, 124, 12), "00000000227");
  assert.equal(field(records!, 0, 512), `151 path=blobs/sha512/${HEX_128}\n`);
  assert.equal(text(real!.subarray(0, 100)), `blobs/sha512/${HEX_128}`.slice(0, 100));
  assert.equal(field(real!, 345, 155), "", "nothing in the prefix");
  assert.equal(field(real!, 124, 12), "00000000005");
  assert.equal(field(real!, 156, 1), "0");
});

test("encodeHeader() puts a large size into a record, and none into the field", () => {
  for (
    const [size, record] of [
      [8589934592, "19 size=8589934592\n"],
      [99999999999, "20 size=99999999999\n"],
      [9007199254740991, "25 size=9007199254740991\n"],
    ] as const
  ) {
    const header = encodeHeader({ name: "large", size, mode: 0o444 });
    assert.equal(field(header.subarray(512), 0, 512), record);
    assert.equal(field(header.subarray(1024), 124, 12), "00000000000");
  }
});

test("encodeHeader() splits a sha384 name at its last slash", () => {
  const header = encodeHeader({ name: `blobs/sha384/${HEX_96}`, size: 5, mode: 0o444 });
  assert.equal(field(header, 0, 100), HEX_96);
  assert.equal(field(header, 345, 155), "blobs/sha384");
});

test("checksum() counts its own field as spaces", () => {
  assert.equal(checksum(new Uint8Array(512)), 256);
  assert.equal(checksum(new Uint8Array(512).fill(1)), 760);
  assert.equal(checksum(new Uint8Array(512).fill(255)), 128776);
});

test("paddingSize() fills up to the next block", () => {
  for (
    const [size, padding] of [
      [0, 0],
      [1, 511],
      [511, 1],
      [512, 0],
      [513, 511],
      [8589934592, 0],
      [9007199254740991, 1],
    ] as const
  ) {
    assert.equal(paddingSize(size), padding, String(size));
  }
});

test("a block is 512 bytes, and two of them end an archive", () => {
  assert.equal(BLOCK, 512);
  assert.equal(TRAILER_SIZE, 1024);
});

test("headerSize() is what encodeHeader() makes, for any name and size", () => {
  const name = fc.array(fc.integer({ min: 1, max: 160 }), { minLength: 1, maxLength: 4 })
    .map((lengths) => lengths.map((length) => "n".repeat(length)).join("/"));
  fc.assert(fc.property(name, fc.maxSafeNat(), (name, size) => {
    const fields = { name, size, mode: 0o444 };
    const header = encodeHeader(fields);
    assert.equal(headerSize(fields), header.length);
    assert.equal(header.length % 512, 0);
  }));
});
