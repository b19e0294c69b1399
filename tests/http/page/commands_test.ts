import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { commandsFor, quoteShell } from "../../../src/http/page/commands.ts";
import { lacks } from "../../helpers/program.ts";

const target = {
  url: "https://example.com/archives/alpine:3.22.tar",
  filename: "alpine-3.22.tar",
  platforms: [],
  isIndex: true,
  hasManifestJson: true,
};
const texts = (commands: { text: string }[]) => commands.map(({ text }) => text);

test("commandsFor() fetches with curl, and loads with ctr, docker and podman", () => {
  assert.deepEqual(texts(commandsFor(target)), [
    "curl -f -C - -o alpine-3.22.tar https://example.com/archives/alpine:3.22.tar",
    "curl -f https://example.com/archives/alpine:3.22.tar | sudo ctr images import -",
    "curl -f https://example.com/archives/alpine:3.22.tar | docker load",
    "curl -f https://example.com/archives/alpine:3.22.tar | podman load",
  ]);
});

test("commandsFor() tells ctr the platform where there is only one", () => {
  const ctr = (platforms: string[]) => commandsFor({ ...target, platforms })[1]!.text;
  assert.match(ctr(["linux/arm64"]), /import --platform linux\/arm64 -$/);
  assert.match(ctr(["windows(10.0.1)/amd64"]), /import --platform 'windows\(10\.0\.1\)\/amd64' -$/);
  assert.match(ctr(["linux/arm64", "linux/amd64"]), /import -$/);
});

test("commandsFor() warns where docker load of old finds nothing", () => {
  const hint = (hasManifestJson: boolean) => commandsFor({ ...target, hasManifestJson })[2]!.hint;
  assert.equal(hint(true), "");
  assert.match(hint(false), /Docker 25/);
});

test("quoteShell() gives every text to the command as one word", { skip: lacks("sh") }, () => {
  const words = fc.sample(
    fc.string({ unit: "grapheme-ascii", minLength: 1 }),
    { numRuns: 300, seed: 4 },
  );
  const nasty = ["-rf", "$(id)", "`id`", "a'b", "'", "\\", "a b", "*", "~", "#x", "a\nb", "!x", ""];
  const all = [...words, ...nasty];
  const script = `printf '%s\\0' ${all.map(quoteShell).join(" ")}`;
  const out = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  assert.deepEqual(out.split("\0").slice(0, -1), all);
});
