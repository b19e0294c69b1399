import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseChallenges } from "../../../src/stores/registry/challenge.ts";

const parse = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [
    scheme,
    Object.fromEntries(parameters),
  ]);

test("parseChallenges() reads one challenge", () => {
  assert.deepEqual(
    parse('Bearer realm="https://auth.test/token",service="registry.test",scope="a:b:pull,push"'),
    [["bearer", {
      realm: "https://auth.test/token",
      service: "registry.test",
      scope: "a:b:pull,push",
    }]],
  );
});

test("parseChallenges() reads several challenges, as fetch joins them", () => {
  assert.deepEqual(
    parse('Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'),
    [
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
      ["basic", { realm: "simple" }],
    ],
  );
  assert.deepEqual(parse("Negotiate, Basic realm=x"), [["negotiate", {}], ["basic", {
    realm: "x",
  }]]);
});

test("parseChallenges() takes a token68 for what it is", () => {
  assert.deepEqual(parse("Negotiate YWJj/+==, Basic realm=x"), [["negotiate", {}], ["basic", {
    realm: "x",
  }]]);
});

test("parseChallenges() does not mind spaces, cases and empty members", () => {
  assert.deepEqual(parse(' , BEARER\tREALM = "a" ,,Service=b ,'), [["bearer", {
    realm: "a",
    service: "b",
  }]]);
});

test("parseChallenges() keeps the first of two parameters with one name", () => {
  assert.deepEqual(parse("Basic realm=a, realm=b"), [["basic", { realm: "a" }]]);
});

test("parseChallenges() stops where the grammar breaks", () => {
  for (const header of ["", "=", '"', 'Basic realm="open']) {
    assert.ok(parse(header).length <= 1, header);
  }
  assert.deepEqual(parse('Basic realm=a, "'), [["basic", { realm: "a" }]]);
  assert.deepEqual(parse("Basic realm=a, x=, y=b"), [["basic", { realm: "a" }]]);
  assert.deepEqual(parse("Basic/YWJj, Bearer realm=a"), [["basic", {}]]);
});

test("parseChallenges() reads back what was written", () => {
  const token = fc.stringMatching(/^[a-z!#$%&'*+.^_`|~0-9-]{1,12}$/);
  const value = fc.string({ unit: "binary-ascii" });
  const challenge = fc.tuple(token, fc.dictionary(token, value, { minKeys: 1 }));
  fc.assert(fc.property(fc.array(challenge), (challenges) => {
    const header = challenges.map(([scheme, parameters]) =>
      `${scheme} ${
        Object.entries(parameters)
          .map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`).join(", ")
      }`
    ).join(", ");
    assert.deepEqual(
      parse(header),
      challenges.map(([scheme, parameters]) => [
        scheme,
        Object.fromEntries(
          Object.entries(parameters),
        ),
      ]),
    );
  }));
});

test("parseChallenges() ends soon, whatever comes", () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (header) => {
    parseChallenges(header);
  }));
  // Each of these takes seconds where the reading is not linear.
  for (const bomb of ['"\\', "a=", "a ", 'a="', "a,", "Bearer a=b,"]) {
    parseChallenges(bomb.repeat((16 << 10) / bomb.length));
    assert.deepEqual(parseChallenges(`Basic realm=a, ${bomb.repeat(1 << 20)}`), []);
  }
});
