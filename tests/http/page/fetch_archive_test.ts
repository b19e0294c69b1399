import { test } from "node:test";
import assert from "node:assert/strict";
import { BrokenTransferError, fetchArchive } from "../../../src/http/page/fetch_archive.ts";
import { concat, drain, noise } from "../../helpers/bytes.ts";

const ARCHIVE = noise(3 << 20);
const OFFSETS = [0, 2048, 100_352, 200_192, 202_240];
const ETAG = '"an-archive"';

/** How a server answers a range: with all of it, or only so many bytes before it breaks. */
type Sends = (start: number, end: number, request: number) => number;

/** Fetches from a server that behaves like this; returns the bytes, the failure and the ranges. */
async function fetchFrom(sends: Sends, answer?: () => Response) {
  const { fetch } = globalThis;
  const ranges: (string | null)[] = [];
  const resumes: number[] = [];
  globalThis.fetch = (_url, init) => {
    const headers = new Headers(init?.headers);
    assert.equal(headers.get("if-match"), ETAG);
    const range = headers.get("range");
    ranges.push(range);
    if (answer) return Promise.resolve(answer());
    const [, start = "0", last = ARCHIVE.length - 1] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ??
      [];
    const part = ARCHIVE.slice(Number(start), Number(last) + 1);
    const bytes = sends(Number(start), Number(last) + 1, ranges.length);
    const body = new ReadableStream(
      {
        pull(controller) {
          if (bytes > 0 && !this.sent) controller.enqueue(part.slice(0, bytes));
          else if (bytes < part.length) controller.error(new TypeError("network error"));
          else controller.close();
          this.sent = true;
        },
      } as UnderlyingDefaultSource & { sent?: boolean },
    );
    return Promise.resolve(new Response(body, { status: range ? 206 : 200 }));
  };
  try {
    const options = { etag: ETAG, size: ARCHIVE.length, offsets: OFFSETS, delay: 0 };
    const stream = fetchArchive("https://example.com/a.tar", {
      ...options,
      onResume: (bytes) => resumes.push(bytes),
    });
    const { chunks, error } = await drain(stream);
    return { bytes: concat(chunks), error, ranges, resumes };
  } finally {
    globalThis.fetch = fetch;
  }
}

const everything: Sends = (start, end) => end - start;

test("fetchArchive() asks once for all where nothing breaks", async () => {
  const { bytes, ranges, resumes } = await fetchFrom(everything);
  assert.deepEqual(bytes, ARCHIVE);
  assert.deepEqual(ranges, [null]);
  assert.deepEqual(resumes, []);
});

test("fetchArchive() goes on behind what has come, at first to the end of the entry", async () => {
  const { bytes, ranges, resumes } = await fetchFrom((start, end, request) =>
    request === 1 ? 1000 : everything(start, end, request)
  );
  assert.deepEqual(bytes, ARCHIVE);
  assert.deepEqual(ranges, [null, "bytes=1000-2047", "bytes=2048-3145727"]);
  assert.deepEqual(resumes, [1000]);
});

test("fetchArchive() breaks in the entry whose end never comes, also where a break loses all", async () => {
  const { bytes, error } = await fetchFrom((start, end) => end >= 200_192 ? 0 : end - start);
  assert.ok(error instanceof BrokenTransferError);
  assert.equal(error.bytes, 100_352);
  assert.deepEqual(bytes, ARCHIVE.slice(0, 100_352));
});

test("fetchArchive() gives up where the server never sends what is missing, and says where", async () => {
  const { bytes, error, ranges } = await fetchFrom((start) => start === 0 ? 5000 : 0);
  assert.ok(error instanceof BrokenTransferError);
  assert.equal(error.bytes, 5000);
  assert.equal(error.isAnswered, true);
  assert.deepEqual(bytes, ARCHIVE.slice(0, 5000));
  assert.equal(ranges.length, 4);
});

test("fetchArchive() tries more often where no server answers", async () => {
  const { error, ranges } = await fetchFrom(everything, () => {
    throw new TypeError("network error");
  });
  assert.ok(error instanceof BrokenTransferError);
  assert.equal(error.isAnswered, false);
  assert.equal(ranges.length, 6);
});

test("fetchArchive() takes nothing of an archive that has changed", async () => {
  const { error, bytes } = await fetchFrom(everything, () => new Response(null, { status: 412 }));
  assert.match(String(error), /has changed meanwhile/);
  assert.equal(bytes.length, 0);
});

test("fetchArchive() tells what the server says of its refusal", async () => {
  const problem = () => Response.json({ detail: "not today" }, { status: 403 });
  const { error, ranges } = await fetchFrom(everything, problem);
  assert.match(String(error), /not today/);
  assert.equal(ranges.length, 1);
});

test("fetchArchive() does not go on where ranges are ignored", async () => {
  const { error } = await fetchFrom(everything, () => new Response(ARCHIVE.slice(0, 10)));
  assert.match(String(error), /Expected the archive from byte 10 on/);
});
