import { test } from "node:test";
import assert from "node:assert/strict";
import { readBlob, RegistryAuthError, RegistryError } from "../../../mod.ts";
import {
  type Credentials,
  type RegistryOptions,
  RegistryStore,
} from "../../../src/stores/registry/registry.ts";
import { utf8 } from "../../helpers/bytes.ts";
import { brokenBody, failure, FakeRegistry, json, type Seen } from "./fake_registry.ts";

const REALM = "https://auth.test/token";
const BEARER = `Bearer realm="${REALM}",service="registry.test"`;
const USER: Credentials = { username: "user", password: "pässword" };
const USER_HEADER = `Basic ${
  btoa(String.fromCharCode(...new TextEncoder().encode("user:pässword")))
}`;

function unauthorized(challenge: string): Response {
  const response = failure(401, "UNAUTHORIZED", "authentication required");
  response.headers.set("www-authenticate", challenge);
  return response;
}

/** A registry that wants one of these headers. */
async function guarded(challenge: string, good: Set<string>) {
  const registry = new FakeRegistry();
  const image = await registry.addImage();
  registry.interceptions.push(({ url, headers }) =>
    url.host === registry.host && !good.has(headers.get("authorization") ?? "")
      ? unauthorized(challenge)
      : undefined
  );
  return { registry, image };
}

/** Serves tokens, each good from now on. */
function serveTokens(
  registry: FakeRegistry,
  good: Set<string>,
  { realm = REALM, answer = {} }: { realm?: string; answer?: Record<string, unknown> } = {},
): Seen[] {
  const asked: Seen[] = [];
  registry.interceptions.push((request) => {
    if (!request.url.href.startsWith(realm)) return undefined;
    asked.push(request);
    const token = `token-${asked.length}`;
    good.add(`Bearer ${token}`);
    return json({ token, ...answer });
  });
  return asked;
}

function storeOf(registry: FakeRegistry, options: RegistryOptions = {}): RegistryStore {
  return new RegistryStore(registry.image, { fetch: registry.fetch, minDelay: 1, ...options });
}

/** No header for one host went to another, nor down to http. */
function assertKept({ seen }: FakeRegistry, allowed: readonly string[]): void {
  for (const { url, headers, body } of seen) {
    const secret = headers.get("authorization") ?? /refresh_token=.*/.exec(body)?.[0];
    if (secret) assert.ok(allowed.includes(url.origin), `${url.origin} got ${secret}`);
  }
}

test("Basic: credentials go out only when asked for, by the host's name", async () => {
  const { registry, image } = await guarded("Basic realm=x", new Set([USER_HEADER]));
  const hosts: string[] = [];
  const credentials = (host: string) => {
    hosts.push(host);
    return USER;
  };
  const store = storeOf(registry, { credentials });
  assert.deepEqual(await store.resolve(), image.manifest);
  await readBlob(store, image.config);
  assert.deepEqual(hosts, ["registry.test"]);
  assert.deepEqual(registry.seen.map(({ headers }) => headers.get("authorization")), [
    null,
    USER_HEADER,
    USER_HEADER,
  ]);
});

test("Basic: wrong credentials fail at once, and are not told", async () => {
  const { registry } = await guarded("Basic realm=x", new Set());
  const store = storeOf(registry, { credentials: () => USER });
  await assert.rejects(() => store.resolve(), (error) => {
    assert.ok(error instanceof RegistryAuthError);
    assert.match(error.message, /docker login registry\.test/);
    assert.doesNotMatch(JSON.stringify(error) + error.message + error.stack, /pässword/);
    return true;
  });
  assert.equal(registry.seen.length, 2);
});

test("credentials() hears when nobody waits for it any more", async () => {
  const { registry } = await guarded("Basic realm=x", new Set([USER_HEADER]));
  const asked = Promise.withResolvers<AbortSignal>();
  const store = storeOf(registry, {
    credentials: (_host, options) => {
      asked.resolve(options.signal!);
      return new Promise(() => {});
    },
  });
  const controllers = [new AbortController(), new AbortController()];
  const calls = controllers.map(({ signal }) =>
    assert.rejects(store.resolve(undefined, { signal }), /enough/)
  );
  const signal = await asked.promise;
  controllers[0]!.abort(new Error("enough"));
  await calls[0];
  assert.equal(signal.aborted, false);
  controllers[1]!.abort(new Error("enough"));
  await calls[1];
  assert.equal(signal.aborted, true);
});

