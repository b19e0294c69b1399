import { test } from "node:test";
import assert from "node:assert/strict";
import {
  createDigester,
  DIGEST_ALGORITHMS,
  type DigestAlgorithm,
  type Digester,
  DigestMismatchError,
  exportArchive,
  MemoryStore,
} from "../../mod.ts";
import { collect, equal, noise } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";
import { reachable, without } from "./reachable.ts";

const std = await reachable(() => import("@std/crypto"));
const skip = without(std, "@std/crypto");

/** Hashes with @std/crypto, which reads a stream and tells the hash at its end. */
function stdDigester(algorithm: DigestAlgorithm): Digester {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  const name = algorithm.toUpperCase().replace("SHA", "SHA-") as "SHA-256";
  const hash = std!.crypto.subtle.digest(name, readable);
  return {
    // The hash is computed later than the chunk is taken, when its bytes may be others.
    update: (bytes) => writer.write(bytes.slice()),
    async digest() {
      await writer.close();
      return new Uint8Array(await hash).toHex();
    },
  };
}

for (const algorithm of DIGEST_ALGORITHMS) {
  test(`@std/crypto and createDigester() agree on ${algorithm}`, { skip }, async () => {
    for (const size of [0, 1, 64, 65_537]) {
      const bytes = noise(size, size);
      const [ours, theirs] = [await createDigester(algorithm), stdDigester(algorithm)];
      await Promise.all([ours.update(bytes), theirs.update(bytes)]);
      assert.equal(await ours.digest(), await theirs.digest(), `${size} bytes`);
    }
  });

  test(`@std/crypto serves as a digester for ${algorithm}`, { skip }, async () => {
    const store = new MemoryStore();
    const { manifest } = await addImage(store, { layers: [noise(200_000)], algorithm });
    const archive = await collect(
      exportArchive(store, [manifest], { createDigester: stdDigester }),
    );
    assert.ok(equal(archive, await collect(exportArchive(store, [manifest]))));
  });
}

test("@std/crypto as a digester finds damage", { skip }, async () => {
  const store = new MemoryStore();
  const { manifest, layers } = await addImage(store, { layers: [noise(200_000)] });
  const damaged = {
    open: async (...[descriptor, options]: Parameters<MemoryStore["open"]>) => {
      const body = await store.open(descriptor, options);
      if (descriptor.digest !== layers[0]!.digest) return body;
      const bytes = await collect(body);
      bytes[0]! ^= 1;
      return bytes;
    },
  };
  await assert.rejects(
    collect(exportArchive(damaged, [manifest], { createDigester: stdDigester })),
    (error) => error instanceof DigestMismatchError && error.message.includes(layers[0]!.digest),
  );
});
