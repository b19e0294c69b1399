/**
 * Makes oci-archive-VERSION.tgz, or what `--output` names: the package that npm takes.
 * Run by `deno task pack`.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs, promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { packTar, unpackTar } from "modern-tar";

/** The command; a file of its own, since Node 20 has no `import.meta.main`. */
const COMMAND = `#!/usr/bin/env node
import { start } from "../src/cli/main.js";
await start();
`;

const { version } = JSON.parse(await readFile("deno.json", "utf8"));
const { values: { output } } = parseArgs({
  options: { output: { type: "string", default: `oci-archive-${version}.tgz` } },
});
await promisify(execFile)(process.execPath, [
  ...["pack", "--quiet", "--allow-dirty", "--no-source-maps"],
  `--output=${output}`,
]);

// What npm needs to know and `deno pack` has no way to say.
const entries = await unpackTar(gunzipSync(await readFile(output)));
const manifest = entries.find(({ header }) => header.name === "package/package.json")!;
const fields = {
  ...JSON.parse(new TextDecoder().decode(manifest.data)),
  engines: { node: ">=20" },
  bin: { "oci-archive": "bin/oci-archive.js" },
};
const file = (name: string, text: string, mode: number) => {
  const data = new TextEncoder().encode(text);
  return { header: { ...manifest.header, name, mode, size: data.length }, data };
};
const archive = await packTar([
  file("package/package.json", `${JSON.stringify(fields, null, 2)}\n`, 0o644),
  file("package/bin/oci-archive.js", COMMAND, 0o755),
  ...entries.filter((entry) => entry !== manifest),
]);
await writeFile(output, gzipSync(archive));