test("Basic: without credentials the error says how to log in", async () => {
  const { registry } = await guarded("Basic realm=x", new Set());
  for (const found of [undefined, {}, { username: "user" }, { password: "secret" }]) {
    await assert.rejects(() => storeOf(registry, { credentials: () => found }).resolve(), {
      name: "RegistryAuthError",
      status: 401,
      message: /wants a user and a password; log in with "docker login registry\.test"/,
    });
  }
});

test("Bearer: an anonymous token is asked for by service and scope", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  const asked = serveTokens(registry, good);
  await readBlob(storeOf(registry), image.config);
  assert.equal(asked.length, 1);
  const { url, headers, method } = asked[0]!;
  assert.equal(method, "GET");
  assert.equal(headers.get("authorization"), null);
  assert.equal(headers.get("accept"), "application/json");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    service: "registry.test",
    scope: "repository:team/app:pull",
  });
});

test("Bearer: a token is asked for by the challenge's service, or by the registry's name", async () => {
  for (
    const [challenge, service] of [
      [`Bearer realm="${REALM}",service="its own name"`, "its own name"],
      [`Bearer realm="${REALM}"`, "registry.test"],
    ] as const
  ) {
    const good = new Set<string>();
    const { registry, image } = await guarded(challenge, good);
    const asked = serveTokens(registry, good);
    await readBlob(storeOf(registry), image.config);
    assert.equal(asked[0]!.url.searchParams.get("service"), service);
  }
});

test("Bearer: half of a user and password is not sent as if it were whole", async () => {
  for (const credentials of [{ username: "user" }, { password: "secret" }]) {
    const good = new Set<string>();
    const { registry, image } = await guarded(BEARER, good);
    const asked = serveTokens(registry, good);
    await readBlob(storeOf(registry, { credentials: () => credentials }), image.config);
    assert.equal(asked[0]!.headers.get("authorization"), null);
  }
});

test("Bearer: the challenge's own scope is asked for, and user and password are sent", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(`${BEARER},scope="x:y:pull z:w:pull"`, good);
  const asked = serveTokens(registry, good);
  await readBlob(storeOf(registry, { credentials: () => USER }), image.config);
  assert.deepEqual(asked[0]!.url.searchParams.getAll("scope"), ["x:y:pull", "z:w:pull"]);
  assert.equal(asked[0]!.url.searchParams.get("account"), "user");
  assert.equal(asked[0]!.headers.get("authorization"), USER_HEADER);
  assertKept(registry, ["https://auth.test", "https://registry.test"]);
});

test("Bearer: many requests share one token", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  const asked = serveTokens(registry, good);
  const store = storeOf(registry, { concurrency: 20 });
  await Promise.all(Array.from({ length: 20 }, () => readBlob(store, image.config)));
  assert.equal(asked.length, 1);
});

test("Bearer: one of many callers may go without the others' token", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  let release = () => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  let askedNow = () => {};
  const asked = new Promise<void>((resolve) => askedNow = resolve);
  registry.interceptions.push(async ({ url }) => {
    if (url.host !== "auth.test") return undefined;
    askedNow();
    await gate;
    return undefined;
  });
  serveTokens(registry, good);
  const store = storeOf(registry);
  const controller = new AbortController();
  const gone = readBlob(store, image.config, { signal: controller.signal });
  const stays = readBlob(store, image.config);
  const left = assert.rejects(gone, { name: "AbortError" });
  await asked;
  controller.abort();
  await left;
  release();
  assert.equal((await stays).length, image.config.size);
});

for (
  const [what, expires_in, renewed] of [
    ["of 300 s", 300, 270_000],
    ["of 100 s", 100, 75_000],
    ["of 1 s, as if it were of 60 s,", 1, 45_000],
    ["without a time, as if it were of 60 s,", undefined, 45_000],
    ["with a time that is no number, as if it were of 60 s,", "soon", 45_000],
  ] as const
) {
  test(`Bearer: a token ${what} is renewed before it expires`, async (t) => {
    const good = new Set<string>();
    const { registry, image } = await guarded(BEARER, good);
    const asked = serveTokens(registry, good, { answer: { expires_in } });
    const store = storeOf(registry);
    const { now } = Date;
    const start = now();
    t.after(() => Date.now = now);
    for (const [at, tokens] of [[0, 1], [renewed - 1, 1], [renewed, 2]] as const) {
      Date.now = () => start + at;
      await readBlob(store, image.config);
      assert.equal(asked.length, tokens, `${at} ms`);
    }
    const { headers } = registry.requests("/blobs/").at(-1)!;
    assert.equal(headers.get("authorization"), "Bearer token-2");
  });
}

