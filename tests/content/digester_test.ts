import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createDigester,
  DIGEST_ALGORITHMS,
  type DigestAlgorithm,
  type Digester,
  UnsupportedAlgorithmError,
} from "../../mod.ts";
import { nobleDigester, streamDigester } from "../../src/content/digester.ts";
import { concat, macrotask, noise, utf8 } from "../helpers/bytes.ts";

/** What each algorithm makes of nothing, of "abc", and of a million times "a". */
const KNOWN: Record<DigestAlgorithm, [empty: string, abc: string, million: string]> = {
  sha256: [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  ],
  sha384: [
    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da" +
    "274edebfe76f65fbd51ad2f14898b95b",
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed" +
    "8086072ba1e7cc2358baeca134c825a7",
    "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b" +
    "07b8b3dc38ecc4ebae97ddd87f3d8985",
  ],
  sha512: [
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" +
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb" +
    "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
  ],
  blake3: [
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
    "616f575a1b58d4c9797d4217b9730ae5e6eb319d76edef6549b46f4efe31ff8b",
  ],
};

/** Stands in for Cloudflare's `crypto.DigestStream`: slow, and it takes the bytes at its leisure. */
class FakeDigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;

  constructor(algorithm: string) {
    const written: Uint8Array[] = [];
    const { promise, resolve } = deferred<ArrayBuffer>();
    super({
      async write(bytes) {
        await macrotask();
        written.push(bytes.slice());
      },
      async close() {
        resolve(await crypto.subtle.digest(algorithm, concat(written)));
      },
    });
    this.digest = promise;
  }
}

function hasNodeCrypto(): boolean {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.("node:crypto") !== undefined;
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((given) => resolve = given);
  return { promise, resolve };
}

const PATHS: [
  name: string,
  create: (algorithm: DigestAlgorithm) => Digester | Promise<Digester>,
][] = [
  ["createDigester()", createDigester],
  ["with @noble/hashes", nobleDigester],
  [
    "with DigestStream",
    (algorithm) =>
      algorithm === "blake3"
        ? createDigester(algorithm)
        : streamDigester(new FakeDigestStream(algorithm.replace("sha", "SHA-"))),
  ],
];

for (const [name, create] of PATHS) {
  test(`${name} agrees with the published values`, async () => {
    for (const algorithm of DIGEST_ALGORITHMS) {
      const inputs = [utf8(""), utf8("abc"), new Uint8Array(1_000_000).fill(0x61)];
      for (const [i, input] of inputs.entries()) {
        const digester = await create(algorithm);
        await digester.update(input);
        assert.equal(await digester.digest(), KNOWN[algorithm][i], `${algorithm} ${i}`);
      }
    }
  });

  test(`${name} takes its bytes in pieces of any size`, async () => {
    const bytes = noise(1000);
    const cuts = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...DIGEST_ALGORITHMS), cuts, async (algorithm, cuts) => {
        const digester = await create(algorithm);
        let at = 0;
        for (const cut of [...cuts.toSorted((a, b) => a - b), 1000]) {
          await digester.update(bytes.subarray(at, cut));
          at = cut;
        }
        const whole = await nobleDigester(algorithm);
        await whole.update(bytes);
        assert.equal(await digester.digest(), await whole.digest());
      }),
      { numRuns: 30 },
    );
  });

  test(`${name} gives the bytes back once update() is done`, async () => {
    const digester = await create("sha256");
    const bytes = utf8("abc");
    await digester.update(bytes);
    bytes.fill(0);
    assert.equal(await digester.digest(), KNOWN.sha256[1]);
  });
}

test("createDigester() takes node:crypto where there is one, without a promise", {
  skip: !hasNodeCrypto(),
}, () => {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    assert.ok(!("then" in createDigester(algorithm)), algorithm);
  }
});

test("createDigester() refuses an algorithm that no descriptor may use", () => {
  for (const algorithm of ["md5", "sha1", "", "constructor"]) {
    assert.throws(() => createDigester(algorithm as "sha256"), (error) => {
      assert.ok(error instanceof UnsupportedAlgorithmError, String(error));
      assert.equal(error.algorithm, algorithm);
      return true;
    });
  }
});
