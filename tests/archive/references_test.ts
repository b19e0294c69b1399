import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type ArchiveReport,
  blobPath,
  type Descriptor,
  MediaType,
  MemoryStore,
} from "../../mod.ts";
import {
  type ArchiveFiles,
  archiveFiles,
  judge,
  lines,
  tarFiles,
} from "../helpers/archive_files.ts";
import { concat, utf8 } from "../helpers/bytes.ts";
import { addImage, addIndex, addJson } from "../helpers/image.ts";
import { tarEntry } from "../helpers/tar.ts";

/** An image in an index, and its archive's files. */
async function imageFiles() {
  const memory = new MemoryStore();
  const image = await addImage(memory, { layers: ["one", "two"] });
  const other = await addImage(memory, { config: '{"other":1}', layers: ["three"] });
  const index = await addIndex(memory, [image.manifest, other.manifest]);
  return { memory, image, other, index, files: await archiveFiles(memory, [index]) };
}

/** The files of a layout with these roots, and these blobs of the store. */
async function filesOf(
  memory: MemoryStore,
  roots: readonly Descriptor[],
  blobs: readonly Descriptor[],
): Promise<ArchiveFiles> {
  const files: ArchiveFiles = new Map([
    ["oci-layout", utf8('{"imageLayoutVersion":"1.0.0"}')],
    ["index.json", utf8(JSON.stringify({ schemaVersion: 2, manifests: roots }))],
  ]);
  for (const blob of blobs) files.set(blobPath(blob.digest), await memory.open(blob));
  return files;
}

function without(files: ArchiveFiles, ...blobs: Descriptor[]): ArchiveFiles {
  const paths = blobs.map(({ digest }) => blobPath(digest));
  return new Map([...files].filter(([name]) => !paths.includes(name)));
}

async function found(files: ArchiveFiles): Promise<
  Pick<ArchiveReport, "ok" | "images"> & {
    problems: string[];
    warnings: string[];
  }
> {
  const { ok, images, problems, warnings } = await judge(tarFiles(files));
  return { ok, images, problems: lines(problems), warnings: lines(warnings) };
}

test("images are named by their full name, else their reference name, else their digest", async () => {
  const { memory, image: { manifest, config, layers } } = await imageFiles();
  const [full, ref] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
  const roots = [
    { ...manifest, annotations: { [full]: "example.com/app:1.0", [ref]: "1.0" } },
    { ...manifest, annotations: { [ref]: "1.0" } },
    manifest,
  ];
  assert.deepEqual(await found(await filesOf(memory, roots, [manifest, config, ...layers])), {
    ok: true,
    images: ["example.com/app:1.0", "1.0", manifest.digest],
    problems: [],
    warnings: [],
  });
});

test("a missing layer or config is a problem", async () => {
  const { files, image } = await imageFiles();
  const { config, layers: [one, two], manifest: { digest } } = image;
  for (const lacking of [[one!], [two!], [config], [one!, two!]]) {
    const { ok, problems, warnings } = await found(without(files, ...lacking));
    assert.deepEqual([ok, warnings], [false, []]);
    assert.deepEqual(
      problems,
      lacking.map((blob) =>
        `missing ${blob.digest}: manifest ${digest} needs it, the archive lacks it`
      ),
    );
  }
});

test("a missing platform is a warning: its manifest, or all that it needs", async () => {
  const { files, image: { manifest, config, layers }, index, other } = await imageFiles();
  const rest = [
    `platforms ${index.digest}: 1 of 2 of its manifests were left out`,
    ...[config, ...layers].map(({ digest }) =>
      `stray ${digest}: nothing in index.json leads to it`
    ),
  ];
  const withoutManifest = await found(without(files, manifest));
  assert.deepEqual([withoutManifest.ok, withoutManifest.problems], [true, []]);
  assert.deepEqual(withoutManifest.warnings.sort(), rest.sort());
  assert.deepEqual(await found(without(files, manifest, config, ...layers)), {
    ok: true,
    images: [index.digest],
    problems: [],
    warnings: [`platforms ${index.digest}: 1 of 2 of its manifests were left out`],
  });
  const { config: otherConfig, layers: otherLayers } = other;
  assert.deepEqual(await found(without(files, otherConfig, ...otherLayers)), {
    ok: true,
    images: [index.digest],
    problems: [],
    warnings: [`incomplete ${other.manifest.digest}: its config and layers were left out`],
  });
});

test("an archive without one whole image is a problem", async () => {
  const { files, image, other } = await imageFiles();
  const { problems } = await found(without(files, image.manifest, other.manifest));
  assert.deepEqual(problems, ["missing index.json: none of its images has all of its blobs"]);
});

test("a root that is not there is a problem", async () => {
  const { memory, image: { manifest, config, layers }, other } = await imageFiles();
  const files = await filesOf(memory, [manifest, other.manifest], [manifest, config, ...layers]);
  assert.deepEqual((await found(files)).problems, [
    `missing ${other.manifest.digest}: index.json lists it, the archive lacks it`,
  ]);
});

