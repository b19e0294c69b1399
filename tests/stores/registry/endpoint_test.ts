import { test } from "node:test";
import assert from "node:assert/strict";
import { parseReference } from "../../../mod.ts";
import { endpointOf, mirrorOf } from "../../../src/stores/registry/endpoint.ts";

const baseOf = (name: string, options = {}) => endpointOf(parseReference(name), options).base.href;

test("endpointOf() finds the registry of a name", () => {
  for (
    const [name, base] of [
      ["alpine", "https://registry-1.docker.io/v2/library/alpine/"],
      ["index.docker.io/org/app:1", "https://registry-1.docker.io/v2/org/app/"],
      ["ghcr.io/a/b", "https://ghcr.io/v2/a/b/"],
      ["registry.test:5000/a", "https://registry.test:5000/v2/a/"],
      ["localhost:5000/a", "http://localhost:5000/v2/a/"],
      ["localhost/a", "http://localhost/v2/a/"],
      ["app.localhost/a", "http://app.localhost/v2/a/"],
      ["127.0.0.1:5000/a", "http://127.0.0.1:5000/v2/a/"],
      ["[::1]:5000/a", "http://[::1]:5000/v2/a/"],
      ["127.0.0.1.test/a", "https://127.0.0.1.test/v2/a/"],
    ] as const
  ) assert.equal(baseOf(name), base);
});

test("endpointOf() does as plainHttp says", () => {
  assert.equal(baseOf("registry.test/a", { plainHttp: true }), "http://registry.test/v2/a/");
  assert.equal(baseOf("localhost:1/a", { plainHttp: false }), "https://localhost:1/v2/a/");
});

test("endpointOf() asks for Docker Hub's credentials by the name people know", () => {
  assert.equal(endpointOf(parseReference("alpine")).host, "docker.io");
});

test("mirrorOf() takes a host, a prefix and a scheme", () => {
  for (
    const [mirror, base] of [
      ["mirror.test", "https://mirror.test/v2/library/alpine/"],
      ["http://mirror.test:80/", "http://mirror.test/v2/library/alpine/"],
      ["mirror.test/docker/hub", "https://mirror.test/v2/docker/hub/library/alpine/"],
      ["localhost:5000", "http://localhost:5000/v2/library/alpine/"],
      ["https://localhost:5000", "https://localhost:5000/v2/library/alpine/"],
    ] as const
  ) assert.equal(mirrorOf(parseReference("alpine"), mirror).base.href, base);
});

test("mirrorOf() asks for the mirror's own credentials, and for the repository as it is there", () => {
  const { host, repository } = mirrorOf(parseReference("alpine"), "mirror.test:5000/docker/hub");
  assert.deepEqual([host, repository], ["mirror.test:5000", "docker/hub/library/alpine"]);
});

test("mirrorOf() refuses what is no mirror, without telling its password", () => {
  for (
    const mirror of [
      ...["", "ftp://mirror.test", "https://user:secret@mirror.test", "m.test/?q"],
      ...["999.1.1.1", "mirror.test:99999"],
    ]
  ) {
    assert.throws(() => mirrorOf(parseReference("alpine"), mirror), {
      name: "TypeError",
      message: "Cannot use a mirror: expected host[:port][/prefix], without user or query",
    });
  }
});
