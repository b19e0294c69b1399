import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { withoutSecrets } from "../../src/cli/secrets.ts";
import { fileURLToPath } from "node:url";
import { command } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";

const LAYOUT = fileURLToPath(new URL("../testdata/golden/single/layout", import.meta.url));

describe("withoutSecrets()", () => {
  const cases: Record<string, [text: string, expected: string]> = {
    "the query": ["get https://a.test/x?sig=s&b=1 failed", "get https://a.test/x failed"],
    "the fragment": ["https://a.test/x#s", "https://a.test/x"],
    "user and password": ["http://u:p@w@a.test:8/x", "http://a.test:8/x"],
    "those of another scheme": ["s3://u:p@w/x?sig=s", "s3://w/x"],
    "brackets and commas, but for those around it": [
      "url (https://a.test/x?sig=(s),t): no route, 'HTTPS://u@b.test?c'",
      "url (https://a.test/x): no route, 'HTTPS://b.test'",
    ],
    "nothing from what has no secret": ["http://a.test/x: is @ ? #", "http://a.test/x: is @ ? #"],
  };
  for (const [what, [text, expected]] of Object.entries(cases)) {
    test(`takes ${what}`, () => assert.equal(withoutSecrets(text), expected));
  }
});

describe("errors tell no user, password or query of a URL", () => {
  const commands: Record<string, (url: string) => string[]> = {
    verify: (url) => ["verify", url],
    inspect: (url) => ["inspect", `oci-archive:${url}`],
    export: (url) => ["export", `oci-archive:${url}`, "-o", "/no/such/folder/x.tar"],
    "export, which uploads": (url) => ["export", `oci:${LAYOUT}`, "-o", url],
    "inspect, of a digest": (url) => ["inspect", `oci-archive:${url}@sha256:${"0".repeat(64)}`],
  };
  test("nor of a URL of a scheme that is not taken", async () => {
    const { status, stderr } = await command(["verify", "s3://hunter:s3cret@a.test/x?Amz=s3cret"]);
    assert.match(stderr, /^oci-archive: s3:\/\/a\.test\/x is no http:\/\/ or https:\/\/ URL/);
    assert.equal(status, 2);
  });

  for (const [what, args] of Object.entries(commands)) {
    for (const user of ["", "hunter:s3cret@"]) {
      test(`${what}${user ? ", with a user" : ""}`, async () => {
        const place = `127.0.0.1:${await freePort()}/image.tar`;
        const url = `http://${user}${place}?X-Amz-Signature=s3cret`;
        for (const debug of [[], ["--debug"]]) {
          const { status, stderr } = await command([...args(url), ...debug]);
          assert.equal(status, 1);
          assert.doesNotMatch(stderr, /s3cret|hunter|Amz/);
          assert.ok(stderr.includes(`http://${place}: `), stderr);
        }
      });
    }

    test(`${what}, where it is none`, async () => {
      const { status, stderr } = await command(args("http://hunter:s3/cret@a.test:x/?Amz"));
      assert.match(stderr, /^oci-archive: .*URL.*\n$/);
      assert.doesNotMatch(stderr, /s3|cret|hunter|Amz/);
      assert.equal(status, 2);
    });
  }
});
