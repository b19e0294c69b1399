import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidDescriptorError, InvalidDigestError } from "../../mod.ts";
import { parseDescriptor } from "../../src/oci/descriptor.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const LEAST = { mediaType: "text/plain", digest: DIGEST, size: 5 };

test("parseDescriptor() keeps every field of the spec", () => {
  const full = {
    ...LEAST,
    urls: ["https://example.com/blob"],
    annotations: { "org.example": "text" },
    data: "aGVsbG8=",
    platform: {
      architecture: "amd64",
      os: "windows",
      "os.version": "10.0.17763.1397",
      "os.features": ["win32k"],
      variant: "v2",
    },
    artifactType: "application/vnd.example",
  };
  assert.deepEqual(parseDescriptor(structuredClone(full), "here"), full);
});

test("parseDescriptor() leaves out what the spec does not know", () => {
  assert.deepEqual(
    parseDescriptor(
      { ...LEAST, extra: 1, platform: { os: "linux", architecture: "arm", x: 1 } },
      "here",
    ),
    { ...LEAST, platform: { os: "linux", architecture: "arm" } },
  );
});

test("parseDescriptor() leaves out what is empty or null", () => {
  for (const empty of [null, "", [], {}]) {
    const fields = empty === ""
      ? { data: "", artifactType: "" }
      : Array.isArray(empty)
      ? { urls: [] }
      : empty === null
      ? { urls: null, annotations: null, data: null, platform: null, artifactType: null }
      : { annotations: {} };
    assert.deepEqual(parseDescriptor({ ...LEAST, ...fields }, "here"), LEAST);
  }
  assert.deepEqual(
    parseDescriptor({
      ...LEAST,
      platform: { "os.version": "", "os.features": [], variant: "" },
    }, "here"),
    { ...LEAST, platform: { architecture: "", os: "" } },
  );
});

test("parseDescriptor() keeps annotations with the names that every object has", () => {
  const annotations = JSON.parse('{"__proto__":"a","constructor":"b"}');
  const parsed = parseDescriptor({ ...LEAST, annotations }, "here").annotations!;
  assert.deepEqual(Object.entries(parsed), [["__proto__", "a"], ["constructor", "b"]]);
});

test("parseDescriptor() takes any size that a number can say exactly", () => {
  for (const size of [0, 1, 2 ** 33, Number.MAX_SAFE_INTEGER]) {
    assert.equal(parseDescriptor({ ...LEAST, size }, "here").size, size);
  }
});

test("parseDescriptor() takes a descriptor without a media type, as containerd does", () => {
  const { mediaType: _, ...without } = LEAST;
  for (const value of [without, { ...LEAST, mediaType: null }, { ...LEAST, mediaType: "" }]) {
    assert.deepEqual(parseDescriptor(value, "here"), { mediaType: "", digest: DIGEST, size: 5 });
  }
});

