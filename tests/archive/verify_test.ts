import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CreateDigester,
  createDigester,
  type Descriptor,
  exportArchive,
  MediaType,
  MemoryStore,
  verifyArchive,
} from "../../mod.ts";
import { archiveFiles, judge, lines, tarFiles } from "../helpers/archive_files.ts";
import { collect, concat, macrotask, sha256, utf8 } from "../helpers/bytes.ts";
import { addImage, addIndex } from "../helpers/image.ts";
import { smallImage } from "../helpers/plans.ts";
import { chunked, stalledStream, streamOf } from "../helpers/streams.ts";
import { gnuLong, paxEntry, rawHeader, tarEntry, tarOf } from "../helpers/tar.ts";

const ONES = "1".repeat(64);

async function smallFiles() {
  const { memory, root } = await smallImage();
  return { files: await archiveFiles(memory, [root]), root };
}

/** A small image's archive with these entries before everything else. */
async function withEntries(...entries: Uint8Array[]): Promise<Uint8Array> {
  return concat([...entries, tarFiles((await smallFiles()).files)]);
}

test("verifyArchive() accepts what exportArchive() writes", async () => {
  const { memory, root } = await smallImage();
  const archive = await collect(
    exportArchive(memory, [{ descriptor: root, names: ["example.com/app:1.0"] }]),
  );
  assert.deepEqual(await judge(archive), {
    ok: true,
    size: archive.length,
    entries: 12,
    blobs: 6,
    images: ["example.com/app:1.0"],
    problems: [],
    warnings: [],
  });
});

test("verifyArchive() accepts it with every option", async () => {
  const memory = new MemoryStore();
  const manifests: Descriptor[] = [];
  for (const architecture of ["amd64", "arm64"]) {
    const { manifest } = await addImage(memory, { config: JSON.stringify({ architecture }) });
    manifests.push({ ...manifest, platform: { architecture, os: "linux" } });
  }
  const index = await addIndex(memory, manifests);
  const sha512 = (await addImage(memory, { algorithm: "sha512" })).manifest;
  for (const options of [{}, { skipManifestJson: true }, { allPlatforms: true }]) {
    const archive = await collect(exportArchive(memory, [index, sha512], options));
    const { ok, images, problems, warnings } = await judge(archive);
    assert.deepEqual({ ok, images, problems, warnings }, {
      ok: true,
      images: [index.digest, sha512.digest],
      problems: [],
      warnings: [],
    });
  }
});

test("verifyArchive() accepts documents that begin with a line break, or lack their lists", async () => {
  const store = new MemoryStore();
  const config = await store.add(MediaType.ImageConfig, utf8('{"config":{}}'));
  const documents = [
    [MediaType.ImageManifest, `\n\t ${JSON.stringify({ config, layers: [] })}`],
    [MediaType.ImageManifest, JSON.stringify({ config })],
    [MediaType.ImageIndex, "{}"],
    [MediaType.ImageIndex, '\r\n{"manifests":null}'],
  ] as const;
  const roots = await Promise.all(documents.map(([type, text]) => store.add(type, utf8(text))));
  for (const chunkSize of [1, 1 << 20]) {
    const bytes = await collect(exportArchive(store, roots));
    const report = await verifyArchive(streamOf(chunked(bytes, chunkSize)));
    assert.deepEqual(report.problems, []);
  }
});

test("verifyArchive() accepts any order, ./ before names, and no directories", async () => {
  const { files } = await smallFiles();
  for (const prefix of ["", "./", "././"]) {
    const entries = [...files].reverse().map(([name, bytes]) =>
      [`${prefix}${name}`, bytes] as const
    );
    const { ok, problems, warnings } = await judge(tarFiles(entries.slice()));
    assert.deepEqual({ ok, problems, warnings }, { ok: true, problems: [], warnings: [] });
  }
});

test("verifyArchive() accepts zeros behind the trailer, as tools fill up to 10 KiB", async () => {
  const tar = tarFiles((await smallFiles()).files);
  for (const zeros of [512, 10_240 - tar.length % 10_240, 3_000_000]) {
    const report = await judge(concat([tar, new Uint8Array(zeros)]));
    assert.deepEqual([report.problems, report.size], [[], tar.length + zeros]);
  }
});

test("verifyArchive() says the same of chunks of every size", async () => {
  const { files } = await smallFiles();
  const [first] = files.keys();
  const good = tarFiles(files);
  const bad = concat([tarEntry(first!, "damaged"), good]);
  for (const tar of [good, bad, good.slice(0, -700)]) {
    const expected = await judge(tar);
    for (const size of [1, 511, 512, 513, 1_048_576]) {
      assert.deepEqual(await judge(tar, {}, size), expected, `chunks of ${size}`);
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1025 }), async (size) => {
        assert.deepEqual(await judge(tar, {}, size), expected);
      }),
      { numRuns: 20 },
    );
  }
});

