import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { HTML, POLICY } from "../../../src/http/page/bundle.ts";
import { bundleModule, bundleScript } from "../../../.tools/page.ts";
import { readFile } from "node:fs/promises";
import { lacks } from "../../helpers/program.ts";

const [, style] = /<style>(.*?)<\/style>/s.exec(HTML)!;
const [, script] = /<script type="module">(.*?)<\/script>/s.exec(HTML)!;

test(
  "bundle.ts is what `deno task page` makes of the sources",
  { skip: lacks("deno") },
  async () => {
    const committed = await readFile(
      new URL("../../../src/http/page/bundle.ts", import.meta.url),
      "utf8",
    );
    const made = await bundleModule(await bundleScript());
    assert.ok(committed === made, "src/http/page/bundle.ts is old: run `deno task page`");
  },
);

test("the page's script has at most 25 KB, minified and gzipped", (t) => {
  const size = gzipSync(script!, { level: 9 }).length;
  t.diagnostic?.(`${size} bytes`);
  assert.ok(size <= 25 * 1024, `${size} bytes`);
});

test("the page's script imports nothing: not from node:, not from elsewhere", () => {
  assert.doesNotMatch(script!, /\bimport\s*(?:[\w{*"']|\()|\brequire\(|\bfrom\s*["']/);
  assert.doesNotMatch(script!, /\beval\(|new Function\(|\.innerHTML/);
});

test("the page loads nothing: no address in it but for namespaces", () => {
  const addresses = HTML.match(/\b(?:https?:)?\/\/[\w.-]+\.\w+[^"'`\s)]*/g) ?? [];
  assert.deepEqual([...new Set(addresses)].filter((url) => !url.includes("www.w3.org")), []);
});

test("the policy allows this very script and style, and nothing else", () => {
  const source = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const directives = new Map(
    POLICY.split("; ").map((directive) => {
      const [name, ...sources] = directive.split(" ");
      return [name!, sources.join(" ")];
    }),
  );
  assert.equal(directives.get("default-src"), "'none'");
  assert.equal(directives.get("script-src"), source(script!));
  assert.equal(directives.get("style-src"), source(style!));
  assert.equal(directives.get("connect-src"), "'self'");
  assert.doesNotMatch(POLICY, /unsafe|\*/);
  assert.doesNotMatch(HTML, /\son\w+=|javascript:|<[^>]*\sstyle=/);
});