test("Bearer: a token that expires before its time is asked for anew", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  const asked = serveTokens(registry, good);
  const store = storeOf(registry);
  await readBlob(store, image.config);
  good.clear();
  await readBlob(store, image.config);
  assert.equal(asked.length, 2);
});

test("Bearer: an identity token is posted, and its successor after it", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  const answer: Record<string, unknown> = {
    token: undefined,
    access_token: "access",
    refresh_token: "second",
  };
  const asked = serveTokens(registry, good, { answer });
  good.add("Bearer access");
  const store = storeOf(registry, { credentials: () => ({ identityToken: "first" }) });
  await readBlob(store, image.config);
  const form = new URLSearchParams(asked[0]!.body);
  assert.equal(asked[0]!.method, "POST");
  assert.equal(asked[0]!.url.search, "");
  assert.equal(asked[0]!.headers.get("content-type"), "application/x-www-form-urlencoded");
  assert.deepEqual(Object.fromEntries(form), {
    grant_type: "refresh_token",
    service: "registry.test",
    client_id: "oci-archive",
    scope: "repository:team/app:pull",
    refresh_token: "first",
  });
  answer.access_token = "access-2";
  good.delete("Bearer access");
  good.add("Bearer access-2");
  await readBlob(store, image.config);
  assert.equal(new URLSearchParams(asked[1]!.body).get("refresh_token"), "second");
  // It stays, whatever is no successor.
  for (const [i, refresh_token] of [undefined, 5, "", undefined].entries()) {
    answer.refresh_token = refresh_token;
    answer.access_token = `access-${i + 3}`;
    good.clear();
    good.add(`Bearer access-${i + 3}`);
    await readBlob(store, image.config);
    assert.equal(new URLSearchParams(asked[i + 2]!.body).get("refresh_token"), "second");
  }
});

test("Bearer: whoever has a password asks by that, whatever token the server gives beside", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  const asked = serveTokens(registry, good, { answer: { refresh_token: "unasked" } });
  const store = storeOf(registry, { credentials: () => USER });
  for (let round = 0; round < 2; round++) {
    good.clear();
    await readBlob(store, image.config);
  }
  assert.deepEqual(asked.map(({ method }) => method), ["GET", "GET"]);
});

test("Bearer: a refusal that comes late is answered with the token that another call has got", async () => {
  const good = new Set<string>();
  const { registry, image: { config, layers: [layer] } } = await guarded(BEARER, good);
  const asked = serveTokens(registry, good);
  const store = storeOf(registry);
  await readBlob(store, config);
  good.clear();
  const late = Promise.withResolvers<void>();
  registry.interceptions.unshift(async ({ url, headers }) => {
    const isLate = url.pathname.endsWith(layer!.digest) &&
      headers.get("authorization") === "Bearer token-1";
    if (!isLate) return undefined;
    await late.promise;
    return unauthorized(BEARER);
  });
  const waiting = readBlob(store, layer!);
  await readBlob(store, config);
  late.resolve();
  await waiting;
  assert.equal(asked.length, 2);
});

test("Bearer: a registry token is sent as it is", async () => {
  const { registry, image } = await guarded(BEARER, new Set(["Bearer mine"]));
  const store = storeOf(registry, { credentials: () => ({ registryToken: "mine" }) });
  await readBlob(store, image.config);
  assertKept(registry, ["https://registry.test"]);
});

test("Bearer: a registry token that no header may hold is refused before it is sent, and not told", async () => {
  for (const registryToken of ["my-secret\n", "my\r\nsecret: x", "my-secret\u2713", "my secret"]) {
    const { registry } = await guarded(BEARER, new Set());
    const retries: unknown[] = [];
    const store = storeOf(registry, {
      credentials: () => ({ registryToken }),
      onRetry: (retry) => retries.push(retry),
    });
    await assert.rejects(() => store.resolve(), (error) => {
      assert.ok(error instanceof RegistryAuthError, String(error));
      assert.match(error.message, /registryToken.*such as a line break; give it without/);
      assert.doesNotMatch(`${error.stack} ${error.cause} ${JSON.stringify(error)}`, /secret|my/);
      return true;
    });
    assert.deepEqual(retries, []);
    assert.equal(registry.seen.length, 1);
  }
});

