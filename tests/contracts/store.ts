import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BlobNotFoundError,
  type ContentStore,
  type Descriptor,
  type Existence,
  type Labels,
  MediaType,
  MemoryStore,
  ReferenceNotFoundError,
  type Referrers,
  type Resolver,
  type Roots,
  type StoreOptions,
} from "../../mod.ts";
import { collect, noise, utf8 } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";

/** What a store under test must hold. Every blob can be reached from the roots. */
export interface StoreContents {
  /** Every blob with its bytes, in no order. */
  readonly blobs: readonly { descriptor: Descriptor; bytes: Uint8Array }[];
  /** What stands on its own, in order; a tag where it has one. */
  readonly roots: readonly { descriptor: Descriptor; tag?: string }[];
}

/** A store that holds the contents. */
export interface StoreFixture {
  store: ContentStore & Partial<Existence & Labels & Referrers & Resolver & Roots>;
  /**
   * How the store is asked for a tag or a digest.
   * @default {as it is}
   */
  reference?: (tagOrDigest: string) => string;
  /** Ends what the store needs: its server, its folder. */
  close?: () => unknown;
}

/** The optional abilities of a store, by their methods' names. */
export type Ability = "exists" | "resolve" | "roots" | "referrers" | "labels";

/**
 * The contract that every content store keeps.
 *
 * @param abilities the optional methods that it has; those it has not are checked to be absent
 * @param makeStore makes a store with these contents; called once for each test
 */