test("verifyArchive() finds each blob that is damaged", async () => {
  const { files } = await smallFiles();
  for (const [path, bytes] of files) {
    if (!path.startsWith("blobs/sha256/") || bytes.length === 0) continue;
    const digest = path.slice("blobs/".length).replace("/", ":");
    const damaged = bytes.slice();
    damaged[bytes.length - 1]! ^= 1;
    const { ok, problems } = await judge(tarFiles(new Map(files).set(path, damaged)));
    assert.equal(ok, false);
    assert.equal(
      lines(problems)[0],
      `digest ${path}: Cannot verify blob ${digest}: its bytes have the digest ` +
        `sha256:${await sha256(damaged)}`,
    );
  }
});

const ENTRIES: [what: string, entry: Uint8Array, problem: string][] = [
  ["an absolute path", tarEntry("/etc/x"), "name /etc/x: its path leads out of the archive"],
  ["a path with ..", tarEntry("../x"), "name ../x: its path leads out of the archive"],
  [
    "a path with .. amid",
    tarEntry("a/../../x"),
    "name a/../../x: its path leads out of the archive",
  ],
  ["a path with ./..", tarEntry("./../x"), "name ./../x: its path leads out of the archive"],
  [
    "a directory that leads out",
    tarEntry("../", "", { type: "5" }),
    "name ../: its path leads out of the archive",
  ],
  [
    "a PAX path that leads out",
    concat([paxEntry({ path: "../x" }), tarEntry("x")]),
    "name ../x: its path leads out of the archive",
  ],
  [
    "a symbolic link",
    tarEntry("link", "", { type: "2", linkName: "/etc/passwd" }),
    "type link: it is neither file nor directory but of type 2",
  ],
  [
    "a hard link in a blob's place",
    tarEntry(`blobs/sha256/${ONES}`, "", { type: "1", linkName: "index.json" }),
    `type blobs/sha256/${ONES}: it is neither file nor directory but of type 1`,
  ],
  [
    "a device",
    tarEntry("null", "", { type: "3" }),
    "type null: it is neither file nor directory but of type 3",
  ],
  [
    "a blob of an algorithm that nobody can compute",
    tarEntry("blobs/md5/d41d8cd98f00b204e9800998ecf8427e"),
    "name blobs/md5/d41d8cd98f00b204e9800998ecf8427e: Cannot verify digests of algorithm " +
    '"md5": supported are sha256, sha384, sha512, blake3',
  ],
  [
    "a blob whose name is no digest",
    tarEntry("blobs/sha256/123"),
    'name blobs/sha256/123: Cannot use digest "sha256:123": expected 64 lower-case hex digits after sha256:',
  ],
  ["a second index.json", tarEntry("index.json", "{}"), "duplicate index.json: it is there twice"],
  [
    "a second index.json with ./",
    tarEntry("./index.json", "{}"),
    "duplicate index.json: it is there twice",
  ],
];
for (const [what, entry, problem] of ENTRIES) {
  test(`verifyArchive() refuses ${what}`, async () => {
    const { ok, problems } = await judge(await withEntries(entry));
    assert.equal(ok, false);
    assert.deepEqual(lines(problems), [problem]);
  });
}

test("verifyArchive() refuses a blob that is there twice, even if it is the same", async () => {
  const { files } = await smallFiles();
  const [[path, bytes]] = [...files] as [[string, Uint8Array]];
  const { problems } = await judge(await withEntries(tarEntry(path, bytes)));
  assert.deepEqual(lines(problems), [`duplicate ${path}: it is there twice`]);
});

test("verifyArchive() warns of what is no part of a layout", async () => {
  const tar = await withEntries(
    tarEntry("README", "hello"),
    tarEntry("blobs/sha256/deep/er", "hello"),
    tarEntry(`blobs/sha256/${await sha256(utf8("stray"))}`, "stray"),
    tarEntry("directory/", "", { type: "5" }),
    tarEntry("directory/", "", { type: "5" }),
    paxEntry({ comment: "of all" }, "g"),
  );
  const { ok, problems, warnings } = await judge(tar);
  assert.deepEqual([ok, problems], [true, []]);
  assert.deepEqual(lines(warnings), [
    "stray README: it is no part of an OCI image layout",
    "stray blobs/sha256/deep/er: it is no part of an OCI image layout",
    `stray sha256:${await sha256(utf8("stray"))}: nothing in index.json leads to it`,
  ]);
});

