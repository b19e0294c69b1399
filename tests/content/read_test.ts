import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type BlobBody,
  BlobNotFoundError,
  BlobReadError,
  BufferPool,
  type ContentStore,
  type Descriptor,
  DigestMismatchError,
  LimitError,
  MemoryStore,
  type OpenOptions,
  readBlob,
  SizeMismatchError,
  type StoreOptions,
} from "../../mod.ts";
import { chunksOf, discard, hasBlob, openBlob } from "../../src/content/read.ts";
import { collect, macrotask, noise, text, utf8 } from "../helpers/bytes.ts";
import { countingSignal } from "../helpers/counting_signal.ts";
import { chunked, stalledStream, streamOf } from "../helpers/streams.ts";

const HELLO: Descriptor = {
  mediaType: "text/plain",
  digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
  size: 5,
};
const DATA = "aGVsbG8=";

/** A store that answers every open in the same way. */
function storeOf(open: ContentStore["open"]): ContentStore {
  return { open };
}

const answering = (body: () => BlobBody) => storeOf(() => Promise.resolve(body()));
const failing = (error: unknown) => storeOf(() => Promise.reject(error));
const stalled = storeOf(() => new Promise(() => {}));

test("readBlob() gives a blob whole, however it comes", async () => {
  const bytes = noise(1000);
  const memory = new MemoryStore();
  const descriptor = await memory.add("", bytes);
  assert.deepEqual(await readBlob(memory, descriptor), bytes);
  for (const size of [1, 7, 999, 1000, 1001]) {
    const store = answering(() => streamOf(chunked(bytes, size)));
    assert.deepEqual(await readBlob(store, descriptor), bytes, `chunks of ${size}`);
  }
});

test("readBlob() fails on what is not the blob", async () => {
  const cases: [bytes: string, error: typeof SizeMismatchError | typeof DigestMismatchError][] = [
    ["hellO", DigestMismatchError],
    ["Hello", DigestMismatchError],
    ["hell", SizeMismatchError],
    ["", SizeMismatchError],
    ["hello\0", SizeMismatchError],
    ["hello".padEnd(512), SizeMismatchError],
  ];
  for (const [came, ErrorClass] of cases) {
    for (const body of [() => utf8(came), () => streamOf(chunked(utf8(came), 2))]) {
      await assert.rejects(readBlob(answering(body), HELLO), (error) => {
        assert.ok(error instanceof ErrorClass, `${came}: ${error}`);
        assert.equal(error.digest, HELLO.digest);
        return true;
      });
    }
  }
});

test("readBlob() takes no blob over the limit, and does not even open it", async () => {
  const store = failing(new Error("opened"));
  await assert.rejects(readBlob(store, { ...HELLO, size: 4194305 }), (error) => {
    assert.ok(error instanceof LimitError);
    assert.deepEqual([error.limit, error.max], ["maxManifestSize", 4194304]);
    assert.ok(error.message.includes(HELLO.digest), error.message);
    return true;
  });
  await assert.rejects(readBlob(store, HELLO, { maxManifestSize: 4 }), LimitError);
  assert.deepEqual(
    await readBlob(answering(() => utf8("hello")), HELLO, { maxManifestSize: 5 }),
    utf8("hello"),
  );
});

test("readBlob() cancels an endless blob at the first byte too many", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(utf8("hel")),
    cancel: cancelled.resolve,
  });
  await assert.rejects(readBlob(answering(() => endless), HELLO), SizeMismatchError);
  await cancelled.promise;
});

test("readBlob() takes the descriptor's own data where it is right", async () => {
  const store = failing(new Error("opened"));
  assert.equal(text(await readBlob(store, { ...HELLO, data: DATA })), "hello");
});

test("readBlob() asks the store where the descriptor's data is wrong", async () => {
  const store = answering(() => utf8("hello"));
  for (const data of ["aGVsbE8=", "aGVs", "aGVsbG8h", "%%%"]) {
    assert.equal(text(await readBlob(store, { ...HELLO, data })), "hello", data);
  }
});

test("readBlob() opens nothing where the digester cannot be made", async () => {
  const broken = new Error("no hash today");
  const createDigester = () => Promise.reject(broken);
  const store = failing(new Error("opened"));
  await assert.rejects(readBlob(store, HELLO, { createDigester }), (error) => error === broken);
});

