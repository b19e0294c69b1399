// How the house is built: who may import whom, and who may know where it runs.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";

const ROOT = new URL("../", import.meta.url);

/** The floors: each room of src/ with the rooms that it may import from, beside itself. */
const FLOORS: Record<string, readonly string[]> = {
  errors: [],
  oci: ["errors"],
  tar: ["errors"],
  content: ["errors", "oci", "tar"],
  archive: ["errors", "oci", "tar", "content"],
  // Stores never name archive/, nor http/: they meet in content/store.
  stores: ["errors", "oci", "tar", "content"],
  http: ["errors", "oci", "tar", "content", "archive"],
  cli: ["errors", "oci", "tar", "content", "archive", "stores", "http"],
};

/** The packages that a room may import; all others import none. */
const PACKAGES: Record<string, readonly string[]> = {
  content: ["@noble/hashes"],
  stores: ["@bufbuild/protobuf", "@grpc/grpc-js"],
  http: ["aws4fetch"],
  cli: ["commander", "@clack/prompts", "srvx"],
};

/** The files that may notice where they run, and what for. */
const NOTICE_THE_RUNTIME: Record<string, string> = {
  "src/content/digester.ts": "takes the runtime's own hash",
  "src/http/node_http.ts": "uploads by node:http, where fetch cannot say Content-Length",
  "src/stores/containerd/connection.ts": "speaks gRPC through a socket",
  "src/stores/file.ts": "reads from a disk",
  "src/stores/layout.ts": "reads from a disk",
};

/** Generated files, that nobody reads. */
const GENERATED = [
  "src/http/page/bundle.ts",
  "src/stores/containerd/api/content_pb.ts",
  "src/stores/containerd/api/descriptor_pb.ts",
  "src/stores/containerd/api/images_pb.ts",
];

const MAX_LINES = 310;

/** A source file, its text, and what it imports. */
interface Source {
  /** Its path from the root, such as `src/oci/digest.ts`. */
  path: string;
  text: string;
  /** Each import: a path from the root, or a package's specifier as it stands. */
  imports: string[];
}

const IMPORT = /^\s*(?:import|export)\b[^;"]*?\bfrom\s+"([^"]+)"|^\s*import\s+"([^"]+)"/gm;
const DYNAMIC_IMPORT = /\bimport\("([^"]+)"\)/g;

