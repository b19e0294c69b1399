import { test } from "node:test";
import assert from "node:assert/strict";
import {
  BlobNotFoundError,
  type Descriptor,
  DigestMismatchError,
  exportArchive,
  LimitError,
  readBlob,
  RegistryError,
  SizeMismatchError,
} from "../../../mod.ts";
import {
  type RegistryOptions,
  RegistryStore,
  type Retry,
} from "../../../src/stores/registry/registry.ts";
import { collect, drain, equal, noise } from "../../helpers/bytes.ts";
import { countingSignal } from "../../helpers/counting_signal.ts";
import { brokenBody, failure, FakeRegistry, json } from "./fake_registry.ts";

const LAYER = noise(1 << 20);

async function setUp(options: RegistryOptions = {}) {
  const registry = new FakeRegistry();
  const image = await registry.addImage({ layers: [LAYER] });
  const retries: Retry[] = [];
  const store = new RegistryStore(registry.image, {
    fetch: registry.fetch,
    minDelay: 1,
    maxDelay: 1000,
    onRetry: (retry) => retries.push(retry),
    ...options,
  });
  return { registry, store, layer: image.layers[0]!, image, retries };
}

/** Lets an answer break off behind so many bytes. */
async function cut(
  response: Response,
  bytes: number,
  then: "fails" | "stalls" = "fails",
): Promise<Response> {
  const whole = new Uint8Array(await response.arrayBuffer());
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes; at += 65536) {
    chunks.push(whole.slice(at, Math.min(at + 65536, bytes)));
  }
  const { status, headers } = response;
  return new Response(brokenBody(chunks, then), { status, headers });
}

const readLayer = async (store: RegistryStore, layer: Descriptor) =>
  await collect(await store.open(layer));

test("a blob that breaks off goes on from the byte it reached", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push((request) =>
    request.url.pathname.includes("/blobs/") && registry.seen.length < 5
      ? cut(registry.answer(request), 100_000)
      : undefined
  );
  assert.deepEqual(await readLayer(store, layer), LAYER);
  assert.deepEqual(registry.seen.map(({ headers }) => headers.get("range")), [
    null,
    "bytes=100000-",
    "bytes=200000-",
    "bytes=300000-",
    "bytes=400000-",
  ]);
});

test("a part of a blob that breaks off goes on to its own end", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push((request) =>
    registry.seen.length < 2 ? cut(registry.answer(request), 70_000) : undefined
  );
  const part = await collect(await store.open(layer, { offset: 5, length: 100_000 }));
  assert.deepEqual(part, LAYER.slice(5, 100_005));
  assert.equal(registry.seen[1]!.headers.get("range"), "bytes=70005-100004");
});

test("a body that ends too soon as if it were whole goes on too", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push(() =>
    registry.seen.length < 2 ? new Response(LAYER.slice(0, 1000)) : undefined
  );
  assert.deepEqual(await readLayer(store, layer), LAYER);
  assert.equal(registry.seen[1]!.headers.get("range"), "bytes=1000-");
});

test("a stall counts as a break, before the answer and within it", async () => {
  const { registry, store, layer, retries } = await setUp({ stallTimeout: 30 });
  registry.interceptions.push((request, signal) => {
    if (registry.seen.length === 1) {
      return new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      );
    }
    return registry.seen.length === 2 ? cut(registry.answer(request), 50_000, "stalls") : undefined;
  });
  assert.deepEqual(await readLayer(store, layer), LAYER);
  assert.equal(registry.seen[2]!.headers.get("range"), "bytes=50000-");
  for (const { error } of retries) assert.match(error.message, /nothing came for 0 s/);
});

test("a server that ignores Range has its beginning discarded", async () => {
  const { registry, store, layer } = await setUp();
  registry.hasRanges = false;
  registry.interceptions.push((request) => {
    const { length } = registry.seen;
    return cut(registry.answer(request), length < 4 ? 196_000 * length : LAYER.length);
  });
  assert.ok(equal(await readLayer(store, layer), LAYER));
  assert.equal(registry.seen.length, 4);
  assert.deepEqual(
    await collect(await store.open(layer, { offset: 9, length: 9 })),
    LAYER.slice(9, 18),
  );
});