test("parseDescriptor() names where and which field is at fault", () => {
  const cases: [field: string, value: unknown][] = [
    ["", null],
    ["", undefined],
    ["", "text"],
    ["", []],
    ["mediaType", { ...LEAST, mediaType: 1 }],
    ["digest", { ...LEAST, digest: undefined }],
    ["digest", { ...LEAST, digest: 1 }],
    ["digest", { ...LEAST, digest: "sha256:../../etc/passwd" }],
    ["digest", { ...LEAST, digest: `md5:${"a".repeat(32)}` }],
    ["size", { ...LEAST, size: undefined }],
    ["size", { ...LEAST, size: null }],
    ["size", { ...LEAST, size: -1 }],
    ["size", { ...LEAST, size: 0.5 }],
    ["size", { ...LEAST, size: 2 ** 53 }],
    ["size", { ...LEAST, size: 2 ** 60 }],
    ["size", { ...LEAST, size: NaN }],
    ["size", { ...LEAST, size: Infinity }],
    ["size", { ...LEAST, size: "5" }],
    ["urls", { ...LEAST, urls: "https://example.com" }],
    ["urls", { ...LEAST, urls: [1] }],
    ["annotations", { ...LEAST, annotations: "text" }],
    ["annotations", { ...LEAST, annotations: [] }],
    ['annotations["key"]', { ...LEAST, annotations: { key: 1 } }],
    ['annotations["key"]', { ...LEAST, annotations: { key: null } }],
    ["data", { ...LEAST, data: 1 }],
    ["data", { ...LEAST, data: "aGVsbG8" }],
    ["data", { ...LEAST, data: "aGVs bG8=" }],
    ["data", { ...LEAST, data: "a-_=" }],
    ["data", { ...LEAST, data: "a===" }],
    ["platform", { ...LEAST, platform: "linux/amd64" }],
    ["platform", { ...LEAST, platform: [] }],
    ["os", { ...LEAST, platform: { os: 1 } }],
    ["architecture", { ...LEAST, platform: { architecture: {} } }],
    ["os.version", { ...LEAST, platform: { "os.version": 10 } }],
    ["os.features", { ...LEAST, platform: { "os.features": "win32k" } }],
    ["variant", { ...LEAST, platform: { variant: 7 } }],
    ["artifactType", { ...LEAST, artifactType: [] }],
    ['"Size"', { ...LEAST, Size: 6 }],
    ['"DIGEST"', { ...LEAST, DIGEST }],
    ['"urlſ"', { ...LEAST, "urlſ": [] }],
    ['"OS"', { ...LEAST, platform: { os: "linux", OS: "windows" } }],
    ['"os.Version"', { ...LEAST, platform: { "os.Version": "10" } }],
  ];
  for (const [field, value] of cases) {
    assert.throws(() => parseDescriptor(value, "index.json manifests[3]"), (error) => {
      assert.ok(error instanceof InvalidDescriptorError, String(error));
      assert.equal(error.name, "InvalidDescriptorError");
      assert.equal(error.field, field);
      assert.equal(error.where, "index.json manifests[3]");
      assert.ok(error.message.includes("index.json manifests[3]"), error.message);
      return true;
    }, `${field}: ${JSON.stringify(value)}`);
  }
});

test("parseDescriptor() says what it expected, and what came", () => {
  const size = "size must be a whole number from 0 to 9007199254740991, not";
  const cases: [value: unknown, why: string][] = [
    [[], "expected an object, found an array"],
    [{ ...LEAST, digest: "" }, "digest is missing"],
    [{ ...LEAST, size: -1 }, `${size} -1`],
    [{ ...LEAST, size: "5" }, `${size} a string`],
    [{ ...LEAST, size: null }, `${size} nothing`],
    [{ ...LEAST, annotations: "text" }, "annotations must be an object, not a string"],
    [{ ...LEAST, annotations: { a: [] } }, 'annotations["a"] must be a string, not an array'],
    [{ ...LEAST, platform: 1 }, "platform must be an object, not a number"],
    [{ ...LEAST, mediaType: true }, "mediaType must be a string, not a boolean"],
    [{ ...LEAST, Size: 6 }, '"Size" must be written "size"'],
  ];
  for (const [value, why] of cases) {
    for (const where of ["here", () => "here"]) {
      assert.throws(() => parseDescriptor(value, where), {
        message: `Cannot use the descriptor in here: ${why}`,
      });
    }
  }
});

test("parseDescriptor() copies what may be changed by whoever gave it", () => {
  const given = {
    ...LEAST,
    urls: ["a"],
    annotations: { key: "a" },
    platform: { os: "linux", architecture: "arm", "os.features": ["a"] },
  };
  const parsed = parseDescriptor(given, "here");
  const before = structuredClone(parsed);
  given.urls.push("b");
  given.annotations.key = "b";
  given.platform.os = "windows";
  given.platform["os.features"].push("b");
  assert.deepEqual(parsed, before);
});

test("parseDescriptor() brings data to the one form that Go writes", () => {
  const cases = [["QQ==", "QQ=="], ["QR==", "QQ=="], ["QU\r\nJD", "QUJD"], ["\n", undefined]];
  for (const [data, expected] of cases) {
    assert.equal(parseDescriptor({ ...LEAST, data }, "here").data, expected);
  }
});

test("parseDescriptor() keeps the cause of a broken digest", () => {
  assert.throws(() => parseDescriptor({ ...LEAST, digest: "nonsense" }, "here"), (error) => {
    assert.ok((error as Error).cause instanceof InvalidDigestError);
    return true;
  });
});