test("a layer that may not be distributed may be missing, with a warning", async () => {
  const memory = new MemoryStore();
  const foreign = await memory.add(
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    utf8("windows"),
  );
  const { manifest, config } = await addImage(memory, {
    layers: [],
    fields: { layers: [foreign] },
  });
  const files = await filesOf(memory, [manifest], [manifest, config, foreign]);
  assert.deepEqual((await found(files)).warnings, []);
  assert.deepEqual(await found(without(files, foreign)), {
    ok: true,
    images: [manifest.digest],
    problems: [],
    warnings: [`foreign ${manifest.digest}: 1 non-distributable layers were left out`],
  });
});

test("a layer that may be missing is no problem beside one that may not", async () => {
  const memory = new MemoryStore();
  const foreign = await memory.add(
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    utf8("windows"),
  );
  const layer = await memory.add(MediaType.ImageLayer, utf8("layer"));
  const { manifest, config } = await addImage(memory, { fields: { layers: [foreign, layer] } });
  const { problems, warnings } = await found(
    await filesOf(memory, [manifest], [manifest, config]),
  );
  assert.deepEqual(problems, [
    `missing ${layer.digest}: manifest ${manifest.digest} needs it, the archive lacks it`,
    "missing index.json: none of its images has all of its blobs",
  ]);
  assert.deepEqual(warnings, []);
});

test("diamonds of indexes are followed once, not twice a floor", async () => {
  const { memory, image: { manifest, config, layers: [one, two] } } = await imageFiles();
  const blobs = [manifest, config, one!];
  let floor = [manifest];
  for (let depth = 0; depth < 3; depth++) {
    const left = await addJson(memory, MediaType.ImageIndex, { manifests: floor });
    const right = await addJson(memory, MediaType.ImageIndex, { manifests: [...floor, left] });
    blobs.push(left, right);
    floor = [left, right];
  }
  assert.deepEqual((await found(await filesOf(memory, floor, blobs))).problems, [
    `missing ${two!.digest}: manifest ${manifest.digest} needs it, the archive lacks it`,
    "missing index.json: none of its images has all of its blobs",
  ]);
});

test("a blob is missing even where its descriptor holds it: importers look for the blob", async () => {
  const memory = new MemoryStore();
  const config = { ...await memory.add(MediaType.ImageConfig, utf8("{}")), data: "e30=" };
  const { manifest, layers } = await addImage(memory, { fields: { config } });
  const { ok, problems, warnings } = await found(
    await filesOf(memory, [manifest], [manifest, ...layers]),
  );
  assert.deepEqual([ok, warnings], [false, []]);
  assert.match(problems[0]!, /^missing sha256:44136fa3.* needs it, the archive lacks it$/);
});

test("a size that lies is a problem, wherever it stands", async () => {
  const memory = new MemoryStore();
  const layer = await memory.add(MediaType.ImageLayer, utf8("layer"));
  const { manifest, config } = await addImage(memory, {
    layers: [],
    fields: { layers: [{ ...layer, size: 6 }] },
  });
  const root = { ...manifest, size: manifest.size + 1 };
  assert.deepEqual(
    (await found(await filesOf(memory, [root], [manifest, config, layer]))).problems,
    [
      `size ${manifest.digest}: index.json says ${root.size} bytes, it has ${manifest.size}`,
      `size ${layer.digest}: ${manifest.digest} says 6 bytes, it has 5`,
    ],
  );
});

test("a manifest that is listed as an index is a problem, and the other way round", async () => {
  const { memory, image: { manifest, config, layers }, index, other } = await imageFiles();
  const blobs = [manifest, config, ...layers, index, other.manifest, other.config, ...other.layers];
  const roots = [
    { ...manifest, mediaType: MediaType.ImageIndex },
    { ...index, mediaType: MediaType.ImageManifest },
    manifest,
    index,
  ];
  assert.deepEqual((await found(await filesOf(memory, roots, blobs))).problems, [
    `document ${manifest.digest}: index.json says it is an index, it is not`,
    `document ${index.digest}: index.json says it is a manifest, it is not`,
  ]);
});

test("a blob that is no document at all, listed as one, is a problem", async () => {
  const { memory, image: { manifest, config, layers } } = await imageFiles();
  const blobs = [manifest, config, ...layers];
  for (const mediaType of [MediaType.ImageManifest, MediaType.ImageIndex]) {
    const kind = mediaType === MediaType.ImageIndex ? "an index" : "a manifest";
    const roots = [manifest, { ...layers[0]!, mediaType }];
    assert.deepEqual((await found(await filesOf(memory, roots, blobs))).problems, [
      `document ${layers[0]!.digest}: index.json says it is ${kind}, it is not`,
    ]);
  }
});

test("a layer that is missing is one problem, though manifest.json names it too", async () => {
  const { memory, image: { manifest, layers: [one] } } = await imageFiles();
  const files = await archiveFiles(memory, [manifest]);
  assert.ok(files.has("manifest.json"));
  assert.deepEqual((await found(without(files, one!))).problems, [
    `missing ${one!.digest}: manifest ${manifest.digest} needs it, the archive lacks it`,
    "missing index.json: none of its images has all of its blobs",
  ]);
});