test("a part ends where it should, although the server goes on", async () => {
  for (const part of [{ offset: 5, length: 100_000 }, { offset: LAYER.length - 100_000 }]) {
    const { registry, store, layer } = await setUp();
    let given = 0;
    registry.interceptions.push(() => {
      const body = new ReadableStream({
        pull(controller) {
          controller.enqueue(LAYER.slice(given, given += 40_000));
          if (given > 900_000) controller.close();
        },
      });
      return new Response(body, { status: 206 });
    });
    const came = await collect(await store.open(layer, part));
    assert.ok(equal(came, LAYER.slice(0, 100_000)));
    assert.ok(given < 400_000, `${given} bytes`);
  }
});

test("a stream that is cancelled, or whose signal aborts, ends its request", async () => {
  for (const how of ["cancel", "abort"] as const) {
    const { registry, store, layer } = await setUp();
    let request: AbortSignal | undefined;
    registry.interceptions.push((_, signal) => {
      request = signal;
      return new Response(brokenBody([LAYER.slice(0, 1000)], "stalls"));
    });
    const controller = new AbortController();
    const body = await store.open(layer, { signal: controller.signal });
    if (how === "cancel") await (body as ReadableStream).cancel();
    else controller.abort();
    assert.ok(request!.aborted, how);
  }
});

test("what is discarded has a bound", async () => {
  const { registry, store, layer } = await setUp({ maxDiscard: 100_000 });
  registry.hasRanges = false;
  registry.interceptions.push((request) => cut(registry.answer(request), 70_000));
  await assert.rejects(() => readLayer(store, layer), LimitError);
  const far = await store.open(layer, { offset: 100_001 });
  await assert.rejects(() => collect(far), LimitError);
  registry.interceptions.length = 0;
  const near = await store.open(layer, { offset: 100_000 });
  assert.ok(equal(await collect(near), LAYER.slice(100_000)));
});

test("faults that never end end the call, with the last one", async () => {
  for (const status of [408, 425, 429, 500, 503]) {
    const { registry, store, layer, retries } = await setUp({ maxAttempts: 4 });
    registry.interceptions.push(() => failure(status, "BUSY"));
    await assert.rejects(() => store.open(layer), (error) => {
      assert.ok(error instanceof RegistryError);
      assert.equal(error.status, status);
      assert.equal(error.code, "BUSY");
      return true;
    });
    assert.equal(registry.seen.length, 4);
    assert.deepEqual(retries.map(({ attempt }) => attempt), [1, 2, 3]);
  }
});

test("each wait is twice as long as the last, up to maxDelay, and half of it by chance", async (t) => {
  const { random } = Math;
  t.after(() => Math.random = random);
  for (const [chance, delays] of [[1, [1, 2, 3, 3]], [0, [0.5, 1, 1.5, 1.5]]] as const) {
    Math.random = () => chance;
    const { registry, store, layer, retries } = await setUp({ maxDelay: 3, maxAttempts: 5 });
    registry.interceptions.push(() => failure(503, "BUSY"));
    await assert.rejects(() => store.open(layer), RegistryError);
    assert.deepEqual(retries.map(({ delay }) => delay), delays);
  }
});

test("attempts are counted anew behind every byte", async () => {
  const { registry, store, layer } = await setUp({ maxAttempts: 4 });
  registry.interceptions.push((request) =>
    registry.seen.length % 3 === 0 ? cut(registry.answer(request), 100_000) : failure(503, "BUSY")
  );
  assert.deepEqual(await readLayer(store, layer), LAYER);
});

test("a blob whose connections give nothing is given up", async () => {
  const { registry, store, layer } = await setUp({ maxAttempts: 5 });
  registry.interceptions.push((request) => cut(registry.answer(request), 0));
  await assert.rejects(() => readLayer(store, layer), RegistryError);
  assert.equal(registry.seen.length, 5);
});

test("connection errors are tried again", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push(() => {
    if (registry.seen.length < 3) throw new TypeError("dns error: no such host");
    return undefined;
  });
  assert.deepEqual(await readLayer(store, layer), LAYER);
});

