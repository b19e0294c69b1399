import { test } from "node:test";
import assert from "node:assert/strict";
import {
  BlobNotFoundError,
  BlobReadError,
  ContainerdError,
  type Descriptor,
  exportArchive,
  InvalidDigestError,
  MediaType,
  MemoryStore,
  planArchive,
  ReferenceNotFoundError,
  SizeMismatchError,
} from "../../../mod.ts";
import { ContainerdStore } from "../../../src/stores/containerd/containerd.ts";
import { describeStore, type StoreContents } from "../../contracts/store.ts";
import { collect, equal, noise, sha256 } from "../../helpers/bytes.ts";
import { countingSignal } from "../../helpers/counting_signal.ts";
import { addImage } from "../../helpers/image.ts";
import { type FakeContents, startFakeContainerd } from "./fake_containerd.ts";

const NAME = "docker.io/library/app:1.0";
const LABEL = "containerd.io/gc.ref.content.referrer.sha256.";

/** A store over a containerd of these contents, for as long as the body takes. */
async function inContainerd(
  contents: FakeContents,
  body: (store: ContainerdStore, fake: Awaited<ReturnType<typeof startFakeContainerd>>) => unknown,
): Promise<void> {
  const fake = await startFakeContainerd(contents);
  const store = new ContainerdStore({ address: fake.address, namespace: "tests" });
  try {
    await body(store, fake);
  } finally {
    store.close();
    await fake.stop();
  }
}

/** An image of one layer, in memory and as containerd holds it. */
async function imageOf(layer: string | Uint8Array) {
  const memory = new MemoryStore();
  const { manifest, config, layers } = await addImage(memory, { layers: [layer] });
  const blobs = await Promise.all([manifest, config, ...layers].map(async (descriptor) => ({
    descriptor,
    bytes: await memory.open(descriptor),
  })));
  return { memory, manifest, layer: layers[0]!, blobs, images: [{ name: NAME, target: manifest }] };
}

for (const messageSize of [1 << 20, 32 << 10]) {
  describeStore(
    `ContainerdStore with messages of ${messageSize} bytes`,
    ["exists", "resolve", "roots", "referrers", "labels"],
    async ({ blobs, roots: [image, signature] }: StoreContents) => {
      const labelled = blobs.map((blob) =>
        blob.descriptor.digest === image!.descriptor.digest
          ? { ...blob, labels: { [`${LABEL}0`]: signature!.descriptor.digest } }
          : blob
      );
      const fake = await startFakeContainerd({
        blobs: labelled,
        images: [
          { name: "docker.io/library/app:1.0", target: image!.descriptor },
          { name: "signature", target: signature!.descriptor },
        ],
        messageSize,
      });
      const store = new ContainerdStore({ address: `unix://${fake.address}` });
      return {
        store,
        reference: (tagOrDigest) => tagOrDigest.includes(":") ? tagOrDigest : `app:${tagOrDigest}`,
        async close() {
          store.close();
          await fake.stop();
        },
      };
    },
  );
}

test("ContainerdStore gives the archive that the same image makes elsewhere", async () => {
  const { memory, manifest, ...held } = await imageOf(noise(2_500_000));
  await inContainerd(held, async (store) => {
    const archive = await collect(exportArchive(store, [await store.resolve(NAME)]));
    const expected = exportArchive(memory, [{ descriptor: manifest, names: [NAME] }]);
    assert.ok(equal(archive, await collect(expected)));
  });
});

test("ContainerdStore asks in its namespace, and for nothing before the first call", async () => {
  await inContainerd(await imageOf("layer"), async (store, { namespaces }) => {
    assert.deepEqual(namespaces, []);
    await planArchive(store, await store.roots());
    assert.ok(namespaces.length > 1);
    assert.deepEqual(new Set(namespaces), new Set(["tests"]));
  });
});

test("resolve() takes names as Docker's users type them, and gives containerd's", async () => {
  const { manifest, ...held } = await imageOf("layer");
  const images = [...held.images, {
    name: "docker.io/library/other:latest",
    target: manifest,
  }];
  await inContainerd({ ...held, images }, async (store) => {
    for (const name of [NAME, "app:1.0", "library/app:1.0"]) {
      const { annotations } = await store.resolve(name);
      assert.deepEqual(annotations, {
        "io.containerd.image.name": NAME,
        "org.opencontainers.image.ref.name": "1.0",
      });
    }
    const { annotations } = await store.resolve("other");
    assert.equal(annotations!["io.containerd.image.name"], "docker.io/library/other:latest");
    assert.equal((await store.resolve(`@${manifest.digest}`)).annotations, undefined);
  });
});