test("verifyArchive() refuses whatever is behind the trailer", async () => {
  const tar = tarFiles((await smallFiles()).files);
  for (const behind of [[1], [0, 0, 1], [...new Uint8Array(10_000), 1]]) {
    const { problems } = await judge(concat([tar, new Uint8Array(behind)]));
    const at = tar.length - 512;
    assert.deepEqual(lines(problems), [
      `tar byte ${at}: Cannot read the tar at byte ${at}: there are bytes behind the trailer`,
    ]);
  }
});

test("verifyArchive() refuses a trailer of one block", async () => {
  const tar = tarFiles((await smallFiles()).files);
  const at = tar.length - 512;
  const damaged = concat([tar.subarray(0, at), utf8("x".repeat(512))]);
  assert.deepEqual(lines((await judge(damaged)).problems), [
    `tar byte ${at}: Cannot read the tar at byte ${at}: there are bytes behind the trailer`,
  ]);
  for (const length of [at, at + 1, tar.length - 1]) {
    assert.deepEqual(lines((await judge(tar.slice(0, length))).problems), [
      `tar byte ${at}: Cannot read the tar at byte ${at}: it ends before the end of the trailer; ` +
      "it was cut short",
    ]);
  }
});

test("verifyArchive() says of an archive that was cut short that, and nothing else", async () => {
  const tar = tarFiles((await smallFiles()).files);
  for (let length = 0; length < tar.length; length += 101) {
    const { ok, problems, warnings, images, size } = await judge(tar.slice(0, length));
    assert.deepEqual([ok, warnings, images, size], [false, [], [], length]);
    assert.equal(problems.length, 1);
    assert.equal(problems[0]!.code, "tar");
    assert.match(problems[0]!.message, /it ends before .+; it was cut short$/);
  }
});

test("verifyArchive() refuses what is no tar, and says what it is", async () => {
  const { problems } = await judge(new Uint8Array([0x1f, 0x8b, ...new Uint8Array(600)]));
  assert.deepEqual(lines(problems), [
    "tar byte 0: Cannot read the tar at byte 0: it is compressed with gzip; decompress it first",
  ]);
});

test("verifyArchive() refuses an empty tar", async () => {
  const { ok, entries, problems } = await judge(tarOf());
  assert.deepEqual([ok, entries], [false, 0]);
  assert.deepEqual(lines(problems), [
    "layout oci-layout: it is missing: this is no OCI archive",
    "layout index.json: it is missing: this is no OCI archive",
  ]);
});

test("verifyArchive() reports extended headers without end; it does not fail", async () => {
  const tar = concat([rawHeader({ type: "x", size: "00010000000" }), gnuLong("L", "x")]);
  assert.deepEqual(lines((await judge(tar)).problems), [
    "tar byte 512: Cannot read the tar at byte 512: its extended headers take more than " +
    "1048576 bytes",
  ]);
});

test("verifyArchive() reports an index.json that is too large, and reads on", async () => {
  const size = 64 * 1_048_576 + 512;
  const chunks = function* () {
    yield rawHeader({ name: "index.json", size: size.toString(8).padStart(11, "0") });
    const zeros = new Uint8Array(512 * 1024);
    for (let at = 0; at < size; at += zeros.length) yield zeros.subarray(0, size - at);
    yield tarOf(tarEntry("oci-layout", '{"imageLayoutVersion":"1.0.0"}'));
  };
  const { problems, entries } = await verifyArchive(streamOf(chunks()));
  assert.equal(entries, 2);
  assert.deepEqual(lines(problems), [
    `size index.json: it has ${size} bytes, more than 67108864`,
    "layout index.json: it is missing: this is no OCI archive",
  ]);
});

test("verifyArchive() holds nothing of a body but manifests, whatever its size", async () => {
  const huge = 9 * 2 ** 30;
  const memory = new MemoryStore();
  const layer = { mediaType: MediaType.ImageLayer, digest: `sha256:${ONES}`, size: huge };
  const { manifest, config } = await addImage(memory, { layers: [], fields: { layers: [layer] } });
  const files = [
    ["oci-layout", utf8('{"imageLayoutVersion":"1.0.0"}')],
    ["index.json", utf8(JSON.stringify({ manifests: [manifest] }))],
    [`blobs/${config.digest.replace(":", "/")}`, await memory.open(config)],
    [`blobs/${manifest.digest.replace(":", "/")}`, await memory.open(manifest)],
  ] as const;
  const chunks = function* () {
    yield concat([paxEntry({ size: String(huge) }), rawHeader({ name: `blobs/sha256/${ONES}` })]);
    // It begins as a manifest does, and must not be taken for one.
    const braces = new Uint8Array(2 ** 22).fill(0x7b);
    for (let at = 0; at < huge; at += braces.length) yield braces;
    yield tarFiles(files);
  };
  const { ok, problems, size } = await verifyArchive(streamOf(chunks()), {
    createDigester: onesAbove(2 ** 20),
  });
  assert.deepEqual([ok, problems], [true, []]);
  assert.ok(size > huge);
});