test("a document that two readers could take for two images is a problem", async () => {
  const { memory, image: { manifest, config, layers } } = await imageFiles();
  const both = await addJson(memory, MediaType.ImageManifest, {
    schemaVersion: 2,
    config,
    layers,
    manifests: [manifest],
  });
  const blobs = [both, manifest, config, ...layers];
  for (const mediaType of [MediaType.ImageManifest, MediaType.ImageIndex]) {
    const kind = mediaType === MediaType.ImageIndex ? "an index" : "a manifest";
    const roots = [manifest, { ...both, mediaType }];
    assert.deepEqual((await found(await filesOf(memory, roots, blobs))).problems, [
      `document ${both.digest}: index.json says it is ${kind}, it is not: Cannot use manifest ` +
      `${both.digest}: config belongs to a manifest, not to an index`,
    ]);
  }
});

test("indexes may nest 32 deep", async () => {
  const { memory, image: { manifest, config, layers } } = await imageFiles();
  const tower = [manifest];
  for (let depth = 0; depth < 34; depth++) tower.push(await addIndex(memory, [tower.at(-1)!]));
  const problemsOf = async (root: Descriptor) =>
    (await found(await filesOf(memory, [root], [...tower, config, ...layers]))).problems;
  assert.deepEqual(await problemsOf(tower[32]!), []);
  assert.equal(
    (await problemsOf(tower[34]!))[0],
    `depth ${tower[1]!.digest}: it is nested more than 32 deep`,
  );
});

const LAYOUTS: [file: string, content: string | undefined, problem: string][] = [
  ["oci-layout", undefined, "it is missing: this is no OCI archive"],
  ["oci-layout", "{", "it is not JSON"],
  ["oci-layout", "{}", 'expected imageLayoutVersion "1.0.0"'],
  ["oci-layout", "[]", 'expected imageLayoutVersion "1.0.0"'],
  ["oci-layout", '{"imageLayoutVersion":"2.0.0"}', 'expected imageLayoutVersion "1.0.0"'],
  ["index.json", undefined, "it is missing: this is no OCI archive"],
  ["index.json", "{", "Cannot use manifest index.json: is not JSON"],
  [
    "index.json",
    '{"layers":[]}',
    "Cannot use manifest index.json: layers belongs to a manifest, not to an index",
  ],
  [
    "index.json",
    '{"manifests":[{}]}',
    "Cannot use the descriptor in manifest index.json manifests[0]: digest is missing",
  ],
  ["manifest.json", "{", "it is not JSON"],
  ["manifest.json", "{}", "expected an array"],
];
for (const [file, content, problem] of LAYOUTS) {
  test(`an archive whose ${file} is ${content ?? "missing"} has a problem`, async () => {
    const { files } = await imageFiles();
    if (content === undefined) files.delete(file);
    else files.set(file, utf8(content));
    assert.deepEqual((await found(files)).problems, [`layout ${file}: ${problem}`]);
  });
}

test("an archive whose index.json is a link has none", async () => {
  const { files } = await imageFiles();
  files.delete("index.json");
  const link = tarEntry("index.json", "", { type: "2", linkName: "other.json" });
  const { problems } = await judge(concat([link, tarFiles(files)]));
  assert.deepEqual(lines(problems), [
    "type index.json: it is neither file nor directory but of type 2",
    "layout index.json: it is missing: this is no OCI archive",
  ]);
});

test("manifest.json may be missing, and may not point at what is missing", async () => {
  const { memory, image: { manifest, config, layers } } = await imageFiles();
  const files = await filesOf(memory, [manifest], [manifest, config, ...layers]);
  const paths = [config, ...layers].map(({ digest }) => blobPath(digest));
  const [Config, ...Layers] = paths;
  assert.equal((await found(files)).ok, true);
  files.set("manifest.json", utf8(JSON.stringify([{ Config, RepoTags: [], Layers }])));
  assert.equal((await found(files)).ok, true);

  const nowhere = `blobs/sha256/${"0".repeat(64)}`;
  const image = { Config: nowhere, Layers: [...Layers, "../../etc/passwd"] };
  files.set("manifest.json", utf8(JSON.stringify([image, {}])));
  assert.deepEqual((await found(files)).problems, [
    `missing ${nowhere}: manifest.json needs it, the archive lacks it`,
    "missing ../../etc/passwd: manifest.json needs it, the archive lacks it",
    "layout manifest.json: expected only paths in its image 1",
  ]);
});

test("a damaged manifest is followed no further", async () => {
  const { memory, image: { manifest, config, layers } } = await imageFiles();
  const files = await filesOf(memory, [manifest], [manifest, config, ...layers]);
  files.set(blobPath(manifest.digest), utf8("x".repeat(manifest.size)));
  const { problems } = await found(files);
  assert.match(problems[0]!, /^digest blobs\/sha256\//);
  assert.deepEqual(problems.slice(1), [
    "missing index.json: none of its images has all of its blobs",
  ]);
});
