import { test } from "node:test";
import assert from "node:assert/strict";
import { MemoryStore, UnsupportedAlgorithmError } from "../../mod.ts";
import { describeStore } from "../contracts/store.ts";
import { text, utf8 } from "../helpers/bytes.ts";

describeStore("MemoryStore", ["exists", "resolve", "roots"], async ({ blobs, roots }) => {
  const store = new MemoryStore();
  for (const { descriptor, bytes } of blobs) {
    const algorithm = descriptor.digest.startsWith("sha512:") ? "sha512" : "sha256";
    await store.add(descriptor.mediaType, bytes, algorithm);
  }
  for (const { descriptor, tag } of roots) store.tag(tag ?? descriptor.digest, descriptor);
  return { store };
});

test("add() gives the blob's descriptor", async () => {
  const store = new MemoryStore();
  assert.deepEqual(await store.add("text/plain", utf8("hello")), {
    mediaType: "text/plain",
    digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    size: 5,
  });
});

test("add() digests by the algorithm it was given", async () => {
  const { digest } = await new MemoryStore().add("text/plain", utf8(""), "blake3");
  assert.equal(digest, "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
});

test("add() keeps a copy", async () => {
  const store = new MemoryStore();
  const bytes = utf8("hello");
  const descriptor = await store.add("text/plain", bytes);
  bytes.fill(0);
  assert.equal(text(await store.open(descriptor)), "hello");
});

test("add() rejects an algorithm that nobody can compute", async () => {
  await assert.rejects(
    () => new MemoryStore().add("text/plain", utf8(""), "md5" as "sha256"),
    UnsupportedAlgorithmError,
  );
});

test("roots() and resolve() tell the names under which descriptors were tagged", async () => {
  const store = new MemoryStore();
  const blob = await store.add("text/plain", utf8("hello"));
  const full = "docker.io/library/app:1.0";
  store.tag("app", { ...blob, annotations: { key: "value" } });
  store.tag(full, blob);
  const app = {
    ...blob,
    annotations: { key: "value", "org.opencontainers.image.ref.name": "app" },
  };
  const named = {
    ...blob,
    annotations: {
      "io.containerd.image.name": full,
      "org.opencontainers.image.ref.name": "1.0",
    },
  };
  assert.deepEqual(await store.roots(), [app, named]);
  assert.deepEqual(await store.resolve("app"), app);
  assert.deepEqual(await store.resolve(full), named);
});

test("tag() by the descriptor's own digest makes it a root without a name", async () => {
  const store = new MemoryStore();
  const blob = await store.add("text/plain", utf8("hello"));
  store.tag(blob.digest, blob);
  assert.deepEqual(await store.roots(), [blob]);
});

test("add() refuses a text, whose length is none in bytes, and an ArrayBuffer", async () => {
  for (const bytes of ["hé", new ArrayBuffer(1), undefined]) {
    await assert.rejects(new MemoryStore().add("text/plain", bytes as unknown as Uint8Array), {
      name: "TypeError",
      message: /^Cannot add a blob: expected a Uint8Array, found /,
    });
  }
});