test("a registry that has never answered is given up after four attempts", async () => {
  const { registry, store, image, retries } = await setUp();
  const refuse = () => {
    throw new TypeError("connection refused");
  };
  registry.interceptions.push(refuse);
  await assert.rejects(store.resolve(), /connection refused/);
  assert.equal(retries.length, 3);
  // Once it has, it may be about to start anew.
  registry.interceptions.length = 0;
  await store.resolve();
  retries.length = 0;
  registry.interceptions.push(refuse);
  await assert.rejects(readBlob(store, image.manifest), /connection refused/);
  assert.equal(retries.length, 7);
});

test("a certificate that cannot be trusted is not tried again", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push(() => {
    throw new TypeError("fetch failed", { cause: new Error("self-signed certificate") });
  });
  await assert.rejects(() => store.open(layer), {
    name: "RegistryError",
    message: /fetch failed: self-signed certificate; give the registry's CA \(--ca FILE\)/,
  });
  assert.equal(registry.seen.length, 1);
});

test("4xx are not tried again, nor 501, which is for good", async () => {
  for (const status of [400, 404, 405, 410, 501]) {
    const { registry, store, layer } = await setUp();
    registry.interceptions.push(() => failure(status, "NO"));
    await assert.rejects(
      () => store.open(layer),
      status === 404 ? BlobNotFoundError : RegistryError,
    );
    assert.equal(registry.seen.length, 1);
  }
});

test("what is neither good nor leads elsewhere is an error", async () => {
  for (const status of [300, 304, 307]) {
    const { registry, store, layer } = await setUp();
    registry.interceptions.push(() => new Response(null, { status }));
    await assert.rejects(() => store.open(layer), {
      name: "RegistryError",
      status,
      message: `Cannot get https://registry.test/v2/team/app/blobs/${layer.digest}: ${status}`,
    });
  }
});

test("an error has the code and the words that the registry gives, or one of them", async () => {
  for (
    const [error, why] of [
      [{ code: "UNKNOWN", message: "no such blob" }, '400, UNKNOWN: "no such blob"'],
      [{ code: "UNKNOWN" }, "400, UNKNOWN"],
      [{ code: "not a code", message: "no such blob" }, '400, "no such blob"'],
      [{ code: 5, message: 5 }, "400"],
      ["UNKNOWN", "400"],
    ] as const
  ) {
    const { registry, store, layer } = await setUp();
    registry.interceptions.push(() => json({ errors: [error] }, { status: 400 }));
    await assert.rejects(() => store.open(layer), ({ message, code }: RegistryError) => {
      assert.ok(message.endsWith(`: ${why}`), message);
      assert.equal(code, why.includes("UNKNOWN") ? "UNKNOWN" : undefined);
      return true;
    });
  }
});

test("Retry-After is kept to, as seconds and as a date", async () => {
  for (const ask of [() => "1", () => new Date(Date.now() + 1500).toUTCString()]) {
    const { registry, store, layer, retries } = await setUp();
    registry.interceptions.push(() =>
      registry.seen.length === 1
        ? new Response(null, { status: 429, headers: { "retry-after": ask() } })
        : undefined
    );
    const start = performance.now();
    await readLayer(store, layer);
    const took = performance.now() - start;
    const { delay } = retries[0]!;
    assert.ok(delay > 100 && delay <= 1500, `${delay} ms`);
    // Timers of some runtimes are up to a millisecond early.
    assert.ok(took > delay - 5, `${took} ms, and not ${delay}`);
  }
});

test("a Retry-After of an hour ends the call at once", async () => {
  const { registry, store, layer, retries } = await setUp();
  registry.interceptions.push(() =>
    new Response(null, { status: 429, headers: { "retry-after": "3600" } })
  );
  await assert.rejects(() => store.open(layer), { name: "RegistryError", status: 429 });
  assert.deepEqual(retries, []);
});

test("an abort ends a wait for the next attempt", async () => {
  const controller = new AbortController();
  const { registry, store, layer } = await setUp({
    minDelay: 100_000,
    maxDelay: 100_000,
    onRetry: () => controller.abort(new Error("enough")),
  });
  registry.interceptions.push(() => failure(503, "BUSY"));
  await assert.rejects(() => store.open(layer, { signal: controller.signal }), /enough/);
});

