import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  blobPath,
  DIGEST_ALGORITHMS,
  InvalidDigestError,
  parseDigest,
  UnsupportedAlgorithmError,
} from "../../mod.ts";
import { isDigest } from "../../src/oci/digest.ts";

const HEX_64 = "0123456789abcdef".repeat(4);

test("DIGEST_ALGORITHMS lists what can be verified", () => {
  assert.deepEqual([...DIGEST_ALGORITHMS].sort(), ["blake3", "sha256", "sha384", "sha512"]);
});

test("parseDigest() takes a digest apart", () => {
  for (
    const [algorithm, encoded] of [
      ["sha256", HEX_64],
      ["sha384", HEX_64 + "0".repeat(32)],
      ["sha512", HEX_64 + HEX_64],
      ["blake3", HEX_64],
    ] as const
  ) {
    assert.deepEqual(parseDigest(`${algorithm}:${encoded}`), { algorithm, encoded });
  }
});

test("parseDigest() throws an InvalidDigestError where the text is no digest", () => {
  for (
    const digest of [
      "",
      ":",
      "sha256",
      "sha256:",
      `:${HEX_64}`,
      HEX_64,
      `sha256:${HEX_64.slice(1)}`,
      `sha256:${HEX_64}0`,
      `sha256:${HEX_64.toUpperCase()}`,
      `sha256:${"g".repeat(64)}`,
      `SHA256:${HEX_64}`,
      `sha384:${HEX_64}`,
      `sha512:${HEX_64}`,
      ` sha256:${HEX_64}`,
      `sha256:${HEX_64} `,
      `sha256:${HEX_64}\n`,
      `sha256:${HEX_64}:${HEX_64}`,
      `sha256:../../../etc/passwd`,
      `sha256:${"../".repeat(21)}a`,
      `sha256:..`,
      `../sha256:${HEX_64}`,
      `sha256\0:${HEX_64}`,
      `sha256:${"\u0660".repeat(64)}`,
      `.:${HEX_64}`,
      `sha256+:${HEX_64}`,
      `sha256++b64:${HEX_64}`,
    ]
  ) {
    assert.throws(() => parseDigest(digest), (error) => {
      assert.ok(error instanceof InvalidDigestError, `${digest}: ${error}`);
      assert.equal(error.name, "InvalidDigestError");
      assert.equal(error.digest, digest);
      return true;
    });
  }
});

test("parseDigest() looks at every character of the hash", () => {
  for (let at = 0; at < HEX_64.length; at++) {
    for (const other of ["g", "/", ".", "A", "`", ":", "\u0130", "\u0661"]) {
      const digest = `sha256:${HEX_64.slice(0, at)}${other}${HEX_64.slice(at + 1)}`;
      assert.throws(() => parseDigest(digest), InvalidDigestError, digest);
      assert.equal(isDigest(digest), false);
    }
  }
  assert.equal(isDigest(`sha256:${HEX_64}`), true);
});

test("parseDigest() says what it expected", () => {
  const cases = [
    ["sha256", "expected <algorithm>:<encoded>, such as sha256:<64 hex>"],
    [`sha256:${HEX_64}0`, "expected 64 lower-case hex digits after sha256:"],
    [`sha384:${HEX_64}`, "expected 96 lower-case hex digits after sha384:"],
  ] as const;
  for (const [digest, why] of cases) {
    assert.throws(() => parseDigest(digest), {
      message: `Cannot use digest ${JSON.stringify(digest)}: ${why}`,
    });
  }
});

test("parseDigest() throws an UnsupportedAlgorithmError where nobody could verify", () => {
  for (
    const algorithm of ["md5", "sha1", "sha224", "sha256+b64", "multihash+base58"]
  ) {
    assert.throws(() => parseDigest(`${algorithm}:${HEX_64}`), (error) => {
      assert.ok(error instanceof UnsupportedAlgorithmError, `${algorithm}: ${error}`);
      assert.equal(error.algorithm, algorithm);
      assert.match(error.message, /sha256, sha384, sha512, blake3/);
      return true;
    });
  }
});

test("parseDigest() is not misled by the names that every object has", () => {
  for (const algorithm of ["constructor", "valueof", "tostring"]) {
    assert.throws(() => parseDigest(`${algorithm}:${HEX_64}`), UnsupportedAlgorithmError);
  }
});

test("parseDigest() quotes what came in its message, and not without end", () => {
  assert.throws(() => parseDigest(`sha256:\x1b[31m${"x".repeat(10_000)}`), (error) => {
    const { message } = error as Error;
    assert.ok(message.includes("\\u001b[31m"), message);
    assert.ok(!message.includes("\x1b"));
    assert.ok(message.length < 400, String(message.length));
    return true;
  });
});

test("blobPath() is where a layout keeps the blob", () => {
  assert.equal(blobPath(`sha256:${HEX_64}`), `blobs/sha256/${HEX_64}`);
  assert.equal(blobPath(`sha512:${HEX_64}${HEX_64}`), `blobs/sha512/${HEX_64}${HEX_64}`);
});

test("blobPath() throws as parseDigest() does", () => {
  assert.throws(() => blobPath("sha256:.."), InvalidDigestError);
  assert.throws(() => blobPath(`md5:${HEX_64}`), UnsupportedAlgorithmError);
});

test("blobPath() never leaves blobs/, whatever the text", () => {
  const hostile = fc.string({
    unit: fc.constantFrom("sha256", ":", "/", "..", ".", "\\", "\0", "a", "0", "%2f"),
    maxLength: 80,
  });
  fc.assert(fc.property(hostile, (digest) => {
    try {
      assert.match(blobPath(digest), /^blobs\/[a-z0-9]+\/[0-9a-f]{64,128}$/);
    } catch (error) {
      assert.ok(
        error instanceof InvalidDigestError || error instanceof UnsupportedAlgorithmError,
        String(error),
      );
    }
  }));
});
