import { test } from "node:test";
import assert from "node:assert/strict";
import {
  familiarName,
  formatReference,
  InvalidReferenceError,
  parseReference,
  referenceName,
} from "../../mod.ts";

// Expected values are those of github.com/distribution/reference and of containerd's
// pkg/reference, run on the same words.

const SHA256 = `sha256:${"a".repeat(64)}`;
const HEX_64 = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a";

test("parseReference() reads names as people type them", () => {
  for (
    const [name, domain, path, tag, digest] of [
      ["alpine", "docker.io", "library/alpine"],
      ["alpine:3.20", "docker.io", "library/alpine", "3.20"],
      ["localhost", "docker.io", "library/localhost"],
      ["192.168.0.1:80", "docker.io", "library/192.168.0.1", "80"],
      ["test_com/foo", "docker.io", "test_com/foo"],
      ["team/app", "docker.io", "team/app"],
      ["docker.io/alpine", "docker.io", "library/alpine"],
      ["docker.io/library/alpine", "docker.io", "library/alpine"],
      ["index.docker.io/alpine:1", "docker.io", "library/alpine", "1"],
      ["index.docker.io/team/app", "docker.io", "team/app"],
      ["docker.io/library/foo/bar", "docker.io", "library/foo/bar"],
      ["localhost/app", "localhost", "app"],
      ["localhost:5000/team/app:1", "localhost:5000", "team/app", "1"],
      ["example.com/app", "example.com", "app"],
      ["test-com:8080/foo", "test-com:8080", "foo"],
      ["xn--n3h.com/foo", "xn--n3h.com", "foo"],
      ["Foo/bar", "Foo", "bar"],
      ["[fc00::1]:5000/docker", "[fc00::1]:5000", "docker"],
      ["docker---rules/dock__er", "docker.io", "docker---rules/dock__er"],
      [`alpine@${SHA256}`, "docker.io", "library/alpine", undefined, SHA256],
      [`example.com/app:1@${SHA256}`, "example.com", "app", "1", SHA256],
      [`docker.io/${HEX_64}`, "docker.io", `library/${HEX_64}`],
      [`app:${"t".repeat(128)}`, "docker.io", "library/app", "t".repeat(128)],
      [`example.com/${"a".repeat(255)}`, "example.com", "a".repeat(255)],
    ] as [string, string, string, string?, string?][]
  ) {
    assert.deepEqual(
      parseReference(name),
      { domain, path, ...(tag && { tag }), ...(digest && { digest }) },
      name,
    );
  }
});

test("parseReference() throws an InvalidReferenceError where there is no name", () => {
  for (
    const name of [
      "",
      "/",
      ":",
      "@",
      ":tag",
      `@${SHA256}`,
      "https://github.com/docker/docker",
      "docker/Docker",
      "Alpine",
      "-docker",
      "-docker/docker",
      "docker-/docker",
      "_docker/_docker",
      "dock..er/docker",
      "dock_.er/docker",
      "docker///docker",
      "docker/",
      "alpine:",
      "alpine:-tag",
      "alpine:.tag",
      `alpine:${"t".repeat(129)}`,
      "alpine:1:2",
      "alpine@",
      `alpine@sha256:${"a".repeat(31)}`,
      "[fc00::1]",
      "fc00::1:5000/debian",
      "[fe80::1%eth0]:5000/debian",
      HEX_64,
      "alpine ",
      " alpine",
      "alpine\n",
      "al pine",
      "ålpine",
      "../../etc/passwd",
      "example.com/../app",
      `example.com/${"a".repeat(256)}`,
      `alpine:${"/".repeat(100_000)}`,
    ]
  ) {
    assert.throws(() => parseReference(name), (error) => {
      assert.ok(error instanceof InvalidReferenceError, `${name}: ${error}`);
      assert.equal(error.name, "InvalidReferenceError");
      assert.equal(error.reference, name);
      return true;
    });
  }
});

