import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { compareUtf8, descriptorJson, encodeJson } from "../../src/oci/json.ts";
import { concat, text, utf8 } from "../helpers/bytes.ts";

const write = (value: Parameters<typeof encodeJson>[0]) => text(concat([...encodeJson(value)]));

test("encodeJson() is compact and ends without a newline", () => {
  assert.equal(write({ a: 1, b: [null, "c"], d: {} }), '{"a":1,"b":[null,"c"],"d":{}}');
});

test("encodeJson() writes what is empty", () => {
  function* none() {}
  assert.equal(write([[], none(), new Set<string>(), new Map(), {}]), "[[],[],[],{},{}]");
});

test("encodeJson() writes fields in their own order, and leaves out undefined ones", () => {
  assert.equal(write({ z: 1, y: undefined, a: 2 }), '{"z":1,"a":2}');
});

test("encodeJson() escapes as Go's encoding/json does", () => {
  for (
    const [given, written] of [
      ["<a href='b'>&", String.raw`"\u003ca href='b'\u003e\u0026"`],
      ["\u2028\u2029", String.raw`"\u2028\u2029"`],
      ["\b\t\n\f\r", String.raw`"\b\t\n\f\r"`],
      ["\0\x01\x0b\x1f", String.raw`"\u0000\u0001\u000b\u001f"`],
      ['"\\/', String.raw`"\"\\/"`],
      ["\x7f\x80", '"\x7f\x80"'],
      ["é漢\u{1f433}", '"é漢\u{1f433}"'],
      ["\ufeff\ufffd", '"\ufeff\ufffd"'],
      ["\ud800", '"\ufffd"'],
      ["a\udc00b", '"a\ufffdb"'],
    ] as const
  ) {
    assert.equal(write(given), written);
    assert.equal(write([given, given]), `[${written},${written}]`);
    assert.equal(write([given, 1]), `[${written},1]`);
  }
});

test("encodeJson() writes a map's keys in the order of their UTF-8 bytes", () => {
  const keys = ["b", "\u{1f433}", "\uffee", "é", "a", "10", "9", "A", "", "ab"];
  assert.equal(
    write(new Map(keys.map((key, i) => [key, i]))),
    '{"":8,"10":5,"9":6,"A":7,"a":4,"ab":9,"b":0,"é":3,"\uffee":2,"\u{1f433}":1}',
  );
});

test("encodeJson() writes what JSON.parse() reads back", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (given) => {
    assert.equal(JSON.parse(write(given)), given);
  }));
});

test("encodeJson() gives long arrays in pieces, made as they are asked for", () => {
  let made = 0;
  function* items() {
    for (; made < 10_000; made++) yield { text: "é<".repeat(10) };
  }
  const pieces = encodeJson({ before: 1, items: items(), after: [] });
  const first = pieces.next().value!;
  assert.ok(first.length > 16_000 && first.length < 150_000, `${first.length}`);
  assert.ok(made < 1000, `${made}`);
  assert.deepEqual(JSON.parse(text(concat([first, ...pieces]))), {
    before: 1,
    items: Array(10_000).fill({ text: "é<".repeat(10) }),
    after: [],
  });
});

test("compareUtf8() orders as the bytes do", () => {
  const wellFormed = fc.string({ unit: "binary", maxLength: 4 });
  const byBytes = (a: string, b: string) => {
    const [x, y] = [utf8(a), utf8(b)];
    const at = x.findIndex((byte, i) => byte !== y[i]);
    return at < 0 || at >= y.length ? x.length - y.length : x[at]! - y[at]!;
  };
  fc.assert(fc.property(wellFormed, wellFormed, (a, b) => {
    assert.equal(Math.sign(compareUtf8(a, b)), Math.sign(byBytes(a, b)));
  }));
});

test("compareUtf8() puts surrogates above all that is one unit", () => {
  const ascending = ["\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"];
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      assert.equal(Math.sign(compareUtf8(a, b)), Math.sign(i - j), `${i} and ${j}`);
    }
  }
});

test("descriptorJson() writes the fields in the order of image-spec's Go struct", () => {
  assert.equal(
    write(descriptorJson({
      artifactType: "application/vnd.example",
      platform: {
        variant: "v7",
        "os.features": ["a"],
        "os.version": "1",
        os: "linux",
        architecture: "arm",
      },
      data: "aGVsbG8=",
      annotations: { b: "2", 1: "x", a: "1" },
      urls: ["https://example.com/?a&b"],
      size: 5,
      digest: "sha256:0",
      mediaType: "text/plain",
    })),
    '{"mediaType":"text/plain","digest":"sha256:0","size":5,' +
      '"urls":["https://example.com/?a\\u0026b"],' +
      '"annotations":{"1":"x","a":"1","b":"2"},"data":"aGVsbG8=",' +
      '"platform":{"architecture":"arm","os":"linux","os.version":"1","os.features":["a"],' +
      '"variant":"v7"},"artifactType":"application/vnd.example"}',
  );
});

test("descriptorJson() leaves out what is empty, but never a platform's two", () => {
  assert.equal(
    write(descriptorJson({
      mediaType: "text/plain",
      digest: "sha256:0",
      size: 0,
      urls: [],
      annotations: {},
      data: "",
      platform: { architecture: "", os: "", "os.version": "", "os.features": [], variant: "" },
      artifactType: "",
    })),
    '{"mediaType":"text/plain","digest":"sha256:0","size":0,' +
      '"platform":{"architecture":"","os":""}}',
  );
});

test("descriptorJson() merges annotations whose keys Go reads as the same", () => {
  const annotations = Object.fromEntries([["\ud800", "first"], ["\udfff", "second"], ["a", "1"]]);
  const json = write(descriptorJson({ mediaType: "", digest: "sha256:0", size: 1, annotations }));
  assert.ok(json.includes('"annotations":{"a":"1","\ufffd":"second"}'), json);
});
