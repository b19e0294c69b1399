import { test } from "node:test";
import assert from "node:assert/strict";
import { decodeUtf8 } from "../../src/oci/utf8.ts";

test("decodeUtf8() makes one U+FFFD of each byte that belongs to no character, as Go does", () => {
  const cases: [bytes: number[], text: string][] = [
    [[], ""],
    [[0x61, 0xff, 0x62], "a\ufffdb"],
    // Characters that are cut short: the web's own decoder makes one of all their bytes.
    [[0xc3], "\ufffd"],
    [[0xe2, 0x82], "\ufffd\ufffd"],
    [[0xe2, 0x82, 0x61], "\ufffd\ufffda"],
    [[0xf0, 0x9f, 0x98], "\ufffd\ufffd\ufffd"],
    [[0xf0, 0x9f, 0x98, 0xf0, 0x9f, 0x98, 0x80], "\ufffd\ufffd\ufffd😀"],
    [[0xe2, 0x82, 0xe2, 0x82, 0xac], "\ufffd\ufffd€"],
    // Too long for what they say, half a surrogate pair, beyond U+10FFFF.
    [[0xc0, 0x80], "\ufffd\ufffd"],
    [[0xe0, 0x9f, 0xbf], "\ufffd\ufffd\ufffd"],
    [[0xf0, 0x8f, 0xbf, 0xbf], "\ufffd\ufffd\ufffd\ufffd"],
    [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xf4, 0x90, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
    [[0xf5, 0x80, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
    // The last ones that are right, beside one that is not.
    [[0xff, 0xc2, 0x80, 0xdf, 0xbf, 0xe0, 0xa0, 0x80], "\ufffd\u0080\u07ff\u0800"],
    [[0xff, 0xed, 0x9f, 0xbf, 0xee, 0x80, 0x80, 0xef, 0xbf, 0xbf], "\ufffd\ud7ff\ue000\uffff"],
    [[0xff, 0xf0, 0x90, 0x80, 0x80, 0xf4, 0x8f, 0xbf, 0xbf], "\ufffd\u{10000}\u{10ffff}"],
  ];
  for (const [bytes, text] of cases) assert.equal(decodeUtf8(new Uint8Array(bytes)), text);
});

test("decodeUtf8() keeps a byte order mark, and the bytes that it is given", () => {
  const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0xe2, 0x82]);
  assert.equal(decodeUtf8(bytes), "\ufeff\ufffd\ufffd");
  assert.deepEqual([...bytes], [0xef, 0xbb, 0xbf, 0xe2, 0x82]);
});
