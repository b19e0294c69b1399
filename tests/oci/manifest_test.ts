import { test } from "node:test";
import assert from "node:assert/strict";
import {
  InvalidDescriptorError,
  InvalidManifestError,
  parseIndex,
  parseManifest,
} from "../../mod.ts";
import { parseManifestOrIndex, referrerDescriptor } from "../../src/oci/manifest.ts";
import { utf8 } from "../helpers/bytes.ts";

const DIGEST = `sha256:${"d".repeat(64)}`;
const CONFIG = {
  mediaType: "application/vnd.oci.image.config.v1+json",
  digest: `sha256:${"c".repeat(64)}`,
  size: 2,
};
const LAYER = {
  mediaType: "application/vnd.oci.image.layer.v1.tar",
  digest: `sha256:${"1".repeat(64)}`,
  size: 10,
};
const MANIFEST = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${"e".repeat(64)}`,
  size: 300,
};

const json = (value: unknown) => utf8(JSON.stringify(value));

/** Checks that a parser refuses a document, and names it and the field. */
function refuses(
  parse: (bytes: Uint8Array, digest: string) => unknown,
  bytes: Uint8Array,
  field: string,
) {
  assert.throws(() => parse(bytes, DIGEST), (error) => {
    assert.ok(error instanceof InvalidManifestError, String(error));
    assert.equal(error.name, "InvalidManifestError");
    assert.equal(error.digest, DIGEST);
    assert.equal(error.field, field);
    assert.ok(error.message.includes(DIGEST), error.message);
    return true;
  }, new TextDecoder().decode(bytes));
}

test("parseManifest() reads config and layers", () => {
  assert.deepEqual(
    parseManifest(json({ schemaVersion: 2, config: CONFIG, layers: [LAYER, LAYER] }), DIGEST),
    { config: CONFIG, layers: [LAYER, LAYER] },
  );
});

test("parseManifest() reads what else the spec knows", () => {
  const document = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType: "application/vnd.example",
    subject: MANIFEST,
    annotations: { key: "text" },
    config: CONFIG,
    layers: [],
  };
  assert.deepEqual(parseManifest(json({ schemaVersion: 2, ...document }), DIGEST), document);
});

test("parseManifest() reads Docker's manifests", () => {
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  assert.deepEqual(
    parseManifest(json({ schemaVersion: 2, mediaType, config: CONFIG, layers: [] }), DIGEST),
    { mediaType, config: CONFIG, layers: [] },
  );
});

test("parseManifest() reads one without layers, or without a version, as Go does", () => {
  for (const layers of [undefined, null, []]) {
    assert.deepEqual(parseManifest(json({ config: CONFIG, layers }), DIGEST), {
      config: CONFIG,
      layers: [],
    });
  }
});

test("parseIndex() reads manifests with their platforms", () => {
  const manifests = [
    { ...MANIFEST, platform: { architecture: "arm64", os: "linux", variant: "v8" } },
    MANIFEST,
  ];
  assert.deepEqual(parseIndex(json({ schemaVersion: 2, manifests }), DIGEST), { manifests });
});

test("parseIndex() reads an empty one", () => {
  for (const manifests of [undefined, null, []]) {
    assert.deepEqual(parseIndex(json({ schemaVersion: 2, manifests }), DIGEST), { manifests: [] });
  }
});

test("a document that is both manifest and index is neither (CVE-2021-41190)", () => {
  const both = json({ schemaVersion: 2, config: CONFIG, layers: [], manifests: [] });
  refuses(parseManifest, both, "manifests");
  refuses(parseIndex, both, "config");
  refuses(parseManifest, json({ config: CONFIG, manifests: null }), "manifests");
  refuses(parseIndex, json({ manifests: [], layers: null }), "layers");
});

test("a document that says it is the other is refused", () => {
  for (
    const mediaType of [
      "application/vnd.oci.image.index.v1+json",
      "application/vnd.docker.distribution.manifest.list.v2+json",
    ]
  ) {
    refuses(parseManifest, json({ mediaType, config: CONFIG, layers: [] }), "mediaType");
  }
  for (
    const mediaType of [
      "application/vnd.oci.image.manifest.v1+json",
      "application/vnd.docker.distribution.manifest.v2+json",
    ]
  ) {
    refuses(parseIndex, json({ mediaType, manifests: [] }), "mediaType");
  }
});

test("what is no JSON object is refused", () => {
  for (
    const bytes of [
      utf8(""),
      utf8("{"),
      utf8("null"),
      utf8("[]"),
      utf8('"text"'),
      utf8("{}{}"),
      utf8("\ufeff{}"),
      new Uint8Array([0x1f, 0x8b, 8, 0]),
    ]
  ) {
    refuses(parseManifest, bytes, "");
    refuses(parseIndex, bytes, "");
  }
});

test("Docker's schema 1 is refused with a way on", () => {
  const schema1 = json({ schemaVersion: 1, name: "app", fsLayers: [] });
  refuses(parseManifest, schema1, "fsLayers");
  assert.throws(() => parseManifest(schema1, DIGEST), /schema 1.*push the image anew/);
});

test("other versions are refused", () => {
  for (const schemaVersion of [1, 3, "2", null, {}, [[]], { toString: 1 }]) {
    refuses(parseManifest, json({ schemaVersion, config: CONFIG, layers: [] }), "schemaVersion");
    refuses(parseIndex, json({ schemaVersion, manifests: [] }), "schemaVersion");
  }
});

test("a field in another case is refused: Go reads it, others do not", () => {
  const manifest = { config: CONFIG, layers: [] };
  for (const key of ["Layers", "LAYERS", "layerſ", "Config", "Manifests", "Subject", "mediatype"]) {
    refuses(parseManifest, json({ ...manifest, [key]: [] }), JSON.stringify(key));
    refuses(parseIndex, json({ manifests: [], [key]: [] }), JSON.stringify(key));
  }
  const document = { manifests: [], annotations: { Layers: "1" }, other: 1, layer: 1, Ärger: 1 };
  assert.deepEqual(parseIndex(json(document), DIGEST).manifests, []);
});

test("a key that stands twice is refused: of two, Go merges them, others take the last", () => {
  const layer = JSON.stringify(LAYER);
  const config = JSON.stringify(CONFIG);
  const twice =
    `{"config":${config},"layers":[${layer}],"layers":[{"digest":"${DIGEST}","size":1}]}`;
  refuses(parseManifest, new TextEncoder().encode(twice), '"layers"');
  refuses(parseManifest, new TextEncoder().encode('{"":1,"":2}'), '""');
  const inside = `{"manifests":[{"platform":{"os":"linux"},"platform":{"os":"linux"}}]}`;
  refuses(parseIndex, new TextEncoder().encode(inside), '"platform"');
});

test("fields of another type are refused", () => {
  refuses(parseManifest, json({ layers: [] }), "config");
  refuses(parseManifest, json({ config: [], layers: [] }), "config");
  refuses(parseManifest, json({ config: CONFIG, layers: {} }), "layers");
  refuses(parseManifest, json({ config: CONFIG, layers: [], mediaType: 1 }), "mediaType");
  refuses(parseManifest, json({ config: CONFIG, layers: [], artifactType: {} }), "artifactType");
  refuses(parseIndex, json({ manifests: "all" }), "manifests");
});

test("a broken descriptor is told by its place in the document", () => {
  const cases: [where: string, parse: () => unknown][] = [
    [
      `manifest ${DIGEST} layers[1]`,
      () =>
        parseManifest(json({ config: CONFIG, layers: [LAYER, { ...LAYER, size: -1 }] }), DIGEST),
    ],
    [
      `manifest ${DIGEST} config`,
      () => parseManifest(json({ config: { ...CONFIG, digest: "x" }, layers: [] }), DIGEST),
    ],
    [
      `manifest ${DIGEST} subject`,
      () => parseManifest(json({ config: CONFIG, layers: [], subject: {} }), DIGEST),
    ],
    [
      `manifest ${DIGEST} manifests[0]`,
      () => parseIndex(json({ manifests: [{ ...MANIFEST, size: 2 ** 60 }] }), DIGEST),
    ],
    [
      `manifest ${DIGEST}`,
      () => parseIndex(json({ manifests: [], annotations: { key: 1 } }), DIGEST),
    ],
  ];
  for (const [where, parse] of cases) {
    assert.throws(parse, (error) => {
      assert.ok(error instanceof InvalidDescriptorError, String(error));
      assert.equal(error.where, where);
      return true;
    });
  }
});

test("broken UTF-8 becomes U+FFFD, as in Go", () => {
  const bytes = json({ config: CONFIG, layers: [], annotations: { key: "?" } });
  bytes[bytes.lastIndexOf("?".charCodeAt(0))] = 0xff;
  assert.deepEqual(parseManifest(bytes, DIGEST).annotations, { key: "\ufffd" });
});

test("fields that are null or empty are as those that are not there", () => {
  const nothing = { mediaType: null, artifactType: null, subject: null, annotations: null };
  const empty = { mediaType: "", artifactType: "", annotations: {} };
  for (const fields of [nothing, empty]) {
    assert.deepEqual(parseIndex(json({ ...fields, manifests: [] }), DIGEST), { manifests: [] });
  }
});

test("an error says what it found", () => {
  const cases: [document: unknown, why: string | RegExp][] = [
    [{ schemaVersion: 1 }, "schemaVersion must be 2, not 1"],
    [{ schemaVersion: "2" }, "schemaVersion must be 2, not a string"],
    [{ Layers: [] }, /"Layers" must be written "layers": programs differ/],
    [[], "is not a JSON object"],
  ];
  for (const [document, why] of cases) {
    const message = typeof why === "string" ? `Cannot use manifest ${DIGEST}: ${why}` : why;
    assert.throws(() => parseIndex(json(document), DIGEST), { message });
  }
  assert.throws(() => parseIndex(utf8("{"), DIGEST), ({ message, cause }: Error) => {
    assert.equal(message, `Cannot use manifest ${DIGEST}: is not JSON`);
    return cause instanceof SyntaxError;
  });
});

test("parseManifestOrIndex() takes what has a config or layers for a manifest", () => {
  const parse = parseManifestOrIndex;
  assert.deepEqual(parse(json({ config: CONFIG }), DIGEST), { config: CONFIG, layers: [] });
  refuses(parse, json({ layers: [] }), "config");
  assert.deepEqual(parse(json({}), DIGEST), { manifests: [] });
  refuses(parse, json({ manifests: [], layers: [] }), "layers");
});

test("referrerDescriptor() has the document's annotations, and its type or its config's", () => {
  const listed = { ...MANIFEST, urls: ["https://example.com"], annotations: { old: "1" } };
  const annotations = { key: "text" };
  const manifest = { config: CONFIG, layers: [], annotations };
  assert.deepEqual(referrerDescriptor(listed, manifest), {
    ...MANIFEST,
    annotations,
    artifactType: CONFIG.mediaType,
  });
  assert.deepEqual(referrerDescriptor(listed, { ...manifest, artifactType: "its own" }), {
    ...MANIFEST,
    annotations,
    artifactType: "its own",
  });
  assert.deepEqual(referrerDescriptor(listed, { manifests: [] }), MANIFEST);
});