test("timeout bounds all attempts together", async () => {
  const { registry, store, layer } = await setUp({ timeout: 60, minDelay: 20, maxAttempts: 1e9 });
  registry.interceptions.push(() => failure(503, "BUSY"));
  await assert.rejects(() => store.open(layer), RegistryError);
  assert.ok(registry.seen.length < 10);
});

test("a flipped byte is fatal at once, and never leaves in an archive", async () => {
  const { registry, store, layer, image } = await setUp();
  const flipped = LAYER.slice();
  flipped[1000]! ^= 1;
  registry.add(layer, flipped);
  const { failed, error, chunks } = await drain(exportArchive(store, [image.manifest]));
  assert.ok(failed && error instanceof DigestMismatchError, String(error));
  assert.equal(error.digest, layer.digest);
  assert.equal(registry.requests(layer.digest).length, 1);
  const size = chunks.reduce((size, chunk) => size + chunk.length, 0);
  assert.ok(size < LAYER.length, `${size} bytes`);
});

test("a blob of another size is fatal at once", async () => {
  for (const bytes of [LAYER.slice(1), noise(LAYER.length + 1)]) {
    for (const hasLength of [true, false]) {
      const { registry, store, layer } = await setUp();
      registry.add(layer, bytes);
      registry.interceptions.push((request) => {
        const response = registry.answer(request);
        if (!hasLength) response.headers.delete("content-length");
        return response;
      });
      await assert.rejects(() => readBlob(store, layer), SizeMismatchError);
      assert.ok(registry.seen.length <= 2);
    }
  }
});

test("a range of another blob's size is fatal at once", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push((request) =>
    registry.seen.length === 1 ? cut(registry.answer(request), 10) : new Response("x", {
      status: 206,
      headers: { "content-range": "bytes 10-10/11" },
    })
  );
  await assert.rejects(() => readLayer(store, layer), SizeMismatchError);
});

test("a range of a blob whose size the registry does not know is taken", async () => {
  const { registry, store, layer } = await setUp();
  const headers = { "content-range": "bytes 5-9/*" };
  registry.interceptions.push(() => new Response(LAYER.slice(5, 10), { status: 206, headers }));
  const part = await collect(await store.open(layer, { offset: 5, length: 5 }));
  assert.deepEqual(part, LAYER.slice(5, 10));
});

test("a range that begins elsewhere is put right, or asked for again", async () => {
  const { registry, store, layer } = await setUp();
  const size = LAYER.length;
  registry.interceptions.push((request) => {
    if (registry.seen.length === 1) return cut(registry.answer(request), 1000);
    const start = registry.seen.length === 2 ? 2000 : 500;
    return new Response(LAYER.slice(start), {
      status: 206,
      headers: { "content-range": `bytes ${start}-${size - 1}/${size}` },
    });
  });
  assert.deepEqual(await readLayer(store, layer), LAYER);
  assert.equal(registry.seen.length, 3);
});

test("a server that compresses all the same is read from the start", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push(async (request) => {
    const response = registry.answer(request);
    response.headers.set("content-encoding", "gzip");
    // As fetch does: the length is of what came, the body of what was decoded.
    response.headers.set("content-length", "7");
    return registry.seen.length === 1 ? await cut(response, 1000) : response;
  });
  assert.deepEqual(await readLayer(store, layer), LAYER);
  assert.deepEqual(registry.seen.map(({ headers }) => headers.get("range")), [
    null,
    "bytes=1000-",
    null,
  ]);
});

for (
  const [what, offset] of [["from the start", 0], ["from the middle", 5]] as const
) {
  test(`a part ${what} of a blob whose ranges are compressed is read out of the whole`, async () => {
    const { registry, store, layer } = await setUp();
    registry.interceptions.push((request) => {
      const response = registry.answer(request);
      response.headers.set("content-encoding", "gzip");
      return response;
    });
    const part = await collect(await store.open(layer, { offset, length: 5 }));
    assert.deepEqual(part, LAYER.slice(offset, offset + 5));
    assert.deepEqual(registry.seen.map(({ headers }) => headers.get("range")), [
      `bytes=${offset}-${offset + 4}`,
      null,
    ]);
  });
}