test("resolve() tells which images there are", async () => {
  await inContainerd(await imageOf("layer"), async (store) => {
    await assert.rejects(() => store.resolve("nothing"), (error) => {
      assert.ok(error instanceof ReferenceNotFoundError, String(error));
      assert.ok(error.message.includes(NAME), error.message);
      assert.match(error.message, /namespace tests/);
      return true;
    });
  });
});

test("resolve() quotes the names there are, the first of many", async () => {
  const { manifest: target, ...held } = await imageOf("layer");
  const names = ["a\x1b[2J", ...Array.from({ length: 13 }, (_, i) => `image-${i}`)];
  const images = names.map((name) => ({ name, target }));
  await inContainerd({ ...held, images }, async (store) => {
    await assert.rejects(store.resolve("none"), ({ message }: Error) => {
      assert.ok(message.includes('has "a\\u001b[2J", "image-0", '), message);
      assert.ok(message.includes('"image-10" and 2 more'), message);
      return true;
    });
  });
});

test("labels of where a blob came from go into index.json", async () => {
  const { blobs, ...held } = await imageOf("layer");
  const source = { "containerd.io/distribution.source.docker.io": "library/app" };
  const labels = { ...source, "containerd.io/gc.ref.content.config": "…" };
  await inContainerd(
    { ...held, blobs: blobs.map((blob) => ({ ...blob, labels })) },
    async (store) => {
      const { manifests: [root] } = await planArchive(store, await store.roots());
      assert.deepEqual(root!.annotations, {
        "io.containerd.image.name": NAME,
        "org.opencontainers.image.ref.name": "1.0",
        ...source,
      });
    },
  );
});

test("a blob that is missing is named, with how to go on", async () => {
  const { layer, blobs, ...held } = await imageOf("layer");
  const without = blobs.filter(({ descriptor }) => descriptor.digest !== layer.digest);
  await inContainerd({ ...held, blobs: without }, async (store) => {
    await assert.rejects(collect(exportArchive(store, await store.roots())), (error) => {
      assert.ok(error instanceof BlobNotFoundError, String(error));
      assert.equal(error.digest, layer.digest);
      assert.match(error.message, /one platform/);
      return true;
    });
  });
});

test("a blob that is missing is told also where none of its bytes are asked for", async () => {
  const { layer, blobs, ...held } = await imageOf("layer");
  const without = blobs.filter(({ descriptor }) => descriptor.digest !== layer.digest);
  await inContainerd({ ...held, blobs: without }, async (store) => {
    for (const range of [{ length: 0 }, { offset: layer.size + 1 }]) {
      await assert.rejects(() => store.open(layer, range), { name: "BlobNotFoundError" });
    }
  });
});

test("a blob of one message comes as bytes, without a stream", async () => {
  const { layer, ...held } = await imageOf(noise(1000));
  for (const messageSize of [1000, 1001]) {
    await inContainerd({ ...held, messageSize }, async (store) => {
      for (const range of [{}, { offset: 1 }, { length: 10 }, { offset: 990, length: 10 }]) {
        assert.ok(await store.open(layer, range) instanceof Uint8Array);
      }
    });
  }
});

test("nothing listens to a signal any more once a blob has been read, or not", async () => {
  const { layer, ...held } = await imageOf(noise(300_000));
  for (const messageSize of [100_000, 1 << 20]) {
    await inContainerd({ ...held, messageSize }, async (store) => {
      const { signal, listeners } = countingSignal();
      await collect(await store.open(layer, { signal }));
      assert.equal(listeners(), 0, `read, of messages of ${messageSize} bytes`);
    });
  }
  await inContainerd({ ...held, messageSize: 100_000 }, async (store) => {
    const { signal, listeners } = countingSignal();
    const body = (await store.open(layer, { signal })) as ReadableStream<Uint8Array>;
    assert.equal(listeners(), 1);
    await body.cancel();
    assert.equal(listeners(), 0, "cancelled");
  });
  const trouble = { after: 1, kind: "error" } as const;
  await inContainerd({ ...held, messageSize: 100_000, trouble }, async (store) => {
    const { signal, listeners } = countingSignal();
    await assert.rejects(async () => collect(await store.open(layer, { signal })), BlobReadError);
    assert.equal(listeners(), 0, "broken off");
  });
});