test("Basic: a password may hold whatever it likes, since base64 hides it from the header", async () => {
  const header = `Basic ${btoa("user:two\nlines")}`;
  const { registry, image } = await guarded("Basic realm=x", new Set([header]));
  const credentials = () => ({ username: "user", password: "two\nlines" });
  await readBlob(storeOf(registry, { credentials }), image.config);
});

const NOT_HTTPS =
  /^Cannot get https:\/\/registry\.test\/.*: its token server .* is not https, .*over https$/;
for (
  const [what, realm, message] of [
    ["is plain http", "http://auth.test/token", NOT_HTTPS],
    ["is plain http on the registry's own host", "http://registry.test/token", NOT_HTTPS],
    ["is plain http on loopback", "http://127.0.0.1/token", NOT_HTTPS],
    ["is a file", "file:///etc/passwd", NOT_HTTPS],
    ["has a user", "https://user@auth.test/token", /has a user$/],
    ["has a password", "https://:x@auth.test/token", /has a user$/],
    ["is missing", "", /is no URL$/],
  ] as const
) {
  test(`Bearer: a realm that ${what} gets nothing`, async () => {
    const { registry } = await guarded(`Bearer realm="${realm}"`, new Set());
    const store = storeOf(registry, { credentials: () => USER });
    await assert.rejects(() => store.resolve(), { name: "RegistryAuthError", message });
    assert.deepEqual(registry.seen.map(({ url }) => url.origin), ["https://registry.test"]);
    assertKept(registry, []);
  });
}

test("Bearer: a plain http registry may have its token server on its own host only", async () => {
  for (
    const [realm, isGood] of [
      ["http://registry.test:5001/token", true],
      ["http://other.test/token", false],
      ["http://localhost/token", false],
      ["ftp://registry.test/token", false],
    ] as const
  ) {
    const good = new Set<string>();
    const { registry, image } = await guarded(`Bearer realm="${realm}"`, good);
    serveTokens(registry, good, { realm });
    const store = storeOf(registry, { plainHttp: true, credentials: () => USER });
    const read = readBlob(store, image.config);
    if (isGood) await read;
    else await assert.rejects(read, RegistryAuthError);
    assertKept(registry, ["http://registry.test", "http://registry.test:5001"]);
  }
});

test("Bearer: a registry on this machine may have its token server by another of its names", async () => {
  for (
    const [realm, isGood] of [
      ["http://127.0.0.1:5001/token", true],
      ["http://other.test/token", false],
    ] as const
  ) {
    const registry = new FakeRegistry();
    const { manifest } = await registry.addImage();
    const good = new Set<string>();
    const asked = serveTokens(registry, good, { realm });
    registry.interceptions.push(({ headers }) =>
      good.has(headers.get("authorization") ?? "")
        ? undefined
        : unauthorized(`Bearer realm="${realm}"`)
    );
    const { fetch, repository } = registry;
    const store = new RegistryStore(`localhost:5000/${repository}`, {
      fetch,
      credentials: () => USER,
    });
    if (isGood) assert.deepEqual(await store.resolve(), manifest);
    else await assert.rejects(() => store.resolve(), RegistryAuthError);
    assert.equal(asked.length, isGood ? 1 : 0);
  }
});

test("Bearer: a refusal of the token server says how to log in to the registry", async () => {
  const { registry } = await guarded(BEARER, new Set());
  registry.interceptions.push(({ url }) =>
    url.host === "auth.test" ? failure(401, "DENIED") : undefined
  );
  await assert.rejects(() => storeOf(registry).resolve(), {
    name: "RegistryAuthError",
    message: `Cannot get ${REALM}: 401, DENIED: "denied"; ` +
      'log in with "docker login registry.test" or give other credentials',
  });
});

test("Bearer: a token that breaks off is asked for again", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  const broken = [new Response(brokenBody([utf8('{"token":"to')], "fails"))];
  registry.interceptions.push(({ url }) => url.host === "auth.test" ? broken.pop() : undefined);
  const asked = serveTokens(registry, good);
  await readBlob(storeOf(registry), image.config);
  assert.equal(asked.length, 1);
  assert.equal(registry.requests("/token").length, 2);
});

test("Bearer: a token server's faults are ridden out", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  const faults = [503, 429, 500];
  registry.interceptions.push(({ url }) => {
    const status = url.host === "auth.test" ? faults.shift() : undefined;
    return status === undefined ? undefined : new Response("busy", { status });
  });
  serveTokens(registry, good);
  await readBlob(storeOf(registry), image.config);
});

