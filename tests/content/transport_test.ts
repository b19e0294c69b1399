import { test } from "node:test";
import assert from "node:assert/strict";
import { plainUrl, transportText } from "../../src/content/transport.ts";

test("plainUrl() is without user, query and fragment", () => {
  const url = new URL("https://user:secret@example.com:8443/v2/app?X-Signature=secret#secret");
  assert.equal(plainUrl(url), "https://example.com:8443/v2/app");
});

test("transportText() tells the causes too, each with its code", () => {
  const refused = Object.assign(new Error("connect failed"), { code: "ECONNREFUSED" });
  assert.equal(
    transportText(new TypeError("fetch failed", { cause: refused })),
    "fetch failed: connect failed (ECONNREFUSED)",
  );
  assert.equal(transportText("no error"), "the connection failed");
  assert.equal(transportText(undefined), "the connection failed");
});

test("transportText() ends where causes go round, or on and on", () => {
  const round = new Error("round");
  round.cause = round;
  assert.equal(transportText(round), Array(5).fill("round").join(": "));
  assert.ok(transportText(new Error("x".repeat(10_000))).length <= 2000);
});

test("transportText() has no secrets of any URL", () => {
  const text = transportText(
    new Error(
      'no route to https://user:secret@a.example/b?token=secret, then "http://secret@c.example/d' +
        '#secret" (ftp://e.example/?secret) failed',
    ),
  );
  assert.ok(!text.includes("secret"), text);
  for (const kept of ["https://a.example/b", "http://c.example/d", "(ftp://e.example/) failed"]) {
    assert.ok(text.includes(kept), text);
  }
});
