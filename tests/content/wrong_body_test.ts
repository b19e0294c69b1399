// What a store written in a hurry may open, and what a caller may hold it against.
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type BlobBody,
  BlobReadError,
  BufferPool,
  type ContentStore,
  exportArchive,
  InvalidDescriptorError,
  MemoryStore,
  readBlob,
  verifyArchive,
  VerifyStream,
} from "../../mod.ts";
import { collect, drain, noise, utf8 } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";
import { streamOf } from "../helpers/streams.ts";

const HELLO = {
  mediaType: "text/plain",
  digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
  size: 5,
};

/** A store whose author has overlooked the types. */
function storeOf(open: () => unknown): ContentStore {
  return { open: open as ContentStore["open"] };
}

function lockedStream(): ReadableStream<Uint8Array> {
  const stream = streamOf([utf8("hello")]);
  stream.getReader();
  return stream;
}

for (
  const [what, open] of [
    ["nothing", () => undefined],
    ["null", () => null],
    ["a string", () => "hello"],
    ["an ArrayBuffer", () => utf8("hello").buffer],
    ["a Blob", () => new Blob(["hello"])],
    ["a Response", () => new Response("hello")],
    ["a generator", () => (async function* () {})()],
    ["a stream that somebody else reads", lockedStream],
  ] as const
) {
  test(`a store that opens ${what} is told so, with the blob's name`, async () => {
    for (const store of [storeOf(open), storeOf(() => Promise.resolve(open()))]) {
      await assert.rejects(readBlob(store, HELLO), (error) => {
        assert.ok(error instanceof BlobReadError, String(error));
        assert.equal(error.digest, HELLO.digest);
        assert.match(error.message, /expected a ReadableStream or a Uint8Array|locked/);
        return true;
      });
    }
  });
}

test("shared memory is copied before it is verified, and no archive has a chunk of it", {
  skip: !("SharedArrayBuffer" in globalThis),
}, async () => {
  const memory = new MemoryStore();
  const { manifest: root } = await addImage(memory, { layers: [noise(200_000), noise(10)] });
  const shared = (bytes: Uint8Array): Uint8Array => {
    const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
    copy.set(bytes);
    return copy;
  };
  const whole = await collect(exportArchive(memory, [root]));
  for (const asBody of [shared, (bytes: Uint8Array): BlobBody => streamOf([shared(bytes)])]) {
    const store: ContentStore = {
      open: async (descriptor, options) => asBody(await memory.open(descriptor, options)),
    };
    const { chunks, error } = await drain<Uint8Array>(exportArchive(store, [root]));
    assert.equal(error, undefined);
    assert.ok(chunks.every(({ buffer }) => buffer instanceof ArrayBuffer));
    assert.deepEqual(await collect(streamOf(chunks)), whole);
    for (const buffers of [undefined, new BufferPool()]) {
      assert.ok((await readBlob(store, root, { buffers })).buffer instanceof ArrayBuffer);
    }
  }
});

test("VerifyStream refuses what is not bytes, though it had the right hash", async () => {
  for (const chunk of ["hello", utf8("hello").buffer, undefined, 5]) {
    const verified = streamOf([chunk as unknown as Uint8Array<ArrayBuffer>])
      .pipeThrough(new VerifyStream(HELLO));
    const { chunks, error } = await drain(verified);
    assert.deepEqual(chunks, []);
    assert.ok(error instanceof BlobReadError, String(error));
    assert.equal(error.digest, HELLO.digest);
  }
});

test("nothing is verified against a size that is none", async () => {
  for (const size of [undefined, NaN, -1, 1.5, "5", 2 ** 53] as number[]) {
    const isNamed = (error: unknown) => {
      assert.ok(error instanceof InvalidDescriptorError, String(error));
      assert.equal(error.field, "size");
      assert.ok(error.message.includes(HELLO.digest), error.message);
      return true;
    };
    assert.throws(() => new VerifyStream({ ...HELLO, size }), isNamed);
    const store = storeOf(() => utf8("hello"));
    await assert.rejects(
      readBlob(store, { ...HELLO, size }, { maxManifestSize: Infinity }),
      isNamed,
    );
  }
});

test("verifyArchive() says what it takes", async () => {
  for (const archive of [new Blob(), new Uint8Array(), "app.tar", undefined]) {
    await assert.rejects(verifyArchive(archive as unknown as ReadableStream<Uint8Array>), {
      name: "TypeError",
      message: /^Cannot verify: expected a ReadableStream of the tar, found /,
    });
  }
});