test("a server that compresses ranges even where it is asked for the whole is given up", async () => {
  const { registry, store, layer } = await setUp();
  const headers = { "content-encoding": "gzip" };
  registry.interceptions.push(() => new Response("12345", { status: 206, headers }));
  const body = await store.open(layer, { offset: 5, length: 5 });
  await assert.rejects(collect(body), {
    name: "RegistryError",
    message: /compresses a range .* even where it is asked for the whole/,
  });
  assert.deepEqual(registry.seen.map(({ headers }) => headers.get("range")), ["bytes=5-9", null]);
});

test("a server that always gives another range is given up", async () => {
  const { registry, store, layer } = await setUp({ maxAttempts: 3 });
  const headers = { "content-range": `bytes 70-74/${LAYER.length}` };
  registry.interceptions.push(() => new Response("12345", { status: 206, headers }));
  const body = await store.open(layer, { offset: 5, length: 5 });
  await assert.rejects(collect(body), {
    name: "RegistryError",
    message: /gave byte 70 when asked for byte 5/,
  });
  assert.equal(registry.seen.length, 3);
});

test("what comes without a word for the whole of a blob begins at its start", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push(() =>
    registry.seen.length === 1
      ? new Response("12345", { status: 206, headers: { "content-encoding": "gzip" } })
      : new Response(LAYER.slice(), { status: 206 })
  );
  const part = await collect(await store.open(layer, { offset: 5, length: 5 }));
  assert.deepEqual(part, LAYER.slice(5, 10));
});

test("redirects are followed, and signatures that expired fetched anew", async () => {
  const { registry, store, layer } = await setUp();
  let signature = 0;
  registry.interceptions.push((request) => {
    const { url } = request;
    if (url.host === registry.host) {
      return Response.redirect(`https://blobs.test${url.pathname}?sig=${++signature}`, 307);
    }
    if (url.search === "?sig=1") return cut(registry.answer(request), 1000);
    return url.search === "?sig=2" ? failure(403, "EXPIRED") : undefined;
  });
  assert.deepEqual(await readLayer(store, layer), LAYER);
  assert.equal(signature, 3);
});

test("a redirect target that always refuses is given up soon", async () => {
  const { registry, store, layer } = await setUp();
  registry.interceptions.push(({ url }) =>
    url.host === registry.host
      ? Response.redirect("https://blobs.test/x?sig=secret", 307)
      : failure(403, "EXPIRED")
  );
  await assert.rejects(() => store.open(layer), (error) => {
    assert.ok(error instanceof RegistryError);
    const { url, status, code } = error;
    assert.deepEqual([url, status, code], ["https://blobs.test/x", 403, "EXPIRED"]);
    return true;
  });
  assert.equal(registry.seen.length, 6);
});

for (
  const [what, location] of [
    ["a circle", "https://registry.test/v2/team/app/blobs/again"],
    ["plain http", "http://registry.test/x"],
    ["plain http elsewhere", "http://blobs.test/x?sig=secret"],
    ["a file", "file:///etc/passwd"],
    ["no URL", "https://"],
  ]
) {
  test(`a redirect to ${what} is an error`, async () => {
    const { registry, store, layer } = await setUp();
    registry.interceptions.push(() =>
      new Response(null, { status: 307, headers: { location: location! } })
    );
    await assert.rejects(() => store.open(layer), (error) => {
      assert.ok(error instanceof RegistryError);
      assert.doesNotMatch(String(error.stack), /secret/);
      return true;
    });
    assert.ok(registry.seen.length <= 11, String(registry.seen.length));
    assert.ok(registry.seen.every(({ url }) => url.origin === "https://registry.test"));
  });
}

test("as many redirects as maxRedirects are followed, and no more", async () => {
  for (const maxRedirects of [0, 1, 2]) {
    const { registry, store, layer } = await setUp({ maxRedirects });
    let left = maxRedirects;
    registry.interceptions.push(({ url }) =>
      left-- > 0 ? Response.redirect(`${url.origin}${url.pathname}?${left}`, 307) : undefined
    );
    assert.ok(equal(await readLayer(store, layer), LAYER));
    left = maxRedirects + 1;
    await assert.rejects(() => store.open(layer), {
      name: "RegistryError",
      message: new RegExp(`: more than ${maxRedirects} redirects led here$`),
    });
  }
});