export function describeStore(
  name: string,
  abilities: readonly Ability[],
  makeStore: (contents: StoreContents) => StoreFixture | Promise<StoreFixture>,
): void {
  const check = (does: string, body: (fixture: StoreFixture, held: Held) => Promise<void>) =>
    test(`${name}: ${does}`, async () => {
      const held = await makeContents();
      const fixture = await makeStore(held);
      try {
        await body(fixture, held);
      } finally {
        await fixture.close?.();
      }
    });

  check("open() gives every blob's bytes", async ({ store }, { blobs }) => {
    for (const { descriptor, bytes } of blobs) {
      const opened = await collect(await store.open(descriptor));
      assert.deepEqual(opened, bytes, `${descriptor.digest} of ${bytes.length} bytes`);
    }
  });

  check("open() gives exactly the part that was asked for", async ({ store }, { large }) => {
    const { descriptor, bytes } = large;
    const size = bytes.length;
    for (
      const [offset, length] of [
        [0, 1],
        [1, 1],
        [size - 1, 1],
        [65_535, 2],
        [1, size - 2],
        [1_048_575, 1_048_577],
      ] as const
    ) {
      const opened = await collect(await store.open(descriptor, { offset, length }));
      assert.deepEqual(opened, bytes.slice(offset, offset + length), `${length} from ${offset}`);
    }
  });

  check("open() gives any part that was asked for", async ({ store }, { large }) => {
    const { descriptor, bytes } = large;
    const place = fc.integer({ min: 0, max: bytes.length });
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        const [offset, end] = [Math.min(a, b), Math.max(a, b)];
        const opened = await collect(
          await store.open(descriptor, { offset, length: end - offset }),
        );
        assert.deepEqual(opened, bytes.slice(offset, end));
      }),
      { numRuns: 20 },
    );
  });

  check("open() gives the rest where only an offset was given", async ({ store }, { large }) => {
    const { descriptor, bytes } = large;
    for (const offset of [0, 1, bytes.length - 1]) {
      const opened = await collect(await store.open(descriptor, { offset }));
      assert.deepEqual(opened, bytes.slice(offset));
    }
  });

  check("open() gives the beginning where only a length was given", async ({ store }, held) => {
    for (const { descriptor, bytes } of [held.large, held.small]) {
      const opened = await collect(await store.open(descriptor, { length: 3 }));
      assert.deepEqual(opened, bytes.slice(0, 3));
    }
  });

  check("open() gives nothing where nothing was asked for", async ({ store }, held) => {
    for (const { descriptor, bytes } of [held.large, held.small, held.empty]) {
      for (const offset of [0, Math.min(1, bytes.length), bytes.length]) {
        const opened = await collect(await store.open(descriptor, { offset, length: 0 }));
        assert.equal(opened.length, 0);
      }
    }
  });

  check("open() gives what there is where more was asked for", async ({ store }, held) => {
    for (const { descriptor, bytes } of [held.large, held.small, held.empty]) {
      const size = bytes.length;
      const past = await collect(await store.open(descriptor, { offset: 0, length: size + 10 }));
      assert.deepEqual(past, bytes);
      const atEnd = await collect(await store.open(descriptor, { offset: size }));
      assert.equal(atEnd.length, 0);
      for (const offset of [size + 1, size + 2, 2 * size + 10]) {
        const beyond = await collect(await store.open(descriptor, { offset, length: 10 }));
        assert.equal(beyond.length, 0, `from ${offset}`);
      }
    }
  });

  check("open() rejects with a BlobNotFoundError where there is no blob", async ({ store }) => {
    for (const options of [undefined, { offset: 1, length: 2 }]) {
      await assert.rejects(
        Promise.resolve(store.open(ABSENT, options)),
        (error) => {
          assert.ok(error instanceof BlobNotFoundError, String(error));
          assert.equal(error.name, "BlobNotFoundError");
          assert.equal(error.digest, ABSENT.digest);
          assert.ok(error.message.includes(ABSENT.digest), error.message);
          return true;
        },
      );
    }
  });

  check("open() goes on after a blob that was not there", async ({ store }, { small }) => {
    await assert.rejects(Promise.resolve(store.open(ABSENT)));
    assert.deepEqual(await collect(await store.open(small.descriptor)), small.bytes);
  });

  check("open() rejects with the reason of a signal that has aborted", async ({ store }, held) => {
    for (const signal of ABORTED) {
      for (const { descriptor } of [held.large, held.small]) {
        await assert.rejects(
          Promise.resolve(store.open(descriptor, { signal })),
          (error) => error === signal.reason,
        );
      }
    }
  });

  check("a stream fails with the reason of a signal that aborts", async ({ store }, { large }) => {
    const controller = new AbortController();
    const body = await store.open(large.descriptor, { signal: controller.signal });
    if (body instanceof Uint8Array) return;
    const reader = body.getReader();
    const { value } = await reader.read();
    // Bytes that are all there, as in a Blob of Node's, have nothing left to end.
    if (value?.length === large.bytes.length) return;
    const reason = new Error("not any more");
    controller.abort(reason);
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, (error) => error === reason);
  });

  check("a signal that aborts late hurts nobody", async ({ store }, { large, small }) => {
    const controller = new AbortController();
    const { signal } = controller;
    for (const { descriptor, bytes } of [large, small]) {
      assert.deepEqual(await collect(await store.open(descriptor, { signal })), bytes);
    }
    controller.abort();
    assert.deepEqual(await collect(await store.open(small.descriptor)), small.bytes);
  });

  check("a stream may be cancelled at any time", async ({ store }, { large }) => {
    for (const chunks of [0, 1, 2]) {
      const body = await store.open(large.descriptor);
      if (body instanceof Uint8Array) return;
      const reader = body.getReader();
      for (let i = 0; i < chunks; i++) await reader.read();
      await reader.cancel(new Error("enough"));
    }
    assert.deepEqual(await collect(await store.open(large.descriptor)), large.bytes);
  });

  check("what open() gives belongs to the caller", async ({ store }, { large, small }) => {
    for (const { descriptor, bytes } of [large, small]) {
      for (const options of [undefined, { offset: 1, length: bytes.length - 1 }]) {
        const body = await store.open(descriptor, options);
        const chunks = body instanceof Uint8Array ? [body] : streamChunks(body);
        let size = 0;
        for await (const chunk of chunks) {
          size += chunk.length;
          chunk.fill(0);
          structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] });
        }
        assert.equal(size, bytes.length - (options?.offset ?? 0));
      }
      assert.deepEqual(await collect(await store.open(descriptor)), bytes);
    }
  });

  check("many opens at a time do not disturb each other", async ({ store }, { blobs, large }) => {
    const wanted = [...blobs, large, large, ...blobs];
    const opened = await Promise.all(
      wanted.map(async ({ descriptor }) => collect(await store.open(descriptor))),
    );
    for (const [i, { bytes }] of wanted.entries()) assert.deepEqual(opened[i], bytes);
  });

  check("lookAhead is absent or a count", ({ store: { lookAhead = 0 } }) => {
    assert.ok(Number.isSafeInteger(lookAhead) && lookAhead >= 0, String(lookAhead));
    return Promise.resolve();
  });

  check("has the abilities it should have", ({ store }) => {
    const all = ["exists", "resolve", "roots", "referrers", "labels"] as const;
    const has = all.filter((ability) => typeof store[ability] === "function");
    assert.deepEqual(has, all.filter((ability) => abilities.includes(ability)));
    return Promise.resolve();
  });

  for (const ability of abilities) {
    check(`${ability}() rejects with the reason of a signal that has aborted`, async (fixture) => {
      const { store, reference = (name) => name } = fixture;
      const calls = {
        exists: (options: StoreOptions) => store.exists!(ABSENT, options),
        resolve: (options: StoreOptions) => store.resolve!(reference("1.0"), options),
        roots: (options: StoreOptions) => store.roots!(options),
        referrers: (options: StoreOptions) => store.referrers!(ABSENT, options),
        labels: (options: StoreOptions) => store.labels!(ABSENT, options),
      };
      for (const signal of ABORTED) {
        await assert.rejects(() => calls[ability]({ signal }), (error) => error === signal.reason);
        // What a store remembers is not given either.
        await store.roots?.();
      }
    });
  }

  if (abilities.includes("exists")) {
    check("exists() tells what is there", async ({ store }, { blobs }) => {
      for (const { descriptor } of blobs) assert.equal(await store.exists!(descriptor), true);
      assert.equal(await store.exists!(ABSENT), false);
    });
  }

  if (abilities.includes("resolve")) {
    check("resolve() finds a root by tag and by digest", async (fixture, { image }) => {
      const { store, reference = (name) => name } = fixture;
      for (const name of ["1.0", image.digest, `@${image.digest}`]) {
        const { mediaType, digest, size } = await store.resolve!(reference(name));
        assert.deepEqual({ mediaType, digest, size }, image);
      }
    });

    check("resolve() rejects with a ReferenceNotFoundError", async (fixture) => {
      const { store, reference = (name) => name } = fixture;
      for (const name of ["2.0", ABSENT.digest, `@${ABSENT.digest}`]) {
        await assert.rejects(
          () => store.resolve!(reference(name)),
          (error) => {
            assert.ok(error instanceof ReferenceNotFoundError, String(error));
            assert.equal(error.name, "ReferenceNotFoundError");
            assert.ok(error.message.includes(name.replace(/^@/, "")), error.message);
            return true;
          },
        );
      }
    });
  }

  if (abilities.includes("roots")) {
    check("roots() lists what stands on its own, in order", async ({ store }, { roots }) => {
      const listed = await store.roots!();
      assert.deepEqual(
        listed.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
        roots.map(({ descriptor }) => descriptor),
      );
    });

    check("roots() give the tags that there are", async ({ store }, { roots }) => {
      const listed = await store.roots!();
      for (const [i, { tag }] of roots.entries()) {
        if (tag) assert.equal(listed[i]!.annotations?.["org.opencontainers.image.ref.name"], tag);
      }
    });

    check("the list that roots() gives belongs to the caller", async ({ store }) => {
      const listed = await store.roots!();
      const before = [...listed];
      listed.length = 0;
      assert.deepEqual(await store.roots!(), before);
    });
  }

  if (abilities.includes("referrers")) {
    check("referrers() lists the manifests with this subject", async ({ store }, held) => {
      const found = await store.referrers!(held.image);
      assert.deepEqual(
        found.map(({ mediaType, digest, size, artifactType, annotations }) => (
          { mediaType, digest, size, artifactType, annotations }
        )),
        [{
          ...held.signature,
          artifactType: "application/vnd.example.signature",
          annotations: { "org.example.signer": "somebody" },
        }],
      );
    });

    check("referrers() lists nothing where there are none", async ({ store }, held) => {
      assert.deepEqual(await store.referrers!(held.signature), []);
      assert.deepEqual(await store.referrers!(ABSENT), []);
    });
  }

  if (abilities.includes("labels")) {
    check("labels() gives text by key", async ({ store }, { image }) => {
      for (const [key, value] of Object.entries(await store.labels!(image))) {
        assert.equal(typeof value, "string", key);
      }
    });

    check("labels() gives none of a blob that is not there", async ({ store }) => {
      assert.deepEqual(await store.labels!(ABSENT), {});
    });
  }
}

