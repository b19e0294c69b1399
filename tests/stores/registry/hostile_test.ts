// Answers that no honest server gives: each ends soon, in an error of ours, or does no harm.
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { ArchiveError, readBlob, SizeMismatchError } from "../../../mod.ts";
import { parseRetryAfter } from "../../../src/stores/registry/attempts.ts";
import { parseChallenges } from "../../../src/stores/registry/challenge.ts";
import { nextLink } from "../../../src/stores/registry/link.ts";
import {
  type RegistryOptions,
  RegistryStore,
  type Retry,
} from "../../../src/stores/registry/registry.ts";
import { FakeRegistry, json } from "./fake_registry.ts";

const REALM = "https://auth.test/token";
const BEARER = `Bearer realm="${REALM}",service="registry.test"`;

/** A registry that takes any token, and a token server that answers as the test says. */
async function withTokens(answer: () => Response, challenge: string = BEARER) {
  const registry = new FakeRegistry();
  const image = await registry.addImage();
  registry.interceptions.push(({ url, headers }) => {
    if (url.host === "auth.test") return answer();
    if (headers.has("authorization")) return undefined;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  });
  return { registry, image, store: storeOf(registry) };
}

function storeOf(registry: FakeRegistry, options: RegistryOptions = {}): RegistryStore {
  return new RegistryStore(registry.image, { fetch: registry.fetch, minDelay: 1, ...options });
}

/** Any number that can stand in JSON, and many things that are none. */
const jsonValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(-1, 0, 1e308, -1e308, 2 ** 53, 1e-9, "60", "Infinity", null, [], {}),
);

for (
  const [what, body] of [
    ["an array", '["token"]'],
    ["an array of answers", '[{"token":"secret"}]'],
    ["null", "null"],
    ["a string", '"secret"'],
    ["a number", "1"],
    ["empty", ""],
    ["an object with a token that is an object", '{"token":{"token":"secret"}}'],
    ["an object with a token that is a number", '{"token":12345}'],
    ["an object with an empty token", '{"token":"","access_token":""}'],
    ["nested ten thousand deep", `${"[".repeat(10_000)}${"]".repeat(10_000)}`],
    ["named as every object's own fields are", '{"__proto__":{"token":"secret"}}'],
    ["10 MiB", `{"token":"secret${"x".repeat(10 << 20)}"}`],
  ] as const
) {
  test(`a token server's answer that is ${what} is refused, and not asked for again`, async () => {
    const { registry, store } = await withTokens(() => new Response(body));
    await assert.rejects(() => store.resolve(), (error) => {
      assert.equal((error as Error).name, "RegistryAuthError");
      assert.doesNotMatch(`${(error as Error).stack}`, /secret/);
      return true;
    });
    assert.equal(registry.requests("/token").length, 1);
  });
}

test("a token server may say anything beside its token", async () => {
  const values = fc.record({
    access_token: jsonValue,
    expires_in: jsonValue,
    issued_at: jsonValue,
    refresh_token: jsonValue,
  }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(values, async (beside) => {
      const { registry, store, image } = await withTokens(() => json({ ...beside, token: "good" }));
      for (let i = 0; i < 3; i++) await readBlob(store, image.config);
      // However short the token is said to live, it does for a moment.
      assert.equal(registry.requests("/token").length, 1, JSON.stringify(beside));
    }),
    { numRuns: 50 },
  );
});

for (
  const [what, challenge] of [
    ["that opens a quote and does not close it", 'Bearer realm="https://auth.test/token'],
    ["that has a quote too many", `Bearer realm="${REALM}"",service="x`],
    ["that ends in a backslash", 'Bearer realm="https://auth.test/token\\'],
    ["without a scheme", 'realm="https://auth.test/token"'],
    ["of nothing but commas", ",".repeat(1000)],
    ["of a hundred schemes nobody knows", "Newauth a=b, ".repeat(100)],
    ["of a hundred bearers without a realm", "Bearer a=b, ".repeat(100)],
    ["of another character set", "B\u00e9arer realm=x"],
  ] as const
) {
  test(`a challenge ${what} ends in an error`, async () => {
    const { registry, store } = await withTokens(() => json({}), challenge);
    await assert.rejects(() => store.resolve(), { name: "RegistryAuthError" });
    assert.ok(registry.seen.length <= 2, String(registry.seen.length));
  });
}

test("of a hundred challenges the first one that can be answered is", async () => {
  const challenge = `${"Newauth a=b, ".repeat(98)}${BEARER}, ${BEARER.replace("auth", "evil")}`;
  const { registry, store, image } = await withTokens(() => json({ token: "good" }), challenge);
  await readBlob(store, image.config);
  assert.deepEqual(registry.seen.map(({ url }) => url.host), [
    "registry.test",
    "auth.test",
    "registry.test",
  ]);
});