test("a blob that breaks off is an error that names it, not an end", async () => {
  const { layer, ...held } = await imageOf(noise(300_000));
  const trouble = { after: 2, kind: "error" } as const;
  await inContainerd({ ...held, messageSize: 100_000, trouble }, async (store) => {
    await assert.rejects(collect(await store.open(layer)), (error) => {
      assert.ok(error instanceof BlobReadError, String(error));
      assert.equal(error.digest, layer.digest);
      assert.match(error.message, /the disk is on fire/);
      assert.ok(error.cause instanceof ContainerdError);
      assert.equal(error.cause.code, "INTERNAL");
      return true;
    });
  });
});

test("a blob with more bytes than its descriptor says is found out", async () => {
  for (const messageSize of [3, 5, 1 << 20]) {
    const { blobs, layer, ...held } = await imageOf("layer");
    const longer = blobs.map((blob) =>
      blob.descriptor.digest === layer.digest
        ? { ...blob, bytes: new TextEncoder().encode("layer and more") }
        : blob
    );
    await inContainerd({ ...held, blobs: longer, messageSize }, async (store) => {
      await assert.rejects(
        collect(exportArchive(store, await store.roots())),
        (error) => error instanceof SizeMismatchError && error.digest === layer.digest,
      );
    });
  }
});

test("a cancel and an abort end the call, even one that has stalled", async () => {
  const { layer, ...held } = await imageOf(noise(300_000));
  const trouble = { after: 1, kind: "stall" } as const;
  await inContainerd({ ...held, messageSize: 100_000, trouble }, async (store, fake) => {
    const stalled = (await store.open(layer)) as ReadableStream<Uint8Array>;
    const reader = stalled.getReader();
    assert.equal((await reader.read()).value?.length, 100_000);
    const pending = reader.read();
    await reader.cancel();
    assert.equal((await pending).done, true);

    const controller = new AbortController();
    const reason = new Error("enough");
    const { signal } = controller;
    const aborted = collect(await store.open(layer, { signal }));
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(aborted, (error) => error === reason);
    for (let i = 0; fake.cancelled.length < 2 && i < 200; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(fake.cancelled, [layer.digest, layer.digest]);
  });
});

test("an abort ends a call that waits for its first answer", async () => {
  const { layer, ...held } = await imageOf("layer");
  await inContainerd({ ...held, trouble: { after: 0, kind: "stall" } }, async (store) => {
    const controller = new AbortController();
    const opening = Promise.resolve(store.open(layer, { signal: controller.signal }));
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(opening, (error) => error === reason);
  });
});

test("a containerd that cannot be reached is named, and what to look at", async () => {
  const store = new ContainerdStore({ address: "/nowhere/containerd.sock" });
  const calls: (() => Promise<unknown>)[] = [() => store.roots(), () => store.resolve("app")];
  for (const call of calls) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof ContainerdError, String(error));
      assert.deepEqual([error.name, error.code], ["ContainerdError", "UNAVAILABLE"]);
      assert.equal(error.address, "/nowhere/containerd.sock");
      assert.match(
        error.message,
        /\/nowhere\/containerd\.sock: it cannot be reached \(connect ENOENT [^ ]+\); does it run/,
      );
      return true;
    });
  }
  store.close();
});

test("the constructor refuses an address or a namespace that cannot be one", () => {
  for (const address of ["", "unix://", "unix:"]) {
    assert.throws(() => new ContainerdStore({ address }), {
      name: "TypeError",
      message: `Cannot use address ${
        JSON.stringify(address)
      }: expected a socket's path, or host:port`,
    });
  }
  for (const namespace of ["", "a\nb", "a/b", "é"]) {
    assert.throws(() => new ContainerdStore({ namespace }), {
      name: "TypeError",
      message: /^Cannot use namespace ".*": expected letters, digits, "\.", "_" and "-"$/,
    });
  }
});

test("what is no digest is not asked for", async () => {
  const store = new ContainerdStore({ address: "/nowhere/containerd.sock" });
  const descriptor: Descriptor = {
    mediaType: MediaType.ImageLayer,
    digest: "sha256:../x",
    size: 1,
  };
  await assert.rejects(Promise.resolve(store.open(descriptor)), InvalidDigestError);
  store.close();
});

test("an archive out of containerd is the same however its blobs are cut", async () => {
  const { manifest: _, ...held } = await imageOf(noise(200_000));
  const hashes = new Set<string>();
  for (const messageSize of [1000, 65_536, 199_999, 200_000, 200_001]) {
    await inContainerd({ ...held, messageSize }, async (store) => {
      hashes.add(await sha256(await collect(exportArchive(store, await store.roots()))));
    });
  }
  assert.equal(hashes.size, 1);
});