test("parseReference() says why", () => {
  assert.throws(() => parseReference("docker/Docker"), /lower case/);
  assert.throws(() => parseReference("docker/docker:1.0!RC"), /expected \[host/);
  assert.throws(() => parseReference(HEX_64), /identifier/);
  assert.throws(() => parseReference(`example.com/${"a".repeat(256)}`), /255/);
  const longest = `${"a.".repeat(510)}co/`;
  assert.equal(parseReference(`${longest}a`).domain.length, 1022);
  assert.throws(() => parseReference(`${longest}ab`), /expected \[host/);
});

test("parseReference() says of a URL that a name has no scheme and no user, and shows no secret of it", () => {
  for (
    const [name, shown, why] of [
      ["https://ghcr.io/org/app:1", "https://ghcr.io/org/app:1", / without https:\/\/$/],
      [
        "https://us:pa@ss@ghcr.io/app?sig=s#f",
        "https://ghcr.io/app",
        / without https:\/\/ and a user$/,
      ],
      ["us:pass@ghcr.io/org/app", "ghcr.io/org/app", / without a user$/],
      ["ghcr.io/app?sig=s\nt", "ghcr.io/app", /digest\]$/],
      [`app@${SHA256}0`, `app@${SHA256}0`, /after sha256:$/],
    ] as const
  ) {
    assert.throws(() => parseReference(name), (error) => {
      assert.ok(error instanceof InvalidReferenceError, String(error));
      assert.equal(error.reference, shown);
      assert.match(error.message, why);
      return true;
    });
  }
});

test("parseReference() checks the digest too", () => {
  for (
    const [digest, why] of [
      [`sha256:${"a".repeat(63)}`, /expected 64 lower-case hex digits after sha256:$/],
      [`sha256:${"A".repeat(64)}`, /expected 64 lower-case hex digits after sha256:$/],
      [`md5:${"a".repeat(32)}`, /algorithm "md5": supported are sha256, /],
    ] as const
  ) {
    assert.throws(() => parseReference(`alpine@${digest}`), (error) => {
      assert.ok(error instanceof InvalidReferenceError, String(error));
      assert.equal(error.reference, `alpine@${digest}`);
      assert.match(error.message, why);
      return true;
    });
  }
});

test("formatReference() writes a reference in full", () => {
  for (
    const [name, full] of [
      ["alpine", "docker.io/library/alpine"],
      ["index.docker.io/team/app:1", "docker.io/team/app:1"],
      [`localhost:5000/app:1@${SHA256}`, `localhost:5000/app:1@${SHA256}`],
    ] as const
  ) {
    assert.equal(formatReference(parseReference(name)), full);
    assert.deepEqual(parseReference(full), parseReference(name));
  }
});

test("familiarName() is the name as Docker shows it", () => {
  for (
    const [name, familiar] of [
      ["docker.io/library/alpine:3.20", "alpine:3.20"],
      ["docker.io/library/alpine", "alpine:latest"],
      ["alpine", "alpine:latest"],
      ["index.docker.io/library/alpine", "alpine:latest"],
      ["docker.io/team/app", "team/app:latest"],
      ["docker.io/library/foo/bar:1", "library/foo/bar:1"],
      ["example.com/library/app", "example.com/library/app:latest"],
      ["localhost:5000/app:1", "localhost:5000/app:1"],
      ["FOO/bar", "FOO/bar:latest"],
      [`docker.io/library/alpine@${SHA256}`, `alpine@${SHA256}`],
      [`docker.io/library/alpine:1@${SHA256}`, `alpine:1@${SHA256}`],
    ] as const
  ) {
    assert.equal(familiarName(name), familiar, name);
  }
});

test("familiarName() throws where the name cannot be parsed", () => {
  assert.throws(() => familiarName("not a name"), InvalidReferenceError);
});

test("referenceName() is what stands behind the name in containerd's eyes", () => {
  for (
    const [name, cut] of [
      ["docker.io/library/alpine:3.18", "3.18"],
      [`example.com/x:t@${SHA256}`, `t@${SHA256}`],
      ["localhost:5000/app:1.0", "1.0"],
      ["user@example.com/app:1", "1"],
      ["a@b@example.com/app:1", "1"],
      ["us%65r@example.com/app:1", "1"],
      ["[fe80::1%25eth0]/app:1", "1"],
      ["example.com/a:b:c", "b:c"],
      ["example.com/a%3Ab", "b"],
      ["example.com/a:%41", "A"],
      ["example.com/a:é", "é"],
      ["example.com/a:%C3%A9", "é"],
      ["example.com/a:%E2%82", "\ufffd\ufffd"],
      ["example.com/app:1?x=y:z", "1"],
      ["example.com/app:1#part", "1"],
      ["example.com/:", "example.com/:"],
    ] as const
  ) {
    assert.equal(referenceName(name), cut, name);
  }
});

test("referenceName() is the whole name where nothing can be cut off", () => {
  for (
    const name of [
      "",
      "alpine",
      "alpine:latest",
      "docker.io/library/alpine",
      `docker.io/library/alpine@${SHA256}`,
      "https://example.com/app:1",
      "/app:1",
      "example.com/app:1%zz",
      "exa mple.com/app:1",
      "example.com/app:1\n",
      "example.com/app:1\x7f",
      "ex%41mple.com/app:1",
      "host:port/app:1",
      "[::1/app:1",
      "example.com/app:1#%zz",
    ]
  ) {
    assert.equal(referenceName(name), name);
  }
});
