// A limit that is no number, such as Number(process.env.NOT_THERE), is one that never holds.
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type ArchivePlan,
  BufferPool,
  type Descriptor,
  MemoryStore,
  planArchive,
  readBlob,
  verifyArchive,
} from "../mod.ts";
import { archiveResponse, createArchiveHandler, s3Upload, uploadArchive } from "../src/http/mod.ts";
import { ArchiveFileStore } from "../src/stores/archive_file.ts";
import { LayoutStore } from "../src/stores/layout.ts";
import { addImage } from "./helpers/image.ts";

interface Subject {
  store: MemoryStore;
  root: Descriptor;
  plan: ArchivePlan;
}

const TARGET = "http://127.0.0.1:1/bucket/app.tar";
const CREDENTIALS = { accessKeyId: "id", secretAccessKey: "key" };
const fetch = () => Promise.reject(new Error("asked"));

type Limits = Record<string, number>;

/** By what takes it: each limit with what it may be at the least. */
const CALLS: [what: string, limits: Limits, call: (subject: Subject, given: Limits) => unknown][] =
  [
    [
      "planArchive()",
      { maxManifestSize: 0, maxDepth: 0, maxBlobs: 0, concurrency: 1 },
      ({ store, root }, given) => planArchive(store, [root], given),
    ],
    [
      "readBlob()",
      { maxManifestSize: 0 },
      ({ store, root }, given) => readBlob(store, root, given),
    ],
    [
      "verifyArchive()",
      { maxManifestSize: 0 },
      ({ plan }, given) => verifyArchive(plan.stream(), given),
    ],
    ["LayoutStore", { maxIndexSize: 0 }, (_, given) => new LayoutStore("layout", given)],
    [
      "ArchiveFileStore",
      { maxIndexSize: 0, maxEntries: 0, stallTimeout: 1 },
      (_, given) => new ArchiveFileStore("app.tar", given),
    ],
    [
      "archiveResponse()",
      { maxRanges: 0 },
      ({ plan }, given) => archiveResponse(plan, new Request(TARGET), given),
    ],
    [
      "the handler's plan cache",
      { maxBytes: 0, maxAge: 0, maxUnderWay: 1 },
      ({ store }, planCache) => createArchiveHandler({ stores: [store], planCache }),
    ],
    [
      "the handler's export options",
      { maxManifestSize: 0, maxDepth: 0, maxBlobs: 0, concurrency: 1 },
      ({ store }, exportOptions) => createArchiveHandler({ stores: [store], exportOptions }),
    ],
    [
      "the handler's response options",
      { maxRanges: 0 },
      ({ store }, responseOptions) => createArchiveHandler({ stores: [store], responseOptions }),
    ],
    [
      "uploadArchive()",
      { maxRedirects: 0 },
      ({ plan }, given) => uploadArchive(plan, TARGET, { fetch, ...given }),
    ],
    [
      "s3Upload()",
      { maxAttempts: 1, minDelay: 0, cleanupTimeout: 0, partSize: 5 << 20, concurrency: 1 },
      ({ plan }, given) =>
        s3Upload(plan, TARGET, { credentials: CREDENTIALS, fetch, maxAttempts: 1, ...given }),
    ],
  ];

for (const [what, limits, call] of CALLS) {
  for (const [name, least] of Object.entries(limits)) {
    test(`${what} refuses a ${name} that never holds, by its name`, async () => {
      const subject = await makeSubject();
      for (const value of [NaN, least - 1, "1", null] as number[]) {
        await assert.rejects(
          async () => await call(subject, { [name]: value }),
          (error) => {
            assert.ok(error instanceof RangeError, String(error));
            assert.ok(
              error.message.startsWith(`Cannot use ${name} ${value}: expected `),
              `${error}`,
            );
            return true;
          },
        );
      }
      // What fails for another reason has taken it.
      await Promise.resolve()
        .then(() => call(subject, { [name]: least }))
        .catch((error) => assert.ok(!(error instanceof RangeError), String(error)));
    });
  }
}

test("BufferPool refuses a size in which nothing could be read", () => {
  for (const size of [0, -1, NaN, 1.5, Infinity, "4096" as unknown as number]) {
    assert.throws(() => new BufferPool(size), {
      name: "RangeError",
      message: `Cannot use size ${size}: expected a whole number, 1 or more`,
    });
  }
});

test("stream(), archiveResponse() and the handler refuse a verify that says nothing", async () => {
  const { store, plan } = await makeSubject();
  // Taken for "range", a typing error would let corrupt blobs out.
  const verify = "Blob" as "blob";
  const expected = {
    name: "RangeError",
    message: `Cannot use verify "Blob": expected "end", "blob" or "range"`,
  };
  assert.throws(() => plan.stream({ verify }), expected);
  assert.throws(() => archiveResponse(plan, new Request(TARGET), { verify }), expected);
  const responseOptions = { verify };
  assert.throws(() => createArchiveHandler({ stores: [store], responseOptions }), expected);
});

async function makeSubject(): Promise<Subject> {
  const store = new MemoryStore();
  const { manifest: root } = await addImage(store);
  return { store, root, plan: await planArchive(store, [root]) };
}
