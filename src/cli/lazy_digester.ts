import { createDigester, type Digester } from "../content/digester.ts";
import type { DigestAlgorithm } from "../oci/digest.ts";

/** Hashes only what nobody has hashed before. */
export class LazyDigester implements Digester {
  #algorithm: DigestAlgorithm;
  #hashOf: (bytes: Uint8Array) => string | undefined;
  #digester: Digester | undefined;
  #found: string | undefined;

  constructor(algorithm: DigestAlgorithm, hashOf: (bytes: Uint8Array) => string | undefined) {
    this.#algorithm = algorithm;
    this.#hashOf = hashOf;
  }

  update(bytes: Uint8Array): void | Promise<void> {
    this.#found = this.#digester ? undefined : this.#hashOf(bytes);
    if (this.#found === undefined) return this.#hash().update(bytes);
  }

  digest(): string | Promise<string> {
    return this.#found ?? this.#hash().digest();
  }

  #hash(): Digester {
    // Deno, Bun and Node have all but blake3 at once.
    return this.#digester ??= createDigester(this.#algorithm) as Digester;
  }
}
