import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { archiveUrl } from "../../../src/http/page/api.ts";
import { formatFragment, parseFragment } from "../../../src/http/page/selection.ts";
import { parseQuery } from "../../../src/http/query.ts";
import { parseArchivePath } from "../../../src/http/route.ts";

// All of a browser's page that the address of an archive depends on.
Object.assign(globalThis, { document: { baseURI: "https://example.com/images/?x#/y" } });

const segment = fc.oneof(
  fc.constantFrom("", ".", "..", "%2e", "a", "alpine:3.20", "@sha256:0", "a b", "?", "#"),
  fc.string(),
);
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"))
  .filter((name) => name !== "" && name.isWellFormed());

test("archiveUrl() leads the server to this very name, whatever is in it", () => {
  fc.assert(fc.property(name, (name) => {
    const { origin, pathname } = new URL(archiveUrl(name, "tar"));
    assert.equal(origin, "https://example.com");
    assert.ok(pathname.startsWith("/images/"));
    assert.deepEqual(parseArchivePath(pathname.slice("/images".length)), { name, form: "tar" });
  }));
});

test("archiveUrl() writes what people type", () => {
  const query = new URLSearchParams({ platform: "linux/arm64,linux/amd64", referrers: "" });
  const url = archiveUrl("docker.io/library/alpine:3.20", "tar", query);
  assert.equal(
    url,
    "https://example.com/images/archives/docker.io/library/alpine:3.20.tar?platform=linux/arm64%2Clinux/amd64&referrers",
  );
  assert.deepEqual(parseQuery(new URL(url).searchParams).options, {
    platforms: ["linux/arm64", "linux/amd64"],
    referrers: true,
  });
});

test("parseFragment() reads what formatFragment() wrote", () => {
  fc.assert(fc.property(name, fc.array(fc.tuple(fc.string(), fc.string())), (name, pairs) => {
    const query = new URLSearchParams(pairs);
    const read = parseFragment(formatFragment(name, query));
    assert.equal(read?.name, name);
    assert.equal(String(read?.query), String(query));
  }));
});

test("parseFragment() makes nothing of what is no selection", () => {
  for (const fragment of ["", "#", "#/", "#main", "#/%", "#/?platform=linux"]) {
    assert.equal(parseFragment(fragment), undefined);
  }
});
