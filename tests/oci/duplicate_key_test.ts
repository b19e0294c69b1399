import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { duplicateKey } from "../../src/oci/duplicate_key.ts";

function find(text: string): string | undefined {
  return duplicateKey(text, JSON.parse(text));
}

test("duplicateKey() finds a key that stands twice in one object, however it is written", () => {
  for (
    const text of [
      '{"layers":[],"layers":[]}',
      '{"layers" :[],"layers":[]}',
      '{"layers"\n\t:[],"layers"\r:[]}',
      '{"layers":[],"\\u006cayers":[]}',
      '{"a":{"b":[{"layers":1,"c":{"layers":2},"layers":3}]}}',
      // What only looks like a key must not make up for one that is lost.
      '{"layers":"\\":","layers" :"\\":"}',
    ]
  ) assert.equal(find(text), "layers", text);
  assert.equal(find('{"":1,"":2}'), "");
  assert.equal(find('{"__proto__":1,"__proto__":2}'), "__proto__");
});

test("duplicateKey() lets the same key stand in several objects, and in values", () => {
  for (
    const text of [
      '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
      '{"a":"{\\"a\\":1,\\"a\\":2}"}',
      '{"a" : "a","b" : ["a","a"]}',
      '["a","a"]',
      '"a"',
      "null",
    ]
  ) assert.equal(find(text), undefined, text);
});

test("duplicateKey() takes any depth", () => {
  const depth = 100_000;
  const nested = `${'{"a":['.repeat(depth)}${"]}".repeat(depth)}`;
  assert.equal(find(nested), undefined);
  assert.equal(find(`{"x":${nested},"x":1}`), "x");
});

test("duplicateKey() agrees with who wrote the text, whatever is in it", () => {
  const key = fc.constantFrom("a", "b", '":', '\\":', "{", "}", "layers", "__proto__", "1");
  const space = fc.constantFrom("", " ", "\n", "\t\r");
  /** A text, and whether one of its objects has a key twice. */
  const written = fc.letrec<{ value: [string, boolean] }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 0 }).map((value): [string, boolean] => [
        JSON.stringify(value),
        false,
      ]),
      key.map((text): [string, boolean] => [JSON.stringify(text), false]),
      fc.array(tie("value"), { maxLength: 4 }).map((items): [string, boolean] => [
        `[${items.map(([text]) => text)}]`,
        items.some(([, twice]) => twice),
      ]),
      fc.array(fc.tuple(key, space, tie("value")), { maxLength: 4 }).map(
        (fields): [string, boolean] => [
          `{${fields.map(([key, space, [text]]) => `${JSON.stringify(key)}${space}:${text}`)}}`,
          new Set(fields.map(([key]) => key)).size < fields.length ||
          fields.some(([, , [, twice]]) => twice),
        ],
      ),
    ),
  })).value;
  fc.assert(
    fc.property(written, ([text, twice]) => {
      assert.equal(find(text) !== undefined, twice, text);
    }),
    { numRuns: 2000 },
  );
});