function readSource(path: string): Source {
  const text = readFileSync(new URL(path, ROOT), "utf8");
  const code = withoutComments(text);
  const specifiers = [...code.matchAll(IMPORT), ...code.matchAll(DYNAMIC_IMPORT)]
    .map(([, from, bare]) => (from ?? bare)!);
  const imports = specifiers.map((specifier) =>
    specifier.startsWith(".")
      ? new URL(specifier, new URL(path, ROOT)).href.slice(ROOT.href.length)
      : specifier
  );
  return { path, text, imports };
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

const SOURCES = readdirSync(new URL("src/", ROOT), { recursive: true, encoding: "utf8" })
  .map((path) => `src/${path.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".ts") && !GENERATED.includes(path))
  .sort()
  .map(readSource);

/** The files that others may import: those that deno.json exports. */
const DOORS = Object.values(
  (JSON.parse(readFileSync(new URL("deno.json", ROOT), "utf8")) as {
    exports: Record<string, string>;
  }).exports,
).map((door) => door.replace("./", ""));

/** The room of a file: the folder in src/, or the file itself. */
function roomOf(path: string): string {
  return path.split("/")[1]!.replace(/\.ts$/, "");
}

function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

test("every room of src/ has its floor", () => {
  const rooms = new Set(SOURCES.map(({ path }) => roomOf(path)));
  assert.deepEqual([...rooms].sort(), Object.keys(FLOORS).sort());
});

test("a file imports from its own room and from lower floors only", () => {
  const wrong = SOURCES.flatMap(({ path, imports }) => {
    const room = roomOf(path);
    return imports
      .filter((target) => target.startsWith("src/") || target.endsWith(".ts"))
      .filter((target) =>
        !target.startsWith("src/") ||
        ![room, ...FLOORS[room]!].includes(roomOf(target))
      )
      .map((target) => `${path} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

test("packages stand where they are allowed, and @std nowhere", () => {
  const wrong = SOURCES.flatMap(({ path, imports }) =>
    imports
      .filter((target) => !target.endsWith(".ts") && !target.startsWith("node:"))
      .filter((target) => !PACKAGES[roomOf(path)]?.includes(packageOf(target)))
      .map((target) => `${path} imports ${target}`)
  );
  assert.deepEqual(wrong, []);
});

test("gRPC is imported by the store over containerd only", () => {
  const wrong = SOURCES
    .filter(({ imports }) => imports.some((target) => /^@(bufbuild|grpc)\//.test(target)))
    .map(({ path }) => path)
    .filter((path) => !path.startsWith("src/stores/containerd/"));
  assert.deepEqual(wrong, []);
});

test("what deno.json exports reaches no @std package, and nothing outside of src/", () => {
  const reached = new Map<string, Source>();
  for (let paths = [...DOORS]; paths.length > 0;) {
    const path = paths.pop()!;
    if (reached.has(path)) continue;
    const source = readSource(path);
    reached.set(path, source);
    paths = paths.concat(source.imports.filter((target) => target.endsWith(".ts")));
  }
  const all = [...reached.values()];
  assert.deepEqual(
    all.flatMap(({ imports }) => imports).filter((target) => /^(?:jsr:|@std\/)/.test(target)),
    [],
  );
  const outside = [...reached.keys()].filter((path) => !path.startsWith("src/"));
  assert.deepEqual(outside.filter((path) => !DOORS.includes(path)), []);
});

test("only named files notice the runtime", () => {
  const notices = SOURCES
    .filter(({ path }) => roomOf(path) !== "cli")
    .filter(({ text }) =>
      /"node:|`node:|\b(?:Deno|Bun)\b|\bprocess\b\s*[.?]|\bgetBuiltinModule\b|\bBuffer\./
        .test(withoutComments(text))
    )
    .map(({ path }) => path);
  assert.deepEqual(notices, Object.keys(NOTICE_THE_RUNTIME));
});

test("only the stores on a disk or a socket, and the command, import node: modules", () => {
  const wrong = SOURCES
    .filter(({ imports }) => imports.some((target) => target.startsWith("node:")))
    .map(({ path }) => path)
    .filter((path) => roomOf(path) !== "cli");
  assert.deepEqual(wrong, [
    "src/stores/containerd/connection.ts",
    "src/stores/file.ts",
    "src/stores/layout.ts",
  ]);
});

test("there are no barrels in src/: only a door hands on what others have made", () => {
  const barrels = SOURCES
    .filter(({ path }) => !DOORS.includes(path))
    .filter(({ text }) => /^export\s+(?:type\s+)?(?:\*|\{[^}]*\})[^;]*\bfrom\b/m.test(text))
    .map(({ path }) => path);
  assert.deepEqual(barrels, []);
});

test("relative imports name their file", () => {
  const wrong = SOURCES.flatMap(({ path, imports }) =>
    imports
      .filter((target) => target.startsWith("src/") && !target.endsWith(".ts"))
      .map((target) => `${path} imports ${target}`)
  );
  assert.deepEqual(wrong, []);
});

test("no file of src/ imports in a circle", () => {
  const byPath = new Map(SOURCES.map((source) => [source.path, source]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" > "));
    if (trail.includes(path) || done.has(path)) return;
    for (const target of valueImports(byPath.get(path))) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of SOURCES) visit(path, []);
  assert.deepEqual(circles, []);
});

/** What a file imports of src/ to run, types left out. */
function valueImports(source: Source | undefined): string[] {
  if (!source) return [];
  const withoutTypes = withoutComments(source.text).replace(
    /^import type\b[^;]*;|^import \{(?:\s*type \w+,?)+\s*\} from[^;]*;/gm,
    "",
  );
  return [...withoutTypes.matchAll(IMPORT)]
    .map(([, from]) => from!)
    .filter((specifier) => specifier?.startsWith("."))
    .map((specifier) =>
      new URL(specifier, new URL(source.path, ROOT)).href.slice(ROOT.href.length)
    );
}

test("files are small, and named in snake_case", () => {
  for (const { path, text } of SOURCES) {
    assert.match(path, /^[a-z0-9_/]+\.ts$/);
    const lines = text.split("\n").length - 1;
    assert.ok(lines <= MAX_LINES, `${path} has ${lines} lines`);
  }
});