const ABSENT: Descriptor = {
  mediaType: MediaType.ImageManifest,
  digest: `sha256:${"0".repeat(64)}`,
  size: 10,
};

/** With a reason of the caller's, and with the runtime's own. */
const ABORTED = [AbortSignal.abort(new Error("not any more")), AbortSignal.abort()];

type Blob = StoreContents["blobs"][number];

/** The contents, and by name what the tests ask for. */
interface Held extends StoreContents {
  large: Blob;
  small: Blob;
  empty: Blob;
  /** The first root, tagged `1.0`. */
  image: Descriptor;
  /** The second root, which refers to the first. */
  signature: Descriptor;
}

async function makeContents(): Promise<Held> {
  const memory = new MemoryStore();
  const sha512 = await memory.add(MediaType.ImageLayer, utf8("by another hash"), "sha512");
  const layers = [noise(3_000_001), "a small layer", ""];
  const plain = await addImage(memory, { layers });
  const image = await addImage(memory, {
    fields: { layers: [...plain.layers, sha512] },
    layers: [],
  });
  const signature = await addImage(memory, {
    config: "a signature's config",
    layers: ["a signature"],
    fields: {
      artifactType: "application/vnd.example.signature",
      subject: image.manifest,
      annotations: { "org.example.signer": "somebody" },
    },
  });
  const all = [
    ...[image.manifest, image.config, ...plain.layers, sha512],
    ...[signature.manifest, signature.config, ...signature.layers],
  ];
  const blobs = await Promise.all(
    all.map(async (descriptor) => ({ descriptor, bytes: await memory.open(descriptor) })),
  );
  const blobOf = ({ digest }: Descriptor) =>
    blobs.find(({ descriptor }) => descriptor.digest === digest)!;
  return {
    blobs,
    roots: [{ descriptor: image.manifest, tag: "1.0" }, { descriptor: signature.manifest }],
    large: blobOf(plain.layers[0]!),
    small: blobOf(plain.layers[1]!),
    empty: blobOf(plain.layers[2]!),
    image: image.manifest,
    signature: signature.manifest,
  };
}

async function* streamChunks(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