/** Makes digesters that give `111…` for long blobs, at no cost. */
function onesAbove(limit: number): CreateDigester {
  return async (algorithm) => {
    const digester = await createDigester(algorithm);
    let size = 0;
    return {
      update(chunk) {
        size += chunk.length;
        return size > limit ? undefined : digester.update(chunk);
      },
      digest: () => size > limit ? ONES : digester.digest(),
    };
  };
}

test("verifyArchive() waits for a digester that takes its time", async () => {
  const tar = tarFiles((await smallFiles()).files);
  for (const wrong of [undefined, ONES]) {
    const slow: CreateDigester = async (algorithm) => {
      const digester = await createDigester(algorithm);
      return {
        async update(bytes) {
          // Longer than the digest takes.
          for (let i = 0; i < 3; i++) await macrotask();
          digester.update(bytes);
        },
        async digest() {
          await macrotask();
          return wrong ?? digester.digest();
        },
      };
    };
    const { problems, blobs } = await judge(tar, { createDigester: slow }, 100);
    assert.equal(problems.filter(({ code }) => code === "digest").length, wrong ? blobs : 0);
    assert.equal(problems.length === 0, !wrong);
  }
});

test("verifyArchive() fails as its digester does", async () => {
  const tar = tarFiles((await smallFiles()).files);
  const broken = new Error("no more entropy");
  const fail = () => {
    throw broken;
  };
  const digesters: CreateDigester[] = [
    fail,
    () => ({ update: fail, digest: () => ONES }),
    () => ({ update() {}, digest: fail }),
  ];
  for (const createDigester of digesters) {
    await assert.rejects(judge(tar, { createDigester }), (error) => error === broken);
  }
});

test("verifyArchive() keeps no chunk: its source may use it again", async () => {
  const tar = tarFiles((await smallFiles()).files);
  const chunk = new Uint8Array(1000);
  const chunks = function* () {
    for (const piece of chunked(tar, chunk.length)) {
      chunk.fill(0xaa);
      chunk.set(piece);
      yield chunk.subarray(0, piece.length);
    }
  };
  const { ok, problems } = await verifyArchive(streamOf(chunks()));
  assert.deepEqual([ok, problems], [true, []]);
});

test("verifyArchive() tells how far it is", async () => {
  const { files } = await smallFiles();
  const heard: { bytes: number; entry: string }[] = [];
  const { size } = await judge(tarFiles(files), { onProgress: (progress) => heard.push(progress) });
  assert.deepEqual(heard.map(({ entry }) => entry), [...files.keys()]);
  assert.ok(heard.every(({ bytes }, i) => bytes > (heard[i - 1]?.bytes ?? 0) && bytes < size));
});

test("verifyArchive() takes no manifest above maxManifestSize into memory", async () => {
  const { files, root } = await smallFiles();
  const tar = tarFiles(files);
  assert.equal((await judge(tar, { maxManifestSize: root.size })).ok, true);
  const { problems } = await judge(tar, { maxManifestSize: root.size - 1 });
  assert.equal(
    lines(problems)[0],
    `document ${root.digest}: index.json says it is a manifest, it is not: Cannot go on with ` +
      `blob ${root.digest} of ${root.size} bytes: over the limit maxManifestSize = ` +
      `${root.size - 1}; raise it if this is meant`,
  );
});

test("verifyArchive() fails as its stream does", async () => {
  const tar = tarFiles((await smallFiles()).files);
  const broken = new Error("the connection broke");
  const chunks = function* () {
    yield tar.subarray(0, 1000);
    throw broken;
  };
  await assert.rejects(() => verifyArchive(streamOf(chunks())), (error: Error) => {
    assert.equal(error.cause, broken);
    assert.match(error.message, /the connection broke$/);
    return true;
  });
});

test("verifyArchive() rejects with the reason of its signal, and cancels the stream", async () => {
  const tar = tarFiles((await smallFiles()).files);
  for (const pieces of [[], [tar.subarray(0, 100)], [tar.subarray(0, 1000)]]) {
    const controller = new AbortController();
    const reason = new Error("enough");
    let cancelled: unknown;
    const archive = stalledStream(pieces, (reason) => cancelled = reason);
    const call = verifyArchive(archive, { signal: controller.signal });
    await macrotask();
    controller.abort(reason);
    await assert.rejects(call, (error) => error === reason);
    assert.equal(cancelled, reason);
  }
  const aborted = AbortSignal.abort(new Error("never"));
  await assert.rejects(() => judge(tar, { signal: aborted }), /never/);
});