for (
  const [what, answer] of [
    ["is endless", () =>
      new Response(
        new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65536).fill(32)) }),
      )],
    ["is no JSON", () => new Response("secret-body{")],
    ["has no token", () => json({})],
    ["has a token that splits the header", () => json({ token: "secret-body\r\nX: y" })],
    ["is a refusal", () => failure(403, "DENIED")],
    ["is a circle of redirects", () => Response.redirect(REALM, 302)],
  ] as const
) {
  test(`Bearer: a token server whose answer ${what} is an error`, async () => {
    const { registry } = await guarded(BEARER, new Set());
    registry.interceptions.push(({ url }) => url.host === "auth.test" ? answer() : undefined);
    await assert.rejects(() => storeOf(registry).resolve(), (error) => {
      assert.match((error as Error).name, /^(RegistryAuthError|RegistryError)$/);
      assert.doesNotMatch(String((error as Error).stack), /secret-body/);
      return true;
    });
    assert.ok(registry.seen.length < 20, String(registry.seen.length));
  });
}

test("Bearer: a token server's answer over 1 MiB is a refusal, as any other that is no token", async () => {
  const { registry } = await guarded(BEARER, new Set());
  registry.interceptions.push(({ url }) =>
    url.host === "auth.test" ? json({ token: "x".repeat(10 << 20) }) : undefined
  );
  await assert.rejects(() => storeOf(registry).resolve(), {
    name: "RegistryAuthError",
    message: `Cannot get ${REALM}: the token server's answer is longer than 1048576 bytes`,
  });
  assert.equal(registry.seen.length, 2);
});

test("a token server that redirects a form gets no second chance to see it", async () => {
  const { registry } = await guarded(BEARER, new Set());
  registry.interceptions.push(({ url }) =>
    url.host === "auth.test" ? Response.redirect("https://evil.test/", 307) : undefined
  );
  const store = storeOf(registry, { credentials: () => ({ identityToken: "secret" }) });
  await assert.rejects(() => store.resolve(), RegistryError);
  assertKept(registry, ["https://auth.test"]);
});

test("a form is never sent on, where fetch hides redirects, as in browsers", async () => {
  const { registry } = await guarded(BEARER, new Set());
  const modes: unknown[] = [];
  const fetch = async (href: string, init: RequestInit) => {
    if (init.body === undefined) return await registry.fetch(href, init);
    modes.push(init.redirect);
    if (init.redirect === "error") throw new TypeError("fetch failed");
    return Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  };
  const credentials = () => ({ identityToken: "secret" });
  const store = storeOf(registry, { fetch, credentials, maxAttempts: 1 });
  await assert.rejects(() => store.resolve(), RegistryError);
  assert.deepEqual(modes, ["manual", "error"]);
});

test("challenges that never end in a token are not followed without end", async () => {
  const good = new Set<string>();
  const { registry } = await guarded(BEARER, good);
  let tokens = 0;
  registry.interceptions.push(({ url }) =>
    url.host === "auth.test" ? json({ token: `useless-${++tokens}` }) : undefined
  );
  await assert.rejects(() => storeOf(registry).resolve(), RegistryAuthError);
  assert.ok(registry.seen.length < 10, String(registry.seen.length));
});

test("a registry that wants another kind of credentials is refused with the first kinds it names", async () => {
  for (
    const [challenge, kinds] of [
      ["Negotiate, NTLM", "negotiate, ntlm"],
      ["", "it does not say which"],
      [`${"x".repeat(50)}, a, b, c, d, e`, `${"x".repeat(40)}, a, b, c, d`],
    ] as const
  ) {
    const { registry } = await guarded(challenge, new Set());
    await assert.rejects(() => storeOf(registry).resolve(), {
      name: "RegistryAuthError",
      message: "Cannot get https://registry.test/v2/team/app/: " +
        `it wants credentials of a kind we do not have: ${kinds}`,
    });
  }
});

test("a challenge bomb is an error", async () => {
  const { registry } = await guarded(`${'Bearer realm="x",'.repeat(100_000)}x`, new Set());
  await assert.rejects(() => storeOf(registry).resolve(), RegistryAuthError);
});