test("whatever a registry answers, it ends in what was asked for or in an error of ours", async () => {
  const header = fc.oneof(
    fc.string({ unit: "binary-ascii", maxLength: 40 }).map((text) => text.replace(/[\0\r\n]/g, "")),
    fc.constantFrom(
      "0",
      "-1",
      "99999999999999999999",
      "1e3",
      "bytes 0-0/1",
      "bytes 5-4/*",
      "bytes -1--5/-9",
      "gzip",
      "sha256:",
      `sha256:${"0".repeat(64)}`,
      "/",
      "https://",
      "https://registry.test/v2/",
      `Bearer realm="${REALM}"`,
      "Basic",
    ),
  );
  const answer = fc.record({
    status: fc.constantFrom(200, 204, 206, 301, 307, 400, 401, 403, 404, 416, 418, 429, 500, 503),
    headers: fc.dictionary(
      fc.constantFrom(
        "content-type",
        "content-length",
        "content-range",
        "content-encoding",
        "docker-content-digest",
        "link",
        "location",
        "retry-after",
        "www-authenticate",
      ),
      header,
    ),
    body: fc.oneof(fc.constant(""), fc.json({ maxDepth: 2 }), fc.string({ maxLength: 40 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (answers) => {
      const registry = new FakeRegistry();
      const image = await registry.addImage();
      registry.interceptions.push(() => {
        const { status, headers, body } = answers[registry.seen.length % answers.length]!;
        return new Response(status === 204 ? null : body, { status, headers });
      });
      const store = storeOf(registry, {
        maxAttempts: 2,
        maxDelay: 1,
        credentials: () => ({ username: "user", password: "long-secret" }),
      });
      for (
        const call of [
          () => store.resolve(),
          () => readBlob(store, image.config),
          () => store.exists(image.manifest),
          () => store.referrers(image.manifest),
        ]
      ) {
        try {
          await call();
        } catch (error) {
          assert.ok(error instanceof ArchiveError, String((error as Error).stack));
          assert.doesNotMatch(error.message, /long-secret/);
        }
      }
      assert.ok(registry.seen.length < 200, String(registry.seen.length));
      assert.ok(registry.seen.every(({ url }) => url.protocol === "https:"));
      for (const { url, headers } of registry.seen) {
        const isTrusted = ["registry.test", "auth.test"].includes(url.host);
        assert.ok(isTrusted || !headers.has("authorization"), url.href);
      }
    }),
    { numRuns: 300 },
  );
});

test("a Content-Length that lies is a SizeMismatchError, or harmless", async () => {
  for (const [length, isHarmless] of [["0", false], ["3", false], ["-1", true], ["x", true]]) {
    const registry = new FakeRegistry();
    const { config } = await registry.addImage();
    registry.interceptions.push((request) => {
      const response = registry.answer(request);
      response.headers.set("content-length", length as string);
      return response;
    });
    const read = readBlob(storeOf(registry), config);
    if (isHarmless) await read;
    else await assert.rejects(read, SizeMismatchError);
    assert.equal(registry.seen.length, 1);
  }
});

test("a Docker-Content-Digest of a blob is no reason to believe or to doubt its bytes", async () => {
  const registry = new FakeRegistry();
  const { config, manifest } = await registry.addImage();
  registry.interceptions.push((request) => {
    const response = registry.answer(request);
    response.headers.set("docker-content-digest", `sha256:${"0".repeat(64)}`);
    return response;
  });
  await readBlob(storeOf(registry), config);
  await readBlob(storeOf(registry), manifest);
});

for (
  const [what, header, wait] of [
    ["negative", "-5", 0],
    ["a fraction", "1.5", 0],
    ["empty", "", 0],
    ["a word", "soon", 0],
    ["a date that has passed", "Wed, 21 Oct 2015 07:28:00 GMT", 0],
    ["more than any number", "9".repeat(400), Infinity],
    ["beyond every timer", "99999999", Infinity],
    ["a date in a hundred years", "Thu, 21 Oct 2123 07:28:00 GMT", Infinity],
  ] as const
) {
  test(`a Retry-After that is ${what} ${wait ? "ends the call" : "is as none"}`, async () => {
    const registry = new FakeRegistry();
    const { config } = await registry.addImage();
    registry.interceptions.push(() =>
      registry.seen.length === 1
        ? new Response(null, { status: 429, headers: { "retry-after": header } })
        : undefined
    );
    const retries: Retry[] = [];
    const store = storeOf(registry, { onRetry: (retry) => retries.push(retry), maxDelay: 10 });
    const read = readBlob(store, config);
    if (wait) await assert.rejects(read, { name: "RegistryError", status: 429 });
    else await read;
    assert.deepEqual(retries.map(({ delay }) => delay <= 10), wait ? [] : [true]);
  });
}

test("parseRetryAfter(), nextLink() and parseChallenges() take any text", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 100 }),
    fc.string({
      unit: fc.constantFrom('"', "\\", "<", ">", ",", ";", "=", "rel", "next", " ", "1"),
    }),
  );
  fc.assert(fc.property(text, (header) => {
    const wait = parseRetryAfter(header);
    assert.ok(wait === undefined || wait >= 0, String(wait));
    const link = nextLink(header);
    assert.ok(link === undefined || header.includes(`<${link}>`));
    for (const { scheme } of parseChallenges(header)) assert.match(scheme, /^[^\s"\\,;=<>]+$/);
  }));
});