test("readBlob() waits for a digester that takes its time", async () => {
  const right = HELLO.digest.slice("sha256:".length);
  const bodies = [() => utf8("hello"), () => streamOf(chunked(utf8("hello"), 3))];
  for (const [i, body] of bodies.entries()) {
    for (const encoded of [right, "0".repeat(64)]) {
      const log: string[] = [];
      const createDigester = () => ({
        async update(bytes: Uint8Array) {
          await macrotask();
          log.push(text(bytes));
        },
        async digest() {
          await macrotask();
          log.push("digest");
          return encoded;
        },
      });
      const reading = readBlob(answering(body), HELLO, { createDigester });
      if (encoded === right) assert.equal(text(await reading), "hello");
      else await assert.rejects(reading, DigestMismatchError);
      assert.deepEqual(log, i === 0 ? ["hello", "digest"] : ["hel", "lo", "digest"]);
    }
  }
});

test("readBlob() hands its signal and its buffers on to the store", async () => {
  const { signal } = new AbortController();
  const buffers = new BufferPool();
  let given: OpenOptions | undefined;
  const store = storeOf((_, options) => {
    given = options;
    return utf8("hello");
  });
  await readBlob(store, HELLO, { signal, buffers });
  assert.deepEqual([given?.signal, given?.buffers], [signal, buffers]);
});

test("openBlob() hands on which part is wanted, of the data too", async () => {
  const asked: unknown[] = [];
  const store = storeOf((_, options) => {
    asked.push([options?.offset, options?.length]);
    return Promise.resolve(utf8("el"));
  });
  await openBlob(store, HELLO, { offset: 1, length: 2 });
  assert.deepEqual(asked, [[1, 2]]);
  const part = await openBlob(store, { ...HELLO, data: DATA }, { offset: 1, length: 2 });
  assert.equal(text(await collect(part)), "el");
  assert.equal(asked.length, 1);
});

test("openBlob() hands bytes on as they are", async () => {
  const bytes = utf8("hello");
  assert.equal(await openBlob(storeOf(() => bytes), HELLO), bytes);
});

test("openBlob() hands on the memory that a pool shares with its threads", {
  skip: !("SharedArrayBuffer" in globalThis),
}, async () => {
  class SharingPool extends BufferPool {
    override shares = () => true;
  }
  const bytes = new Uint8Array(new SharedArrayBuffer(5));
  const buffers = new SharingPool();
  assert.equal(await openBlob(storeOf(() => bytes), HELLO, { buffers }), bytes);
});

test("openBlob() names the blob in an error that does not", async () => {
  const broken = new Error("disk on fire");
  const throwing = storeOf(() => {
    throw broken;
  });
  for (const store of [failing(broken), throwing]) {
    await assert.rejects(Promise.resolve(openBlob(store, HELLO)), (error) => {
      assert.ok(error instanceof BlobReadError, String(error));
      assert.equal(error.digest, HELLO.digest);
      assert.equal(error.cause, broken);
      assert.match(error.message, /disk on fire/);
      return true;
    });
  }
  await assert.rejects(Promise.resolve(openBlob(failing("a string"), HELLO)), /a string/);
});

test("openBlob() leaves errors of this package as they are", async () => {
  const missing = new BlobNotFoundError(HELLO.digest, "here");
  await assert.rejects(
    Promise.resolve(openBlob(failing(missing), HELLO)),
    (error) => error === missing,
  );
});

test("openBlob() does not open where the signal has aborted", async () => {
  const reason = new Error("enough");
  const store = failing(new Error("opened"));
  const signal = AbortSignal.abort(reason);
  await assert.rejects(
    Promise.resolve(openBlob(store, HELLO, { signal })),
    (error) => error === reason,
  );
});

test("openBlob() hears an abort though the store has stalled", async () => {
  const controller = new AbortController();
  const opening = Promise.resolve(openBlob(stalled, HELLO, { signal: controller.signal }));
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(opening, (error) => error === reason);
});

test("openBlob() closes a body that comes after the abort", async () => {
  const late = Promise.withResolvers<BlobBody>();
  const cancelled = Promise.withResolvers<unknown>();
  const controller = new AbortController();
  const opening = Promise.resolve(
    openBlob(storeOf(() => late.promise), HELLO, { signal: controller.signal }),
  );
  controller.abort();
  await assert.rejects(opening);
  late.resolve(stalledStream([], cancelled.resolve));
  await cancelled.promise;
});

test("readBlob() hears an abort though the blob has stalled, and closes it", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const controller = new AbortController();
  const body = stalledStream([utf8("he")], cancelled.resolve);
  const reading = readBlob(answering(() => body), HELLO, { signal: controller.signal });
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason));
  await assert.rejects(reading, (error) => error === reason);
  assert.equal(await cancelled.promise, reason);
});

test("readBlob() rejects with the reason, whatever the store makes of the abort", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => signal.addEventListener("abort", () => stream.error(new Error("its own"))),
  });
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason));
  await assert.rejects(
    readBlob(answering(() => body), HELLO, { signal }),
    (error) => error === reason,
  );
});

