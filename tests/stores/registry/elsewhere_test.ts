// Whoever a redirect leads to gets no credentials, and no answer to what it asks for.
import { test } from "node:test";
import assert from "node:assert/strict";
import { type Descriptor, readBlob, RegistryError } from "../../../mod.ts";
import { type RegistryOptions, RegistryStore } from "../../../src/stores/registry/registry.ts";
import { failure, FakeRegistry, json } from "./fake_registry.ts";

const USER = { username: "user", password: "secret" };
const USER_HEADER = `Basic ${btoa("user:secret")}`;
const EVIL_REALM = "https://evil.test/token";

/** A 401 that would have the home registry's credentials sent to its own token server. */
function evilChallenge(): Response {
  const response = failure(401, "UNAUTHORIZED");
  response.headers.set("www-authenticate", `Bearer realm="${EVIL_REALM}",service="registry.test"`);
  return response;
}

/** A registry that wants Basic, and redirects its blobs to a host that asks for a token. */
async function setUp() {
  const registry = new FakeRegistry();
  const { config } = await registry.addImage();
  registry.interceptions.push((request) => {
    const { url, headers } = request;
    if (url.href.startsWith(EVIL_REALM)) return json({ token: "stolen" });
    if (url.host !== registry.host) return evilChallenge();
    if (headers.get("authorization") !== USER_HEADER) {
      const response = failure(401, "UNAUTHORIZED");
      response.headers.set("www-authenticate", "Basic realm=x");
      return response;
    }
    return url.pathname.includes("/blobs/")
      ? Response.redirect("https://cdn.test/blob?sig=query-secret", 307)
      : undefined;
  });
  return { registry, config };
}

async function assertNothingGivenAway(
  registry: FakeRegistry,
  blob: Descriptor,
  options: RegistryOptions,
): Promise<void> {
  const store = new RegistryStore(registry.image, {
    credentials: () => USER,
    minDelay: 1,
    ...options,
  });
  await assert.rejects(() => readBlob(store, blob), (error) => {
    assert.ok(error instanceof RegistryError, String(error));
    assert.equal(error.url, "https://cdn.test/blob");
    assert.deepEqual([error.name, error.status], ["RegistryError", 401]);
    return true;
  });
  for (const { url, headers } of registry.seen) {
    assert.notEqual(url.host, "evil.test");
    if (url.host !== registry.host) assert.equal(headers.get("authorization"), null, url.href);
  }
}

/** Follows redirects as `fetch` itself does: without Authorization, and with the last URL. */
async function followed(
  registry: FakeRegistry,
  href: string,
  init: RequestInit,
): Promise<Response> {
  let url = href;
  let headers = new Headers(init.headers);
  for (;;) {
    const response = await registry.fetch(url, { ...init, headers });
    const location = response.headers.get("location");
    if (location === null) {
      return Object.defineProperties(response, {
        url: { value: url },
        redirected: { value: url !== href },
      });
    }
    if (new URL(location).origin !== new URL(url).origin) {
      headers = new Headers(headers);
      headers.delete("authorization");
    }
    url = location;
  }
}

test("a host behind a redirect has its challenge refused where fetch shows the redirect", async () => {
  const { registry, config } = await setUp();
  await assertNothingGivenAway(registry, config, { fetch: registry.fetch });
});

test("a host behind a redirect has its challenge refused where fetch hides the redirect, as in browsers", async () => {
  const { registry, config } = await setUp();
  const fetch = async (href: string, init: RequestInit) => {
    if (init.redirect === "follow") return await followed(registry, href, init);
    const response = await registry.fetch(href, init);
    if (!response.headers.has("location")) return response;
    return Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  };
  await assertNothingGivenAway(registry, config, { fetch });
});

test("a host behind a redirect has its challenge refused where fetch follows without being asked", async () => {
  const { registry, config } = await setUp();
  const fetch = (href: string, init: RequestInit) => followed(registry, href, init);
  await assertNothingGivenAway(registry, config, { fetch });
});

test("what has once led elsewhere gets no credentials where it leads home again", async () => {
  const registry = new FakeRegistry();
  const { config } = await registry.addImage();
  const home = `https://${registry.host}`;
  registry.interceptions.push(({ url, headers }) => {
    if (url.href.startsWith(EVIL_REALM)) return json({ token: "stolen" });
    if (url.host === "cdn.test") return Response.redirect(`${home}/chosen/by/cdn`, 307);
    if (url.pathname === "/chosen/by/cdn") return evilChallenge();
    if (headers.get("authorization") !== USER_HEADER) {
      const response = failure(401, "UNAUTHORIZED");
      response.headers.set("www-authenticate", "Basic realm=x");
      return response;
    }
    return Response.redirect("https://cdn.test/blob", 307);
  });
  const store = new RegistryStore(registry.image, {
    fetch: registry.fetch,
    credentials: () => USER,
    minDelay: 1,
  });
  await assert.rejects(() => readBlob(store, config), {
    name: "RegistryError",
    url: `${home}/chosen/by/cdn`,
  });
  const chosen = registry.requests("/chosen/by/cdn");
  assert.ok(chosen.length > 0);
  assert.ok(chosen.every(({ headers }) => !headers.has("authorization")));
  assert.ok(!registry.seen.some(({ url }) => url.host === "evil.test"));
});

test("a redirect within the registry keeps the credentials, and its challenge is answered", async () => {
  const registry = new FakeRegistry();
  const { config, layers: [layer] } = await registry.addImage();
  registry.interceptions.push((request) => {
    const { url, headers } = request;
    if (url.pathname.endsWith(config.digest)) {
      return Response.redirect(url.href.replace(config.digest, layer!.digest), 307);
    }
    if (headers.get("authorization") === USER_HEADER) return undefined;
    const response = failure(401, "UNAUTHORIZED");
    response.headers.set("www-authenticate", "Basic realm=x");
    return response;
  });
  const store = new RegistryStore(registry.image, {
    fetch: registry.fetch,
    credentials: () => USER,
  });
  await readBlob(store, layer!);
  assert.ok(await store.exists(config));
});
