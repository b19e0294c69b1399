import { test } from "node:test";
import assert from "node:assert/strict";
import { FieldNames, parseJson } from "../../src/oci/parse_json.ts";
import { utf8 } from "../helpers/bytes.ts";

test("parseJson() reads text as Go does", () => {
  assert.equal(parseJson(new Uint8Array([0x22, 0xe2, 0x82, 0x22])), "\ufffd\ufffd");
  assert.throws(() => parseJson(utf8("\ufeff{}")), SyntaxError);
});

test("FieldNames finds a field in any other case that Go reads as it", () => {
  const fields = new FieldNames("sickKey", "other");
  for (const key of ["sickkey", "SICKKEY", "\u017fickKey", "sic\u212aKey", "\u017fIC\u212aKEY"]) {
    assert.deepEqual(fields.misspelled({ other: 1, [key]: 1 }), { key, field: "sickKey" });
  }
  assert.equal(fields.misspelled({ sickKey: 1, other: 1, sick: 1, "": 1 }), undefined);
});
