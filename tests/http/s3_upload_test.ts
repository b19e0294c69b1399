import { after, before, describe, test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import { type ArchivePlan, DigestMismatchError, MemoryStore, planArchive } from "../../mod.ts";
import { s3Upload, type S3UploadOptions } from "../../src/http/mod.ts";
import { collect, noise, sha256 } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";
import { lacks } from "../helpers/program.ts";
import { AppStore, NAMES } from "./servers/app.ts";
import { type Fault, type Proxy, type S3Server, startProxy, startS3 } from "./s3_server.ts";

const MIB = 1 << 20;
const OPTIONS: S3UploadOptions = {
  credentials: { accessKeyId: "id", secretAccessKey: "secret" },
  partSize: 5 * MIB,
  minDelay: 1,
};

async function largePlan(): Promise<ArchivePlan> {
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers: [noise(11 * MIB), noise(7 * MIB, 2)] });
  return await planArchive(store, [manifest]);
}

describe("s3Upload() to a real server", { skip: lacks("moto_server") }, () => {
  let server: S3Server;
  let plan: ArchivePlan;
  before(async () => {
    server = await startS3();
    plan = await largePlan();
  });
  after(() => server.stop());

  /** A test against the server, through a proxy that fails some requests. */
  function s3Test(
    name: string,
    fault: (request: string, count: number) => Fault,
    body: (proxy: Proxy, server: S3Server) => Promise<void>,
  ) {
    test(name, async (t: TestContext) => {
      const proxy = await startProxy(server.url, fault);
      t.after(() => proxy.stop());
      await body(proxy, server);
    });
  }
  const never = () => undefined;

  async function assertArrived(server: S3Server, key: string): Promise<void> {
    const object = await fetch(`${server.url}/${key}`);
    const bytes = new Uint8Array(await object.arrayBuffer());
    assert.equal(await sha256(bytes), await sha256(await collect(plan.stream())));
    assert.equal(object.headers.get("content-type"), "application/x-tar");
    assert.deepEqual(await server.unfinished(), []);
  }

  s3Test("makes an object of the archive's bytes", never, async (proxy, server) => {
    const told: number[] = [];
    const object = await s3Upload(plan, `${proxy.url}/a+b c.tar`, {
      ...OPTIONS,
      onProgress: ({ bytes }) => told.push(bytes),
    });
    assert.equal(object.size, plan.size);
    assert.match(object.etag, /-4"$/);
    assert.equal(told.length, 4);
    assert.equal(told.at(-1), plan.size);
    assert.equal(proxy.mismatches, 0);
    await assertArrived(server, "a%2Bb c.tar");
  });

  for (const fault of ["reset", "503", "after"] as const) {
    const once = (pattern: RegExp) => {
      let failed = 0;
      return (request: string): Fault => pattern.test(request) && failed++ < 1 ? fault : undefined;
    };
    s3Test(
      `sends a part again, and only it, after a fault (${fault})`,
      once(/partNumber=2/),
      async (proxy, server) => {
        await s3Upload(plan, `${proxy.url}/part-${fault}`, OPTIONS);
        const parts = proxy.requests.filter((request) => request.startsWith("PUT"));
        assert.equal(parts.length, 5);
        assert.equal(parts.filter((request) => /partNumber=2/.test(request)).length, 2);
        await assertArrived(server, `part-${fault}`);
      },
    );

    s3Test(
      `completes once, after a fault of the last request (${fault})`,
      once(/^POST \?uploadId/),
      async (proxy, server) => {
        await s3Upload(plan, `${proxy.url}/last-${fault}`, OPTIONS);
        await assertArrived(server, `last-${fault}`);
      },
    );
  }

  s3Test(
    "makes no object of a damaged archive and leaves no parts",
    never,
    async (proxy, server) => {
      const store = await AppStore.create();
      const root = (await store.roots()).find(({ annotations }) =>
        annotations?.["io.containerd.image.name"] === NAMES.damaged
      );
      const damaged = await planArchive(store, [root!]);
      await assert.rejects(s3Upload(damaged, `${proxy.url}/damaged`, OPTIONS), DigestMismatchError);
      assert.equal((await fetch(`${server.url}/damaged`)).status, 404);
      assert.deepEqual(await server.unfinished(), []);
    },
  );

  s3Test(
    "leaves nothing where a part fails for good",
    (request) => /partNumber=3/.test(request) ? "503" : undefined,
    async (proxy, server) => {
      await assert.rejects(s3Upload(plan, `${proxy.url}/gone`, { ...OPTIONS, maxAttempts: 3 }), {
        name: "UploadError",
        status: 503,
        url: `${proxy.url}/gone`,
      });
      assert.equal(proxy.requests.filter((request) => /partNumber=3/.test(request)).length, 3);
      assert.equal((await fetch(`${server.url}/gone`)).status, 404);
      assert.deepEqual(await server.unfinished(), []);
    },
  );

  s3Test(
    "leaves nothing after an abort, and rejects with its reason",
    never,
    async (proxy, server) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const upload = s3Upload(plan, `${proxy.url}/aborted`, {
        ...OPTIONS,
        concurrency: 1,
        signal: controller.signal,
        onProgress: () => controller.abort(reason),
      });
      await assert.rejects(upload, reason);
      assert.equal((await fetch(`${server.url}/aborted`)).status, 404);
      assert.deepEqual(await server.unfinished(), []);
    },
  );

  const LAST = /^POST \?uploadId/;

  s3Test(
    "tells of the object where the answer to every last request was lost",
    (request) => LAST.test(request) ? "after" : undefined,
    async (proxy, server) => {
      for (const maxAttempts of [1, 3]) {
        const object = await s3Upload(plan, `${proxy.url}/lost-${maxAttempts}`, {
          ...OPTIONS,
          maxAttempts,
        });
        assert.equal(object.size, plan.size);
        assert.match(object.etag, /-4"$/);
        await assertArrived(server, `lost-${maxAttempts}`);
      }
    },
  );

  s3Test(
    "tells of that object also where it may remove no uploads",
    (request) => LAST.test(request) ? "after" : request.startsWith("DELETE") ? "503" : undefined,
    async (proxy, server) => {
      await s3Upload(plan, `${proxy.url}/kept`, { ...OPTIONS, maxAttempts: 1 });
      await assertArrived(server, "kept");
    },
  );

  s3Test(
    "leaves nothing where the last request never arrives",
    (request) => LAST.test(request) ? "reset" : undefined,
    async (proxy, server) => {
      const upload = s3Upload(plan, `${proxy.url}/never`, { ...OPTIONS, maxAttempts: 2 });
      await assert.rejects(upload, { name: "UploadError", status: undefined });
      assert.equal((await fetch(`${server.url}/never`)).status, 404);
      assert.deepEqual(await server.unfinished(), []);
    },
  );

  /** A test that aborts when a request arrives, on which `fault` then befalls it. */
  function abortTest(
    name: string,
    pattern: RegExp,
    fault: Fault,
    body: (upload: Promise<unknown>, reason: Error, proxy: Proxy) => Promise<void>,
  ) {
    const reason = new Error("enough");
    let controller = new AbortController();
    const abort = (request: string): Fault => {
      if (!pattern.test(request)) return undefined;
      controller.abort(reason);
      return fault;
    };
    s3Test(name, abort, async (proxy, server) => {
      controller = new AbortController();
      const options = { ...OPTIONS, signal: controller.signal, cleanupTimeout: 200 };
      await body(s3Upload(plan, `${proxy.url}/stop`, options), reason, proxy);
      assert.equal((await fetch(`${server.url}/stop`)).status, 404);
      assert.deepEqual(await server.unfinished(), []);
    });
  }

  abortTest(
    "sends no part after an abort of its first request, and leaves nothing",
    /^POST \?uploads/,
    undefined,
    async (upload, reason, proxy) => {
      await assert.rejects(upload, reason);
      assert.deepEqual(proxy.requests.filter((request) => request.startsWith("PUT")), []);
    },
  );

  for (const [which, pattern] of [["first", /^POST \?uploads/], ["last", LAST]] as const) {
    abortTest(
      `hears an abort where its ${which} request is not answered`,
      pattern,
      "stall",
      async (upload, reason) => await assert.rejects(upload, reason),
    );
  }

  for (
    const [which, pattern] of [["first request", /^POST \?uploads/], ["part", /^PUT/]] as const
  ) {
    let seen = 0;
    s3Test(
      `asks again where a ${which} is not answered for its stallTimeout`,
      (request) => pattern.test(request) && seen++ === 0 ? "stall" : undefined,
      async (proxy, server) => {
        await s3Upload(plan, `${proxy.url}/heard`, { ...OPTIONS, stallTimeout: 300 });
        assert.ok(seen > 1);
        await assertArrived(server, "heard");
      },
    );
  }

  s3Test(
    "does not wait for ever for the removal of its parts",
    (request) =>
      request.startsWith("DELETE") ? "stall" : request.startsWith("PUT") ? "503" : undefined,
    async (proxy) => {
      const options = { ...OPTIONS, maxAttempts: 1, cleanupTimeout: 200 };
      await assert.rejects(s3Upload(plan, `${proxy.url}/left`, options), {
        name: "UploadError",
        message: /the parts of upload .+ could not be removed/,
      });
    },
  );

  s3Test(
    "names the upload whose parts could not be removed",
    (request) => request.startsWith("DELETE") || request.startsWith("PUT") ? "503" : undefined,
    async (proxy) => {
      await assert.rejects(s3Upload(plan, `${proxy.url}/left`, { ...OPTIONS, maxAttempts: 1 }), {
        name: "UploadError",
        message: /the parts of upload .+ could not be removed/,
      });
    },
  );

  s3Test("tells S3's own word for a refusal", never, async (proxy) => {
    const url = `${new URL(proxy.url).origin}/no-such-bucket/key`;
    await assert.rejects(s3Upload(plan, url, OPTIONS), {
      name: "UploadError",
      status: 404,
      message: /NoSuchBucket/,
    });
  });
});

/** A request to a {@linkcode grantingS3}. */
interface Asked {
  /** Method and query. */
  label: string;
  headers: Headers;
  body: string;
}

/** A fetch that grants everything as S3 does, but for what `answer` says of a request. */
function grantingS3(
  answer: (label: string) => Response | undefined | Promise<Response | undefined> = () => undefined,
) {
  const requests: Asked[] = [];
  const fetch: typeof globalThis.fetch = async (input, { method = "", headers, body } = {}) => {
    const label = `${method} ${new URL(String(input)).search}`;
    const text = method === "POST" && body ? await new Response(body).text() : "";
    requests.push({ label, headers: new Headers(headers), body: text });
    return await answer(label) ?? GRANTED.find(([pattern]) => pattern.test(label))![1]();
  };
  return { fetch, requests, labels: () => requests.map(({ label }) => label) };
}

const GRANTED: readonly (readonly [RegExp, () => Response])[] = [
  [/^POST \?uploads=/, () => new Response("<UploadId>one</UploadId>")],
  [/^PUT /, () => new Response(null, { headers: { etag: '"part"' } })],
  [/^POST \?uploadId=/, () => new Response("<ETag>&quot;whole-1&quot;</ETag>")],
  [/^DELETE /, () => new Response(null, { status: 204 })],
  [/^HEAD /, () => new Response(null, { status: 404 })],
];
const FIRST = "POST ?uploads=";
const PART = "PUT ?partNumber=1&uploadId=one";
const LAST = "POST ?uploadId=one";
const REMOVAL = "DELETE ?uploadId=one";

function refusal(status: number, code: string, message = "why"): Response {
  const xml = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(xml, { status });
}

async function planOf(...layers: Uint8Array[]): Promise<ArchivePlan> {
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers });
  return await planArchive(store, [manifest]);
}