test("a RegistryAuthError is a RegistryError too, with a name of its own", () => {
  const options = { status: 401, code: "UNAUTHORIZED", cause: new Error("below") };
  const error = new RegistryAuthError("https://registry.test/v2/", "it refuses", options);
  assert.ok(error instanceof RegistryError);
  assert.equal(error.name, "RegistryAuthError");
  const { url, status, code, message, cause } = error;
  assert.deepEqual({ url, status, code, message, cause }, {
    url: "https://registry.test/v2/",
    ...options,
    message: "Cannot get https://registry.test/v2/: it refuses",
  });
});

test("a 403 is not tried again", async () => {
  const registry = new FakeRegistry();
  registry.interceptions.push(() => failure(403, "DENIED", "requested access is denied"));
  await assert.rejects(() => storeOf(registry).resolve(), (error) => {
    assert.ok(error instanceof RegistryAuthError);
    assert.deepEqual([error.status, error.code], [403, "DENIED"]);
    assert.match(error.message, /requested access is denied/);
    return true;
  });
  assert.equal(registry.seen.length, 1);
});

test("no credential follows a redirect, and no other host's challenge is answered", async () => {
  const good = new Set<string>();
  const { registry, image } = await guarded(BEARER, good);
  serveTokens(registry, good);
  for (const target of ["https://blobs.test/x", "https://registry.test:444/x"]) {
    registry.interceptions.length = 2;
    registry.interceptions.push(({ url }) => {
      if (url.href === target) return unauthorized(BEARER.replace("auth.test", "evil.test"));
      return url.pathname.includes("/blobs/") ? Response.redirect(target, 307) : undefined;
    });
    const store = storeOf(registry, { credentials: () => USER });
    await assert.rejects(() => readBlob(store, image.config), RegistryError);
  }
  assert.ok(registry.seen.some(({ url }) => url.host === "blobs.test"));
  assert.ok(!registry.seen.some(({ url }) => url.host === "evil.test"));
  assertKept(registry, ["https://auth.test", "https://registry.test"]);
});

test("a mirror gets its own credentials, not the registry's", async () => {
  const { registry, image } = await guarded("Basic realm=x", new Set([USER_HEADER]));
  registry.interceptions.unshift(({ url, headers }) => {
    if (url.host !== "mirror.test") return undefined;
    return headers.has("authorization") ? failure(404, "BLOB_UNKNOWN") : unauthorized("Basic a=b");
  });
  const store = storeOf(registry, {
    mirrors: ["mirror.test"],
    credentials: (host) => host === "mirror.test" ? { username: "mirror", password: "x" } : USER,
  });
  await readBlob(store, image.config);
  for (const { url, headers } of registry.seen) {
    const sent = headers.get("authorization");
    if (sent) assert.equal(sent === USER_HEADER, url.host === registry.host);
  }
});

test("an answer that quotes the credentials does not bring them into an error", async () => {
  for (
    const credentials of [USER, { identityToken: "first-secret" }, { registryToken: "my-secret" }]
  ) {
    const { registry } = await guarded(
      "password" in credentials ? "Basic realm=x" : BEARER,
      new Set(),
    );
    registry.interceptions.unshift(({ headers, body }) => {
      const sent = headers.get("authorization") ?? body;
      if (!sent) return undefined;
      return failure(403, "DENIED", `cannot take ${sent} of pässword, first-secret`);
    });
    await assert.rejects(
      () => storeOf(registry, { credentials: () => credentials }).resolve(),
      (error) => {
        const { message, stack } = error as Error;
        assert.match(message, /DENIED.*\*\*\*/);
        const secret = "password" in credentials
          ? /pässword|dXNlcj/
          : "identityToken" in credentials
          ? /first-secret/
          : /my-secret/;
        assert.doesNotMatch(`${message} ${stack}`, secret);
        return true;
      },
    );
  }
});

test("an answer that quotes the form or the URL does not bring the secret in it into an error", async () => {
  const identityToken = "first+secret/of it==\ud800";
  const { registry } = await guarded(BEARER, new Set());
  registry.interceptions.unshift(({ body }) =>
    body === "" ? undefined : failure(
      403,
      "DENIED",
      `cannot take ${body}, ${encodeURIComponent("first+secret/of it==\ufffd")}`,
    )
  );
  await assert.rejects(
    () => storeOf(registry, { credentials: () => ({ identityToken }) }).resolve(),
    ({ message }: Error) => {
      assert.match(message, /refresh_token=\*\*\*, \*\*\*/);
      assert.doesNotMatch(message, /secret/);
      return true;
    },
  );
});
