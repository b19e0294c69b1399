/** One suite of HTTP cases, grouped by header, for every runtime. */
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { type ArchivePlan, planArchive } from "../../mod.ts";
import { archiveResponse } from "../../src/http/mod.ts";
import { collect } from "../helpers/bytes.ts";
import { streamOf } from "../helpers/streams.ts";
import { AppStore, type Counts, NAMES } from "./servers/app.ts";
import { RUNTIMES, type Server } from "./servers/start.ts";
import { type Ask, ask } from "./wire.ts";

const store = await AppStore.create();
const [small, wide] = await Promise.all([planned(NAMES.small), planned(NAMES.wide)]);

async function planned(name: string): Promise<ArchivePlan & { bytes: Uint8Array }> {
  const root = (await store.roots()).find(({ annotations }) =>
    annotations?.["io.containerd.image.name"] === name
  );
  const plan = await planArchive(store, [root!]);
  return { ...plan, bytes: await collect(plan.stream()) };
}

const urlOf = (name: string, query = "") => `/archives/${encodeURIComponent(name)}.tar${query}`;

for (const { name: runtime, skip, start, chunkedStreams } of RUNTIMES) {
  describe(runtime, { skip }, () => {
    let server: Server;
    before(async () => {
      server = await start();
    });
    after(() => server.stop());

    /** A test that asks the server. */
    function httpTest(
      name: string,
      body: (get: (path: string, options?: Ask) => ReturnType<typeof ask>) => Promise<void>,
    ) {
      test(name, () => body((path, options) => ask(server.origin, path, options)));
    }
    const counts = async (get: (path: string) => ReturnType<typeof ask>): Promise<Counts> =>
      JSON.parse((await get("/counts")).text());

    describe("GET and HEAD", () => {
      httpTest("an archive comes whole, with its length, type and name", async (get) => {
        const { status, headers, body, whole } = await get(urlOf(NAMES.small));
        assert.equal(status, 200);
        assert.ok(whole);
        assert.deepEqual(Buffer.from(body), Buffer.from(small.bytes));
        assert.equal(headers.get("content-type"), "application/x-tar");
        assert.equal(headers.get("content-disposition"), 'attachment; filename="small-1.0.tar"');
        assert.equal(headers.get("cache-control"), "no-cache, no-transform");
        assert.equal(headers.get("accept-ranges"), "bytes");
        assert.equal(headers.get("etag"), small.etag);
        const length = chunkedStreams ? null : String(small.size);
        assert.equal(headers.get("content-length"), length);
      });

      httpTest("HEAD tells the same and opens no layer", async (get) => {
        await get(urlOf(NAMES.endless), { method: "HEAD" });
        const before = await counts(get);
        const { status, headers, whole } = await get(urlOf(NAMES.endless), { method: "HEAD" });
        assert.equal(status, 200);
        assert.ok(whole);
        assert.ok(Number(headers.get("content-length")) > 2 ** 40);
        assert.deepEqual(await counts(get), before);
      });

      httpTest("another method is refused", async (get) => {
        const { status, headers } = await get(urlOf(NAMES.small), {
          method: "POST",
          headers: { "content-length": "0" },
        });
        assert.equal(status, 405);
        assert.equal(headers.get("allow"), "GET, HEAD");
      });
    });

    describe("Range", () => {
      const size = small.size;
      for (
        const [range, start, end] of [
          ["bytes=0-0", 0, 1],
          ["bytes=500-100000", 500, 100_001],
          ["BYTES=512-", 512, size],
          ["bytes=-1024", size - 1024, size],
          [`bytes=-${size + 5}`, 0, size],
          [`bytes=${size - 1}-${size + 99}`, size - 1, size],
          ["bytes= 5-9 ,, ", 5, 10],
        ] as const
      ) {
        httpTest(`${range} gives that part`, async (get) => {
          const { status, headers, body, whole } = await get(urlOf(NAMES.small), {
            headers: { range },
          });
          assert.equal(status, 206);
          assert.ok(whole);
          assert.equal(headers.get("content-range"), `bytes ${start}-${end - 1}/${size}`);
          if (!chunkedStreams) assert.equal(headers.get("content-length"), String(end - start));
          assert.deepEqual(Buffer.from(body), Buffer.from(small.bytes.subarray(start, end)));
        });
      }

      for (
        const range of ["bytes=", "bytes=9-5", "bytes=a-b", "bytes=1", "lines=1-2", "bytes=--5"]
      ) {
        httpTest(`${range} is ignored`, async (get) => {
          const { status, body } = await get(urlOf(NAMES.small), { headers: { range } });
          assert.equal(status, 200);
          assert.equal(body.length, size);
        });
      }

      for (const range of [`bytes=${size}-`, "bytes=-0", `bytes=${size}-,${size + 5}-`]) {
        httpTest(`${range} cannot be satisfied`, async (get) => {
          const { status, headers } = await get(urlOf(NAMES.small), { headers: { range } });
          assert.equal(status, 416);
          assert.equal(headers.get("content-range"), `bytes */${size}`);
        });
      }

      httpTest("several ranges come as multipart/byteranges", async (get) => {
        const range = "bytes=0-99,1000-1999,-512";
        const { status, headers, body, whole } = await get(urlOf(NAMES.small), {
          headers: { range },
        });
        assert.equal(status, 206);
        assert.ok(whole);
        assert.equal(headers.get("content-range"), null);
        const [, boundary] = /^multipart\/byteranges; boundary=(.+)$/.exec(
          headers.get("content-type")!,
        )!;
        const part = (start: number, end: number) =>
          `\r\n--${boundary}\r\nContent-Type: application/x-tar\r\n` +
          `Content-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n` +
          Buffer.from(small.bytes.subarray(start, end)).toString("latin1");
        assert.equal(
          Buffer.from(body).toString("latin1"),
          part(0, 100) + part(1000, 2000) + part(size - 512, size) + `\r\n--${boundary}--\r\n`,
        );
        if (!chunkedStreams) assert.equal(headers.get("content-length"), String(body.length));
      });

      httpTest("ranges that ask for more than the whole give the whole", async (get) => {
        const { status, body } = await get(urlOf(NAMES.small), {
          headers: { range: "bytes=0-,0-" },
        });
        assert.equal(status, 200);
        assert.equal(body.length, size);
      });

      for (const range of ["bytes=0-99,99-199", "bytes=-1,-1", "bytes=500-599,0-99,50-50"]) {
        httpTest(`${range} overlap, and give the whole`, async (get) => {
          const { status, body } = await get(urlOf(NAMES.small), { headers: { range } });
          assert.equal(status, 200);
          assert.equal(body.length, size);
        });
      }

      httpTest("HEAD has no ranges", async (get) => {
        const { status, headers } = await get(urlOf(NAMES.small), {
          method: "HEAD",
          headers: { range: "bytes=0-0" },
        });
        assert.equal(status, 200);
        assert.equal(headers.get("content-length"), String(size));
      });

      httpTest("1000 random ranges of an archive with PAX headers are right", async (get) => {
        let seed = 42;
        const random = (below: number) => (seed = seed * 48271 % 0x7fffffff) % below;
        await inLanes(8, 1000, async () => {
          const start = random(wide.size);
          const end = start + 1 + random(Math.min(wide.size - start, 4000));
          const { status, body } = await get(urlOf(NAMES.wide), {
            headers: { range: `bytes=${start}-${end - 1}` },
          });
          assert.equal(status, 206);
          assert.ok(Buffer.from(wide.bytes.buffer, start, end - start).equals(body));
        });
      });
    });

    describe("If-Range", () => {
      for (
        const [ifRange, status] of [
          [small.etag, 206],
          [`W/${small.etag}`, 200],
          ['"another"', 200],
          ["Wed, 21 Oct 2026 07:28:00 GMT", 200],
        ] as const
      ) {
        httpTest(`${ifRange.slice(0, 12)} gives ${status}`, async (get) => {
          const reply = await get(urlOf(NAMES.small), {
            headers: { range: "bytes=0-9", "if-range": ifRange },
          });
          assert.equal(reply.status, status);
        });
      }
    });

    describe("If-None-Match and If-Match", () => {
      for (
        const [header, value, status] of [
          ["if-none-match", small.etag, 304],
          ["if-none-match", `"a", W/${small.etag}`, 304],
          ["if-none-match", "*", 304],
          ["if-none-match", '"a"', 200],
          ["if-match", small.etag, 200],
          ["if-match", `"a", ${small.etag}`, 200],
          ["if-match", "*", 200],
          ["if-match", `W/${small.etag}`, 412],
          ["if-match", '"a"', 412],
          ["if-modified-since", "Wed, 21 Oct 2126 07:28:00 GMT", 200],
        ] as const
      ) {
        httpTest(`${header}: ${value.slice(0, 12)} gives ${status}`, async (get) => {
          const reply = await get(urlOf(NAMES.small), { headers: { [header]: value } });
          assert.equal(reply.status, status);
          assert.equal(reply.headers.get("etag"), small.etag);
          assert.ok(reply.whole);
        });
      }

      httpTest("If-Match is judged before If-None-Match, and both before Range", async (get) => {
        const both = await get(urlOf(NAMES.small), {
          headers: { "if-match": '"a"', "if-none-match": small.etag },
        });
        assert.equal(both.status, 412);
        const range = await get(urlOf(NAMES.small), {
          headers: { range: `bytes=${small.size}-`, "if-none-match": small.etag },
        });
        assert.equal(range.status, 304);
      });
    });

    describe("names and queries", () => {
      httpTest("the list tells names and URLs", async (get) => {
        const { status, headers, text } = await get("/archives");
        const list = JSON.parse(text());
        assert.equal(status, 200);
        assert.equal(headers.get("content-type"), "application/json");
        assert.equal(list.length, Object.keys(NAMES).length + 1);
        assert.equal(list[0].name, NAMES.small);
        assert.equal((await get(list[0].url, { method: "HEAD" })).headers.get("etag"), small.etag);
        const unnamed = list.at(-1);
        assert.match(unnamed.name, /^sha256:/);
        assert.equal((await get(unnamed.url)).status, 200);
      });

      httpTest("a name may have its slashes and colons encoded or not", async (get) => {
        for (const path of [`/archives/${NAMES.small}.tar`, urlOf(NAMES.small)]) {
          assert.equal((await get(path, { method: "HEAD" })).headers.get("etag"), small.etag);
        }
      });

      httpTest("the query takes the export options", async (get) => {
        const root = (await store.roots())[2]!;
        const plan = await planArchive(store, [root], {
          platforms: ["linux/arm64"],
          skipManifestJson: true,
        });
        const query = "?platform=linux/aarch64&skip-manifest-json";
        const { headers } = await get(urlOf(NAMES.multi, query), { method: "HEAD" });
        assert.equal(headers.get("etag"), plan.etag);
      });

      for (
        const [path, status, code] of [
          [urlOf("docker.io/library/none:1"), 404, "ReferenceNotFoundError"],
          [urlOf(NAMES.small, "?plattform=linux/arm64"), 400, "RangeError"],
          [urlOf(NAMES.small, "?platform=///"), 400, "InvalidPlatformError"],
          [urlOf(NAMES.multi, "?platform=linux/s390x"), 404, "PlatformNotFoundError"],
          [urlOf("forbidden"), 403, "ForbiddenNameError"],
          ["/archives/%zz.tar", 404, "ReferenceNotFoundError"],
          ["/archives/", 404, undefined],
          ["/nothing", 404, undefined],
        ] as const
      ) {
        httpTest(`${path.slice(0, 60)} is answered with a problem`, async (get) => {
          const reply = await get(path);
          assert.equal(reply.status, status);
          assert.equal(reply.headers.get("content-type"), "application/problem+json");
          const problem = JSON.parse(reply.text());
          assert.equal(problem.status, status);
          assert.equal(problem.title, STATUS_CODES[status]);
          assert.equal(problem.code, code);
        });
      }

      httpTest("GET / is a page that lists the images", async (get) => {
        const { status, headers, text } = await get("/");
        assert.equal(status, 200);
        assert.match(headers.get("content-type")!, /^text\/html/);
        assert.match(text(), /small:1\.0/);
      });
    });

    describe("Authorization and Origin", () => {
      httpTest("the hook's refusal is the answer", async (get) => {
        const reply = await get(urlOf(NAMES.small), { headers: { "x-refuse": "1" } });
        assert.equal(reply.status, 401);
        assert.equal(reply.headers.get("www-authenticate"), "Bearer");
      });

      httpTest("an allowed origin may read, another may not", async (get) => {
        const origin = "https://page.example";
        const yes = await get(urlOf(NAMES.small), { headers: { origin } });
        assert.equal(yes.headers.get("access-control-allow-origin"), origin);
        assert.match(yes.headers.get("access-control-expose-headers")!, /Content-Length.*ETag/);
        assert.match(yes.headers.get("vary")!, /Origin/);
        assert.equal(yes.body.length, small.size);
        const no = await get(urlOf(NAMES.small), { headers: { origin: "https://other.example" } });
        assert.equal(no.headers.get("access-control-allow-origin"), null);
      });

      httpTest("a preflight lets Range and conditions through", async (get) => {
        const { status, headers } = await get(urlOf(NAMES.small), {
          method: "OPTIONS",
          headers: {
            origin: "https://page.example",
            "access-control-request-method": "GET",
            "x-refuse": "1",
          },
        });
        assert.equal(status, 204);
        assert.match(headers.get("access-control-allow-headers")!, /If-Range, Range/);
      });
    });

    describe("a damaged blob", () => {
      for (const range of [undefined, "bytes=10-"]) {
        httpTest(`breaks the transfer${range ? " of a range" : ""}`, async (get) => {
          const reply = await get(urlOf(NAMES.damaged), { headers: range ? { range } : {} });
          assert.equal(reply.status, range ? 206 : 200);
          assert.equal(reply.whole, false);
          const { errors } = await counts(get);
          assert.equal(errors.at(-1), "DigestMismatchError");
        });
      }
    });

    describe("a client that goes away", () => {
      httpTest("ends the reading", async (get) => {
        let received = 0;
        await get(urlOf(NAMES.endless), { onBody: (bytes) => (received += bytes.length) > 1e6 });
        let now = await counts(get);
        for (let asked = 0; now.endlessOpen > 0 && asked < 5000; asked++) now = await counts(get);
        assert.equal(now.endlessOpen, 0);
        assert.equal((await counts(get)).endlessBytes, now.endlessBytes);
      });
    });
  });
}