describe("s3Upload() to a server that may fail", () => {
  let small: ArchivePlan;
  before(async () => {
    small = await planOf(new Uint8Array(1));
  });

  function upload(fetch: typeof globalThis.fetch, options: Partial<S3UploadOptions> = {}) {
    const settings = { ...OPTIONS, maxAttempts: 2, fetch, ...options };
    return s3Upload(small, "https://s3.test/bucket/a.tar", settings);
  }

  test("gives the object its headers, and shows whose session it is", async () => {
    const { fetch, requests, labels } = grantingS3();
    const credentials = { ...OPTIONS.credentials, sessionToken: "session" };
    const headers = { "content-type": "application/x-oci", "x-amz-storage-class": "GLACIER" };
    const object = await upload(fetch, { credentials, headers });
    assert.deepEqual(object, { etag: '"whole-1"', size: small.size });
    assert.deepEqual(labels(), [FIRST, PART, LAST]);
    const [first] = requests;
    for (const [name, value] of Object.entries(headers)) {
      assert.equal(first!.headers.get(name), value);
    }
    assert.equal(first!.headers.get("x-amz-checksum-algorithm"), "SHA256");
    assert.equal(first!.headers.get("x-amz-meta-archive-etag"), small.etag);
    for (const { headers } of requests) {
      assert.equal(headers.get("x-amz-security-token"), "session");
    }
  });

  test("lists the parts in order, with the checksums that the server keeps", async () => {
    const plan = await planOf(new Uint8Array(6 * MIB));
    let second: (part: Response) => void;
    const first = new Promise<Response>((resolve) => second = resolve);
    const part = (headers: HeadersInit) => new Response(null, { headers });
    const { fetch, requests } = grantingS3((label) => {
      if (label.includes("partNumber=1")) return first;
      if (!label.includes("partNumber=2")) return undefined;
      // The first arrives last.
      setTimeout(() => second(part({ etag: "<1>", "x-amz-checksum-sha256": "a+b=" })));
      return part({ etag: '"2"' });
    });
    await s3Upload(plan, "https://s3.test/bucket/a.tar", { ...OPTIONS, fetch });
    assert.match(
      requests.at(-1)!.body,
      new RegExp(
        "<Part><PartNumber>1</PartNumber><ETag>&#60;1&#62;</ETag>" +
          "<ChecksumSHA256>a\\+b=</ChecksumSHA256></Part>" +
          "<Part><PartNumber>2</PartNumber><ETag>&#34;2&#34;</ETag></Part></Complete",
      ),
    );
  });

  for (
    const [status, code] of [
      [500, "Other"],
      [503, "Other"],
      [408, "Other"],
      [429, "Other"],
      [400, "BadDigest"],
      [400, "RequestTimeout"],
      [400, "SlowDown"],
      [200, "InternalError"],
    ] as const
  ) {
    test(`asks again after ${status} ${code}, which may pass`, async () => {
      const answers = [refusal(status, code)];
      const { fetch, labels } = grantingS3((label) => label === LAST ? answers.pop() : undefined);
      await upload(fetch);
      assert.deepEqual(labels(), [FIRST, PART, LAST, LAST]);
    });
  }

  for (const status of [400, 403, 404, 499, 301, 200]) {
    test(`asks only once after ${status}, and says why it was refused`, async () => {
      const message = "&#x22;no&#34; &amp; &lt;never&gt;&#x110000;";
      const { fetch, labels } = grantingS3(() => refusal(status, "Other", message));
      await assert.rejects(upload(fetch), {
        name: "UploadError",
        status,
        message: "Cannot upload to https://s3.test/bucket/a.tar: " +
          `the answer was ${status} Other ${JSON.stringify('"no" & <never>\ufffd')}`,
      });
      assert.deepEqual(labels(), [FIRST]);
    });
  }

  test("takes a refusal without S3's words for one", async () => {
    for (const status of [300, 403]) {
      const { fetch } = grantingS3(() => new Response("a proxy's <b>page</b>", { status }));
      await assert.rejects(upload(fetch), {
        status,
        message: `Cannot upload to https://s3.test/bucket/a.tar: the answer was ${status}`,
      });
    }
  });

  test("asks as often as it may where it cannot be reached", async () => {
    for (const maxAttempts of [1, 3]) {
      const { fetch, labels } = grantingS3(() => Promise.reject(new TypeError("no route")));
      await assert.rejects(upload(fetch, { maxAttempts }), {
        name: "UploadError",
        status: undefined,
        message: "Cannot upload to https://s3.test/bucket/a.tar: no route",
      });
      assert.equal(labels().length, maxAttempts);
    }
  });

  test("hears an abort while it waits to ask again", async () => {
    const controller = new AbortController();
    const { fetch, labels } = grantingS3((label) => {
      if (label !== PART) return undefined;
      setTimeout(() => controller.abort(new Error("enough")));
      return refusal(503, "SlowDown");
    });
    const uploading = upload(fetch, { minDelay: 60_000, signal: controller.signal });
    await assert.rejects(uploading, { message: "enough" });
    assert.deepEqual(labels(), [FIRST, PART, REMOVAL]);
  });

  test("rejects with an abort's reason though a refusal comes as well", async () => {
    const controller = new AbortController();
    const { fetch, labels } = grantingS3((label) => {
      if (label !== PART) return undefined;
      controller.abort(new Error("enough"));
      return refusal(403, "AccessDenied");
    });
    await assert.rejects(upload(fetch, { signal: controller.signal }), { message: "enough" });
    assert.deepEqual(labels(), [FIRST, PART, REMOVAL]);
  });

  test("asks six times by itself, and waits twice as long each time, though not quite", async () => {
    const { fetch, labels } = grantingS3(() => refusal(503, "SlowDown"));
    const { setTimeout } = globalThis;
    const { random } = Math;
    const waits: number[] = [];
    // Whoever waits a minute waits for an answer.
    const atOnce = (task: () => void, wait: number) =>
      setTimeout(task, wait < 60_000 ? waits.push(wait) && 0 : wait);
    Object.assign(globalThis, { setTimeout: atOnce });
    Math.random = () => waits.length % 2;
    try {
      const options = { maxAttempts: undefined, minDelay: undefined };
      await assert.rejects(upload(fetch, options), { status: 503 });
    } finally {
      Object.assign(globalThis, { setTimeout });
      Math.random = random;
    }
    assert.equal(labels().length, 6);
    assert.deepEqual(waits, [100, 400, 400, 1600, 1600]);
  });

  test("sends nothing for a signal that has aborted before", async () => {
    const { fetch, labels } = grantingS3();
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(upload(fetch, { signal }), { message: "enough" });
    assert.deepEqual(labels(), []);
  });

  test("fails where the answer does not name the upload", async () => {
    const { fetch, labels } = grantingS3(() => new Response("<html>"));
    await assert.rejects(upload(fetch), { status: 200, message: /no UploadId .+"<html>"$/ });
    assert.deepEqual(labels(), [FIRST]);
  });

  test("fails where a part gets no ETag, and removes what has arrived", async () => {
    const { fetch, labels } = grantingS3((label) => label === PART ? new Response() : undefined);
    await assert.rejects(upload(fetch), { status: 200, message: /part 1 got no ETag/ });
    assert.deepEqual(labels(), [FIRST, PART, REMOVAL]);
  });

  test("tells of its failure where there is nothing left to remove", async () => {
    const { fetch } = grantingS3((label) =>
      label === PART
        ? refusal(403, "AccessDenied")
        : label === REMOVAL
        ? refusal(404, "NoSuchUpload")
        : undefined
    );
    await assert.rejects(upload(fetch), { status: 403, message: /AccessDenied "why"$/ });
  });

  test("asks for no object that the last request was refused", async () => {
    const { fetch, labels } = grantingS3((label) =>
      label === LAST ? refusal(403, "AccessDenied") : undefined
    );
    await assert.rejects(upload(fetch), { status: 403 });
    assert.deepEqual(labels(), [FIRST, PART, LAST, REMOVAL]);
  });

  test("asks for the object where the last request fails behind a status of 200", async () => {
    const { fetch, labels } = grantingS3((label) =>
      label === LAST ? refusal(200, "InternalError") : undefined
    );
    await assert.rejects(upload(fetch), { status: 200, message: /InternalError/ });
    assert.equal(labels().at(-1), "HEAD ");
  });

  for (const [etag, more, isOwn] of [["", 0, true], ["x", 0, false], ["", 1, false]] as const) {
    const what = isOwn ? "its own" : more ? "one of another size" : "one of another archive";
    test(`${isOwn ? "takes" : "does not take"} for the object ${what}`, async () => {
      const { fetch } = grantingS3((label) => {
        if (label === LAST) return refusal(404, "NoSuchUpload");
        if (label !== "HEAD ") return undefined;
        return new Response(null, {
          headers: {
            etag: '"whole-1"',
            "content-length": String(small.size + more),
            "x-amz-meta-archive-etag": small.etag + etag,
          },
        });
      });
      const uploading = upload(fetch);
      if (!isOwn) return await assert.rejects(uploading, { status: 404, message: /NoSuchUpload/ });
      assert.deepEqual(await uploading, { etag: '"whole-1"', size: small.size });
    });
  }
});

describe("s3Upload()", () => {
  test("refuses parts that S3 does not take", async () => {
    const plan = await largePlan();
    for (const options of [{ partSize: MIB }, { partSize: 5.5 * MIB + 0.5 }, { concurrency: 0 }]) {
      await assert.rejects(
        s3Upload(plan, "http://127.0.0.1:1/bucket/key", { ...OPTIONS, ...options }),
        RangeError,
      );
    }
  });
});
