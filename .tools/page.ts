/**
 * Writes src/http/page/bundle.ts: the page as one document, its script bundled and minified.
 * Run by `deno task page`.
 */
import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PAGE = fileURLToPath(new URL("../src/http/page/", import.meta.url));
const BUNDLE = join(PAGE, "bundle.ts");

/** The page's script, bundled with what it takes from the core. */
export async function bundleScript(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "page-"));
  try {
    const output = join(directory, "page.js");
    const args = ["bundle", "--quiet", "--platform=browser", "--minify", `--output=${output}`];
    await promisify(execFile)("deno", [...args, join(PAGE, "main.ts")]);
    return (await readFile(output, "utf8")).trim();
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The text of bundle.ts with this script. */
export async function bundleModule(script: string): Promise<string> {
  const style = minifyStyle(await readFile(join(PAGE, "page.css"), "utf8"));
  const html = (await readFile(join(PAGE, "page.html"), "utf8")).replace(/\n\s*/g, "\n");
  if (/<\/(?:script|style)/i.test(script + style)) throw new Error("It would end its own element");
  const document = html
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return `// Made by \`deno task page\`; do not edit.
// deno-fmt-ignore-file

/** The page as one document. */
export const HTML: string = ${JSON.stringify(document)};

/** Its Content-Security-Policy: nothing but this script and this style. */
export const POLICY: string = ${JSON.stringify(policy)};
`;
}

function minifyStyle(css: string): string {
  return css
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,]) ?/g, "$1")
    .replace(/: /g, ":")
    .replace(/;}/g, "}")
    .trim();
}

function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

if (import.meta.main) {
  await writeFile(BUNDLE, await bundleModule(await bundleScript()));
}