test("redirects of every kind are followed, and nothing else that has a Location", async () => {
  for (const status of [200, 301, 302, 303, 307, 308]) {
    const { registry, store, layer } = await setUp();
    const headers = { location: `https://blobs.test/${layer.digest}` };
    registry.interceptions.push(({ url }) =>
      new Response(LAYER, url.host === registry.host ? { status, headers } : {})
    );
    assert.ok(equal(await readLayer(store, layer), LAYER));
    assert.equal(registry.seen.length, status === 200 ? 1 : 2);
  }
});

test("a redirect with an endless body is followed, and not read to its end", async () => {
  const { registry, store, layer } = await setUp();
  let given = 0;
  registry.interceptions.push(({ url }) => {
    if (url.host !== registry.host) return undefined;
    const body = new ReadableStream({
      pull(controller) {
        given += 10_000;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    const headers = { location: `https://blobs.test${url.pathname}` };
    return new Response(body, { status: 307, headers });
  });
  assert.deepEqual(await readLayer(store, layer), LAYER);
  assert.ok(given < 100_000, `${given} bytes`);
});

test("where fetch hides redirects, as in browsers, it follows them itself", async () => {
  const { registry, layer } = await setUp();
  const fetch = (href: string, init: RequestInit) => {
    if (init.redirect === "follow") return registry.fetch(href, init);
    assert.equal(init.redirect, "manual");
    const hidden = Response.error();
    Object.defineProperty(hidden, "type", { value: "opaqueredirect" });
    return Promise.resolve(hidden);
  };
  const store = new RegistryStore(registry.image, { fetch });
  assert.deepEqual(await readLayer(store, layer), LAYER);
});

test("the runtime's own error does not tell a signed URL", async () => {
  const { registry, store, layer } = await setUp({ maxAttempts: 1 });
  registry.interceptions.push(({ url }) => {
    if (url.host === registry.host) {
      return Response.redirect("https://u:secret@blobs.test/x?sig=secret", 307);
    }
    throw new TypeError(`error sending request for url (${url.href}#secret)`);
  });
  await assert.rejects(() => store.open(layer), (error) => {
    const { stack, cause, message } = error as Error;
    assert.match(message, /https:\/\/blobs\.test\/x: error sending request for url/);
    assert.doesNotMatch(`${stack} ${cause} ${(cause as Error).stack}`, /secret/);
    return true;
  });
});

/** A page of the referrers API, with the link to the next one where there is one. */
function referrersPage(link?: string, body = '{"schemaVersion":2,"manifests":[]}'): Response {
  const headers = { "content-type": "application/vnd.oci.image.index.v1+json" };
  return new Response(body, { headers: { ...headers, ...(link && { link }) } });
}

test("referrers are read page by page, and filtered where the registry does not", async () => {
  const { registry, store, image } = await setUp();
  const referrer = (n: number, artifactType: string) => ({
    mediaType: image.manifest.mediaType,
    digest: `sha256:${String(n).repeat(64)}`,
    size: n,
    artifactType,
  });
  registry.interceptions.push(({ url }) => {
    if (!url.pathname.includes("/referrers/")) return undefined;
    const page = Number(url.searchParams.get("page") ?? 1);
    const link = `<http://evil.test/elsewhere?page=${page + 1}>; rel="next"`;
    const manifests = [referrer(page, page === 2 ? "b" : "a")];
    const body = JSON.stringify({ schemaVersion: 2, manifests });
    return referrersPage(page < 3 ? link : undefined, body);
  });
  const all = await store.referrers(image.manifest);
  assert.deepEqual(all.map(({ size }) => size), [1, 2, 3]);
  const some = await store.referrers(image.manifest, { artifactType: "a" });
  assert.deepEqual(some.map(({ size }) => size), [1, 3]);
  const { url, headers } = registry.seen[3]!;
  assert.equal(url.searchParams.get("artifactType"), "a");
  assert.equal(headers.get("accept"), "application/vnd.oci.image.index.v1+json");
  assert.ok(registry.seen.every(({ url }) => url.origin === "https://registry.test"));
});

test("pages of referrers that lead in a circle, or on and on, are an error", async () => {
  for (const isCircle of [true, false]) {
    const { registry, store, image } = await setUp();
    let page = 0;
    registry.interceptions.push(({ url }) =>
      url.pathname.includes("/referrers/")
        ? referrersPage(`<?page=${isCircle ? 1 : ++page}>; rel=next`)
        : undefined
    );
    await assert.rejects(() => store.referrers(image.manifest), RegistryError);
    assert.ok(registry.seen.length <= 1000, String(registry.seen.length));
  }
});

test("pages of referrers have a bound in bytes, too", async () => {
  const { registry, store, image } = await setUp({ maxManifestSize: 8 << 20 });
  const page = '{"schemaVersion":2,"manifests":[]}'.padEnd(8 << 20);
  registry.interceptions.push(() =>
    referrersPage(`<?page=${registry.seen.length}>; rel=next`, page)
  );
  await assert.rejects(() => store.referrers(image.manifest), {
    name: "RegistryError",
    message: /: its pages do not end$/,
  });
  assert.equal(registry.seen.length, 5);
});

test("a page of referrers that is missing is named by its URL, without its query", async () => {
  const { registry, store, image } = await setUp();
  registry.interceptions.push(({ url }) => {
    if (!url.pathname.includes("/referrers/")) return undefined;
    if (url.search !== "") return failure(404, "GONE");
    return referrersPage("<?page=secret>; rel=next");
  });
  const url = `https://registry.test/v2/team/app/referrers/${image.manifest.digest}`;
  await assert.rejects(() => store.referrers(image.manifest), {
    name: "RegistryError",
    url,
    message: `Cannot get ${url}: a page of the list is missing`,
  });
});

test("referrers are read by their tag where the API is not there, which is asked once", async () => {
  for (const status of [400, 404, 405, 406, 501]) {
    const { registry, store, image } = await setUp();
    registry.interceptions.push(({ url }) =>
      url.pathname.includes("/referrers/") ? failure(status, "UNSUPPORTED") : undefined
    );
    for (const times of [1, 2]) {
      assert.deepEqual(await store.referrers(image.manifest), []);
      assert.equal(registry.requests("/referrers/").length, 1);
      assert.equal(registry.requests("/manifests/sha256-").length, times);
    }
  }
});

test("referrers are read by their tag where the API's path shows something else", async () => {
  for (const type of ["text/html", undefined]) {
    const { registry, store, image } = await setUp();
    let isCancelled = false;
    const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
    registry.interceptions.push(({ url }) =>
      url.pathname.includes("/referrers/")
        ? new Response(body, { headers: type ? { "content-type": type } : {} })
        : undefined
    );
    assert.deepEqual(await store.referrers(image.manifest), []);
    assert.equal(registry.requests("/manifests/sha256-").length, 1);
    assert.ok(isCancelled, "the page is still open");
  }
});

test("referrers that may not be read are an error, not none", async () => {
  for (const status of [401, 403]) {
    const { registry, store, image } = await setUp();
    registry.interceptions.push(() => failure(status, "DENIED"));
    await assert.rejects(
      () => store.referrers(image.manifest),
      (error) => error instanceof RegistryError && error.status === status,
    );
  }
});

test("nothing listens to a signal any more once a call has ended, either way", async () => {
  for (const status of [200, 404]) {
    const { registry, store, layer } = await setUp();
    if (status !== 200) registry.interceptions.push(() => failure(status, "BLOB_UNKNOWN"));
    const { signal, listeners } = countingSignal();
    const reading = async () => collect(await store.open(layer, { signal }));
    await (status === 200 ? reading() : assert.rejects(reading, BlobNotFoundError));
    assert.equal(listeners(), 0, String(status));
  }
  const { registry, store, layer } = await setUp({ maxAttempts: 2 });
  registry.interceptions.push(() => Promise.reject(new TypeError("connection refused")));
  const { signal, listeners } = countingSignal();
  await assert.rejects(() => store.open(layer, { signal }), RegistryError);
  assert.equal(listeners(), 0, "no answer");
});

test("referrers() refuses an artifact type that no URL can have, before it asks", async () => {
  const { registry, store, image } = await setUp();
  await assert.rejects(() => store.referrers(image.manifest, { artifactType: "a/\ud800" }), {
    name: "TypeError",
    message:
      'Cannot list referrers of the artifactType "a/\\ud800": expected well-formed text, such ' +
      "as application/spdx+json",
  });
  assert.deepEqual(registry.seen, []);
});
