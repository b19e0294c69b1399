import { UnsupportedAlgorithmError } from "../errors.ts";
import { DIGEST_ALGORITHMS, type DigestAlgorithm } from "../oci/digest.ts";

/**
 * A hash in the making. Methods may answer at once or by a promise: where the hash runs elsewhere,
 * as in Cloudflare's `DigestStream`, the caller has to wait before it gives the bytes away.
 */
export interface Digester {
  /** Takes the next bytes. They are the caller's again once this is done. */
  update(bytes: Uint8Array): void | Promise<void>;
  /** The hash of all bytes so far in lower-case hex; ends the digester. */
  digest(): string | Promise<string>;
}

/** Makes a digester. Give your own where you have a faster one, or one that must be used. */
export type CreateDigester = (algorithm: DigestAlgorithm) => Digester | Promise<Digester>;

/** The parts of node:crypto that are used. Deno, Bun, Node and new workerd all have them. */
interface NodeCrypto {
  createHash(algorithm: string): {
    update(bytes: Uint8Array): unknown;
    digest(encoding: "hex"): string;
  };
}

/** Cloudflare's own: https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#constructors */
interface HashingStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;
}

const nodeCrypto = (globalThis as unknown as {
  process?: { getBuiltinModule?(name: string): NodeCrypto | undefined };
}).process?.getBuiltinModule?.("node:crypto");

const DigestStream = (globalThis.crypto as unknown as
  | { DigestStream?: new (algorithm: string) => HashingStream }
  | undefined)?.DigestStream;

/**
 * The fastest incremental hash that this runtime has: node:crypto's where there is one, then
 * `crypto.DigestStream`, then @noble/hashes, which is loaded only then. blake3 is native nowhere.
 *
 * @throws {UnsupportedAlgorithmError} where none can compute it
 *
 * @example
 * ```ts
 * import { createDigester } from "@oci/archive";
 *
 * const digester = await createDigester("sha256");
 * await digester.update(new TextEncoder().encode("hello"));
 * console.log(await digester.digest()); // 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
 * ```
 */
export function createDigester(algorithm: DigestAlgorithm): Digester | Promise<Digester> {
  // node:crypto would make an md5 too, which no descriptor could be verified by.
  if (!DIGEST_ALGORITHMS.includes(algorithm)) {
    throw new UnsupportedAlgorithmError(algorithm, DIGEST_ALGORITHMS);
  }
  if (algorithm !== "blake3") {
    if (nodeCrypto) return new NativeDigester(nodeCrypto, algorithm);
    if (DigestStream) return streamDigester(new DigestStream(algorithm.replace("sha", "SHA-")));
  }
  return nobleDigester(algorithm);
}

/** Hashes with node:crypto. */
class NativeDigester implements Digester {
  #hash: ReturnType<NodeCrypto["createHash"]>;

  constructor(crypto: NodeCrypto, algorithm: string) {
    this.#hash = crypto.createHash(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}

/** Hashes with Cloudflare's stream. */
export function streamDigester(stream: HashingStream): Digester {
  const writer = stream.getWriter();
  return {
    update: (bytes) => writer.write(bytes),
    async digest() {
      await writer.close();
      return hex(new Uint8Array(await stream.digest));
    },
  };
}

/** Hashes with @noble/hashes. */
export async function nobleDigester(algorithm: DigestAlgorithm): Promise<Digester> {
  const hash = await loadNoble(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hex(hash.digest()),
  };
}

async function loadNoble(algorithm: DigestAlgorithm) {
  switch (algorithm) {
    case "sha256":
      return (await import("@noble/hashes/sha2.js")).sha256.create();
    case "sha384":
      return (await import("@noble/hashes/sha2.js")).sha384.create();
    case "sha512":
      return (await import("@noble/hashes/sha2.js")).sha512.create();
    case "blake3":
      return (await import("@noble/hashes/blake3.js")).blake3.create();
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