describe("archiveResponse()", () => {
  const ASK = "https://a.test/x.tar";

  test("has the headers it is given, and its own over them", () => {
    const own = { etag: small.etag, "accept-ranges": "bytes", "cache-control": "max-age=9" };
    const given = Object.fromEntries(Object.keys(own).map((name) => [name, "given"]));
    const options = { headers: { ...given, "x-a": "b" }, cacheControl: "max-age=9" };
    for (
      const [condition, status] of [
        [undefined, 200],
        ["if-none-match", 304],
        ["if-match", 412],
        ["range", 416],
      ] as const
    ) {
      const value = status === 304 ? small.etag : status === 412 ? '"a"' : "bytes=-0";
      const headers = new Headers(condition && [[condition, value]]);
      const response = archiveResponse(
        small,
        new Request(ASK, { method: "GET", headers }),
        options,
      );
      assert.equal(response.status, status);
      for (const [name, value] of Object.entries({ ...own, "x-a": "b" })) {
        assert.equal(response.headers.get(name), value, `${status} ${name}`);
      }
    }
  });

  test("is saved under the name it is given", () => {
    for (
      const [filename, expected] of [
        ["a b.tar", 'filename="a b.tar"'],
        ['a"b\\%.tar', "filename=\"a_b__.tar\"; filename*=UTF-8''a%22b%5C%25.tar"],
        ["ü(1)'!*.tar", "filename=\"_(1)'!*.tar\"; filename*=UTF-8''%C3%BC%281%29%27!%2A.tar"],
        ["\ud800.tar", "filename=\"_.tar\"; filename*=UTF-8''%EF%BF%BD.tar"],
      ]
    ) {
      const { headers } = archiveResponse(small, new Request(ASK), { filename });
      assert.equal(headers.get("content-disposition"), `attachment; ${expected}`);
    }
  });

  test("answers no other method", async () => {
    const response = archiveResponse(small, new Request(ASK, { method: "DELETE" }));
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
    assert.equal(response.headers.get("cache-control"), "no-store");
    const { title, detail } = await response.json();
    assert.equal(title, "Method Not Allowed");
    assert.match(detail, /not by DELETE$/);
  });

  test("tells a HEAD the length of a problem, and nothing of it", async () => {
    for (const [method, empty] of [["GET", false], ["HEAD", true]] as const) {
      const headers = { "if-match": '"a"' };
      const response = archiveResponse(small, new Request(ASK, { method, headers }));
      const { length } = new TextEncoder().encode(JSON.stringify({
        title: "Precondition Failed",
        status: 412,
        detail: `The archive is another one by now: its ETag is ${small.etag}`,
      }));
      assert.equal(response.headers.get("content-length"), String(length));
      assert.equal((await response.text()).length, empty ? 0 : length);
    }
  });

  test("has as many ranges as it may, and else the whole", async () => {
    for (
      const [maxRanges, ranges, status] of [
        [undefined, 16, 206],
        [undefined, 17, 200],
        [2, 2, 206],
        [2, 3, 200],
        [0, 1, 200],
      ] as const
    ) {
      const list = Array.from({ length: ranges }, (_, i) => `${i}-${i}`);
      const headers = { range: `bytes=${list.join()}` };
      const response = archiveResponse(small, new Request(ASK, { headers }), { maxRanges });
      assert.equal(response.status, status, `${ranges} of ${maxRanges}`);
      await response.body?.cancel();
    }
  });

  test("breaks where the archive has another length than it says", async () => {
    for (
      const [length, why] of [
        [small.size - 1, "1 of them are missing"],
        [small.size + 1, "more of them came"],
      ] as const
    ) {
      const told: string[] = [];
      const chunks = function* () {
        yield new Uint8Array(length);
        if (length > small.size) throw new Error("it reads on");
      };
      const plan = { ...small, stream: () => streamOf(chunks()) };
      const response = archiveResponse(plan, new Request(ASK), {
        onError: (error) => told.push((error as Error).message),
      });
      await assert.rejects(response.arrayBuffer());
      assert.deepEqual(told, [`Cannot send bytes 0 to ${small.size} of the archive: ${why}`]);
    }
  });
});

/** Runs a task so many times, some at a time. */
async function inLanes(lanes: number, times: number, task: () => Promise<void>): Promise<void> {
  let left = times;
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (left-- > 0) await task();
  }));
}