test("chunksOf() cancels the stream when its loop is left", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  for await (const chunk of chunksOf(stalledStream([utf8("a")], cancelled.resolve), HELLO)) {
    assert.equal(text(chunk), "a");
    break;
  }
  await cancelled.promise;
});

test("chunksOf() minds no failure of the cancel when its loop is left", async () => {
  const stream = stalledStream([utf8("a")], () => {
    throw new Error("cannot close");
  });
  for await (const _ of chunksOf(stream, HELLO)) break;
  await macrotask();
});

test("chunksOf() names the blob in an error of the stream", async () => {
  const broken = new Error("connection reset");
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(broken),
  });
  await assert.rejects(chunksOf(stream, HELLO).next(), (error) => {
    assert.ok(error instanceof BlobReadError, String(error));
    assert.deepEqual([error.digest, error.cause], [HELLO.digest, broken]);
    return true;
  });
});

test("chunksOf() refuses what is not bytes", async () => {
  for (const chunk of ["text", new ArrayBuffer(5), null]) {
    const stream = streamOf([chunk]) as unknown as ReadableStream<Uint8Array>;
    await assert.rejects(chunksOf(stream, HELLO).next(), BlobReadError);
  }
});

test("chunksOf() leaves no listener on the signal", async () => {
  const { signal, listeners } = countingSignal();
  for await (const _ of chunksOf(streamOf([utf8("a")]), HELLO, signal)) {
    assert.equal(listeners(), 1);
  }
  assert.equal(listeners(), 0);
});

test("hasBlob() asks a store that can say so, and opens nothing", async () => {
  for (const there of [true, false]) {
    const store = {
      ...failing(new Error("opened")),
      exists: () => Promise.resolve(there),
    };
    assert.equal(await hasBlob(store, HELLO), there);
  }
});

test("hasBlob() opens and closes where the store cannot say so", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  assert.equal(await hasBlob(answering(() => stalledStream([], cancelled.resolve)), HELLO), true);
  await cancelled.promise;
  assert.equal(await hasBlob(failing(new BlobNotFoundError(HELLO.digest, "here")), HELLO), false);
});

test("hasBlob() takes the descriptor's data for the blob where it is right", async () => {
  const missing = failing(new BlobNotFoundError(HELLO.digest, "here"));
  assert.equal(await hasBlob(missing, { ...HELLO, data: DATA }), true);
  assert.equal(await hasBlob(missing, { ...HELLO, data: "aGVsbE8=" }), false);
});

test("hasBlob() does not take trouble for absence", async () => {
  const store = failing(new Error("disk on fire"));
  const asked = { ...store, exists: () => Promise.reject(new Error("disk on fire")) };
  for (const broken of [store, asked]) {
    await assert.rejects(hasBlob(broken, HELLO), (error) => {
      assert.ok(error instanceof BlobReadError, String(error));
      assert.equal(error.digest, HELLO.digest);
      return true;
    });
  }
});

test("hasBlob() hands its signal on to the store", async () => {
  const { signal } = new AbortController();
  const given: unknown[] = [];
  const store = storeOf((_, options) => {
    given.push(options?.signal);
    return utf8("hello");
  });
  const exists = (_: Descriptor, options?: StoreOptions) => {
    given.push(options?.signal);
    return Promise.resolve(true);
  };
  await hasBlob(store, HELLO, { signal });
  await hasBlob({ ...store, exists }, HELLO, { signal });
  assert.deepEqual(given, [signal, signal]);
});

test("hasBlob() hears an abort though the store has stalled", async () => {
  const controller = new AbortController();
  const store = { ...stalled, exists: () => new Promise<boolean>(() => {}) };
  const asking = hasBlob(store, HELLO, { signal: controller.signal });
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason));
  await assert.rejects(asking, (error) => error === reason);
});

test("discard() closes a stream, and minds no bytes and no failure", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  await discard(stalledStream([], cancelled.resolve));
  await cancelled.promise;
  await discard(utf8("hello"));
  // A stream of a library is none of the runtime's.
  let closed = false;
  const foreign = { getReader() {}, cancel: () => Promise.resolve(void (closed = true)) };
  await discard(foreign as unknown as BlobBody);
  assert.ok(closed);
  await discard(stalledStream([], () => {
    throw new Error("cannot close");
  }));
});

test("discard() closes a stream of a library too, which is read as one", async () => {
  let isCancelled = false;
  const foreign = {
    getReader: () => assert.fail("it was read"),
    cancel: () => Promise.resolve(isCancelled = true),
  };
  await discard(foreign as unknown as ReadableStream<Uint8Array>);
  assert.ok(isCancelled);
});
