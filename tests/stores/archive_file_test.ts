import { test } from "node:test";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { exportArchive, InvalidTarError, MediaType, MemoryStore } from "../../mod.ts";
import { ArchiveFileStore } from "../../src/stores/archive_file.ts";
import { describeStore, type StoreContents } from "../contracts/store.ts";
import { archiveFiles, tarFiles } from "../helpers/archive_files.ts";
import { collect, concat, equal, noise, utf8 } from "../helpers/bytes.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage } from "../helpers/image.ts";
import { tagged } from "../helpers/layout_folder.ts";
import { startServer } from "../helpers/server.ts";
import { base256, paxEntry, rawHeader, tarEntry, tarOf } from "../helpers/tar.ts";

const ABILITIES = ["exists", "resolve", "roots", "referrers"] as const;
const LAYOUT = tarEntry("oci-layout", '{"imageLayoutVersion":"1.0.0"}');

/** The contents as a tar that some other tool may have written. */
function tarOfContents({ blobs, roots }: StoreContents): Uint8Array<ArrayBuffer> {
  const manifests = roots.map(({ descriptor, tag }) => tag ? tagged(descriptor, tag) : descriptor);
  return tarFiles([
    ["oci-layout", utf8('{"imageLayoutVersion":"1.0.0"}')],
    ...blobs.map(({ descriptor: { digest }, bytes }) =>
      [`blobs/${digest.replace(":", "/")}`, bytes] as const
    ),
    ["index.json", utf8(JSON.stringify({ schemaVersion: 2, manifests }))],
  ]);
}

describeStore("ArchiveFileStore of a path", ABILITIES, async (contents) => {
  const folder = await mkdtemp(join(tmpdir(), "oci-archive-test-"));
  const path = join(folder, "image.tar");
  await writeFile(path, tarOfContents(contents));
  return { store: new ArchiveFileStore(path), close: () => rm(folder, { recursive: true }) };
});

describeStore("ArchiveFileStore of a Blob", ABILITIES, (contents) => ({
  store: new ArchiveFileStore(new Blob([tarOfContents(contents)])),
}));

describeStore("ArchiveFileStore of a URL", ABILITIES, async (contents) => {
  const tar = tarOfContents(contents);
  const { url, close } = await serve(ranges(() => ({ tar, etag: '"1"' })));
  return { store: new ArchiveFileStore(url), close };
});

/** A server that answers as it is told to, and a URL there with a secret in it. */
async function serve(listener: RequestListener): Promise<{ url: URL; close: () => void }> {
  const { origin, close } = await startServer(listener);
  return { url: new URL(`${origin}/image.tar?signature=secret`), close };
}

/** Answers ranges as RFC 9110 has it, with the entity tag of the moment. */
function ranges(now: () => { tar: Uint8Array; etag: string }): RequestListener {
  return ({ headers }, response) => {
    const { tar, etag } = now();
    // A weak tag matches nothing, not even itself.
    if (headers["if-match"] && (headers["if-match"] !== etag || etag.startsWith("W/"))) {
      return void response.writeHead(412).end();
    }
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range!)!;
    const [start, end] = [Number(from), Math.min(Number(to) + 1, tar.length)];
    if (start >= tar.length) return void response.writeHead(416).end();
    response.writeHead(206, { etag, "content-range": `bytes ${start}-${end - 1}/${tar.length}` });
    response.end(tar.subarray(start, end));
  };
}

/** A small image: its files, and its index.json with the tag 1.0. */
async function taggedImage() {
  const memory = new MemoryStore();
  const { manifest, layers } = await addImage(memory, { layers: [noise(100_000)] });
  const root = { descriptor: manifest, names: ["docker.io/library/app:1.0"] };
  return { files: await archiveFiles(memory, [root]), manifest, layer: layers[0]!, memory, root };
}

test("an archive read by the store is exported again to the same bytes", async () => {
  const memory = new MemoryStore();
  const sha512 = await memory.add(MediaType.ImageLayer, utf8("by another hash"), "sha512");
  const { layers } = await addImage(memory, { layers: [noise(2_500_000), ""] });
  const { manifest } = await addImage(memory, { fields: { layers: [...layers, sha512] } });
  const names = ["docker.io/library/app:1.0"];
  const archive = await collect(exportArchive(memory, [{ descriptor: manifest, names }]));
  const server = await serve(ranges(() => ({ tar: archive, etag: '"1"' })));
  try {
    await inFolder(async (folder) => {
      const path = join(folder, "größe 100%.tar");
      await writeFile(path, archive);
      const bytes = archive as Uint8Array<ArrayBuffer>;
      const urls = [pathToFileURL(path), server.url];
      for (const from of [path, ...urls, ...urls.map(String), new Blob([bytes])]) {
        const store = new ArchiveFileStore(from);
        const [root] = await store.roots();
        assert.equal((await store.resolve("1.0")).digest, manifest.digest);
        const { mediaType, digest, size } = root!;
        const again = exportArchive(store, [{ descriptor: { mediaType, digest, size }, names }]);
        assert.ok(equal(await collect(again), archive), String(from));
      }
    });
  } finally {
    server.close();
  }
});

const OTHERS: [what: string, write: (name: string, body: Uint8Array) => Uint8Array][] = [
  ["./ before names", (name, body) => tarEntry(`./${name}`, body)],
  ["PAX paths", (name, body) => concat([paxEntry({ path: name }), tarEntry("short", body)])],
  [
    "PAX sizes",
    (name, body) =>
      concat([paxEntry({ size: String(body.length) }), tarEntry(name, body, { size: "0" })]),
  ],
  ["base-256 sizes", (name, body) => tarEntry(name, body, { size: base256(body.length, 12) })],
  ["GNU's magic", (name, body) => tarEntry(name, body, { magic: "ustar  \0" })],
  ["V7 headers", (name, body) => tarEntry(name, body, { magic: "\0".repeat(8), type: "\0" })],
  ["prefixes", (name, body) => {
    const slash = name.lastIndexOf("/");
    return slash < 0
      ? tarEntry(name, body)
      : tarEntry(name.slice(slash + 1), body, { prefix: name.slice(0, slash) });
  }],
];
for (const [what, write] of OTHERS) {
  test(`a tar with ${what} is read`, async () => {
    const { files, manifest, layer, memory } = await taggedImage();
    const entries = Array.from(files, ([name, body]) => write(name, body));
    const folders = ["./", "blobs/"].map((name) => tarEntry(name, "", { type: "5" }));
    const store = new ArchiveFileStore(new Blob([tarOf(...folders, ...entries)]));
    assert.equal((await store.resolve("1.0")).digest, manifest.digest);
    assert.ok(equal(await collect(await store.open(layer)), await memory.open(layer)));
  });
}

const REFUSED: [what: string, tar: Uint8Array<ArrayBuffer>, message: RegExp][] = [
  ["nothing", new Uint8Array(), /at byte 0: it ends before the trailer; it was cut short$/],
  ["a tar without its trailer", LAYOUT, /at byte 1024: it ends before the trailer/],
  ["half a header", concat([LAYOUT, rawHeader({}).slice(0, 99)]), /at byte 1024: .* a header;/],
  [
    "a tar that is cut short in a body",
    rawHeader({ name: "oci-layout", size: "00000010000" }),
    /at byte 4608: it ends before the trailer; it was cut short$/,
  ],
  ["duplicates", tarOf(LAYOUT, LAYOUT), /at byte 1024: it has oci-layout twice$/],
  [
    "duplicates by ./",
    tarOf(LAYOUT, tarEntry("./oci-layout")),
    /at byte 1024: it has oci-layout twice$/,
  ],
  [
    "what is compressed by gzip",
    concat([new Uint8Array([0x1f, 0x8b]), noise(600)]),
    /at byte 0: it is compressed with gzip; decompress it first$/,
  ],
  [
    "what is compressed by zstd",
    concat([new Uint8Array([0x28, 0xb5, 0x2f, 0xfd]), noise(600)]),
    /at byte 0: it is compressed with zstd; decompress it first$/,
  ],
  ["what is no tar", concat([utf8("x".repeat(512))]), /checksum is wrong: this is no tar,/],
];
for (const [what, tar, message] of REFUSED) {
  test(`${what} is refused`, async () => {
    const store = new ArchiveFileStore(new Blob([tar]));
    const descriptor = { mediaType: "", digest: `sha256:${"0".repeat(64)}`, size: 1 };
    for (const call of [() => store.roots(), () => store.open(descriptor)]) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof InvalidTarError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });
}

test("a tar of too many entries is refused", async () => {
  const { files } = await taggedImage();
  const tar = new Blob([tarFiles(files)]);
  const folders = tarEntry("folder/", "", { type: "5" });
  assert.ok(await new ArchiveFileStore(tar, { maxEntries: files.size }).roots());
  for (const more of [folders, tarEntry("file", "")]) {
    const store = new ArchiveFileStore(new Blob([more, tar]), { maxEntries: files.size });
    await assert.rejects(() => store.roots(), {
      name: "LimitError",
      limit: "maxEntries",
      max: files.size,
      message: `Cannot go on with the Blob: over the limit maxEntries = ${files.size}; ` +
        "raise it if this is meant",
    });
  }
});

test("an index.json as large as maxIndexSize is read, and one byte more is refused", async () => {
  const { files } = await taggedImage();
  const tar = new Blob([tarFiles(files)]);
  const { length } = files.get("index.json")!;
  assert.equal((await new ArchiveFileStore(tar, { maxIndexSize: length }).roots()).length, 1);
  const strict = new ArchiveFileStore(tar, { maxIndexSize: length - 1 });
  await assert.rejects(() => strict.roots(), {
    name: "LimitError",
    limit: "maxIndexSize",
    max: length - 1,
  });
});

for (
  const [name, least] of [["maxIndexSize", 0], ["maxEntries", 0], ["stallTimeout", 1]] as const
) {
  test(`the constructor takes a good ${name}, and refuses another by its name`, () => {
    for (const good of [undefined, least, Infinity]) {
      new ArchiveFileStore("image.tar", { [name]: good });
    }
    for (const bad of [least - 1, NaN, "1" as unknown as number]) {
      assert.throws(() => new ArchiveFileStore("image.tar", { [name]: bad }), (error) => {
        assert.ok(error instanceof RangeError);
        assert.ok(error.message.startsWith(`Cannot use ${name} ${bad}: expected `), error.message);
        return true;
      });
    }
  });
}

test("a path that leads to no file is told", () =>
  inFolder(async (folder) => {
    const [missing, pipe] = [join(folder, "missing"), join(folder, "pipe")];
    execFileSync("mkfifo", [pipe]);
    const writer = openSync(pipe, "r+");
    const file = join(folder, "file");
    await writeFile(file, "");
    const found: [path: string | URL, why: string][] = [
      [missing, "there is no such file; check the path"],
      [join(file, "below"), "there is no such file; check the path"],
      [pathToFileURL(missing), "there is no such file; check the path"],
      [folder, "it is a directory; a layout is read as one by LayoutStore (oci:DIR)"],
      [pipe, "it is a pipe, which can be read only once; save it as a file first"],
    ];
    try {
      for (const [path, why] of found) {
        await assert.rejects(() => new ArchiveFileStore(path).roots(), {
          name: "BlobReadError",
          message: `Cannot read ${path}: ${why}`,
        });
      }
      await assert.rejects(() => new ArchiveFileStore(join(folder, "x".repeat(300))).roots(), {
        name: "BlobReadError",
        message: /^Cannot read .*x: .*too long/i,
      });
    } finally {
      closeSync(writer);
    }
  }));

test("a URL that names no archive is wrong use", async () => {
  assert.throws(() => new ArchiveFileStore(new URL("ftp://user:secret@127.0.0.1/image.tar")), {
    name: "TypeError",
    message: "Cannot read an archive from a ftp: URL: expected file:, http: or https:",
  });
  // An encoded slash in a file's name has no meaning: nobody knows where it would lead.
  const store = new ArchiveFileStore(new URL("file:///tmp/a%2fb"));
  await assert.rejects(() => store.roots(), { name: "TypeError" });
});

test("a URL that is none is refused without showing it, which may hold secrets", () => {
  assert.throws(() => new ArchiveFileStore("https://me:s3cret@a test/x?sig=s3cret"), (error) => {
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /expected one such as https:/);
    assert.doesNotMatch(inspect(error), /s3cret/);
    return true;
  });
});

test("a stream out of a Blob that is cancelled before it is read has opened nothing", async () => {
  const { files, layer } = await taggedImage();
  const blob = new Blob([tarFiles(files)]);
  let opened = 0;
  const slice = blob.slice.bind(blob);
  blob.slice = (...range) => {
    const part = slice(...range);
    const stream = part.stream.bind(part);
    part.stream = () => {
      opened++;
      return stream();
    };
    return part;
  };
  const store = new ArchiveFileStore(blob);
  await store.roots();
  opened = 0;
  const open = async () => (await store.open(layer) as ReadableStream<Uint8Array>).getReader();
  await (await open()).cancel();
  assert.equal(opened, 0);
  const reader = await open();
  await reader.read();
  await reader.cancel();
  assert.equal(opened, 1);
});

test("a tar that is no layout is refused", async () => {
  const store = new ArchiveFileStore(new Blob([tarOf(tarEntry("file", "hello"))]));
  await assert.rejects(() => store.roots(), {
    name: "InvalidLayoutError",
    message: "Cannot read the Blob as an OCI image layout: oci-layout is missing",
  });
});

test("a File is called by its name where it cannot be read", async () => {
  const file = new File([tarOf(tarEntry("file", "hello"))], "image.tar");
  await assert.rejects(() => new ArchiveFileStore(file).roots(), {
    message: "Cannot read image.tar as an OCI image layout: oci-layout is missing",
  });
});

const INSTEAD: [what: string, tar: Uint8Array<ArrayBuffer>, why: string][] = [
  [
    "as podman save makes it",
    tarOf(tarEntry("manifest.json", "[]"), tarEntry("repositories", "{}")),
    "this is what podman save and docker save before 25 make; save with --format oci-archive, or " +
    "convert it by skopeo copy docker-archive:FILE oci-archive:NEW",
  ],
  [
    "with the layout in a folder",
    tarOf(tarEntry("./some/folder/oci-layout", "{}"), tarEntry("some/folder/index.json", "{}")),
    'it is in the folder "some/folder/"; make the tar in that folder (tar -C)',
  ],
];
for (const [what, tar, why] of INSTEAD) {
  test(`a tar ${what} is refused with how to go on`, async () => {
    await assert.rejects(() => new ArchiveFileStore(new Blob([tar])).roots(), {
      name: "InvalidLayoutError",
      file: "oci-layout",
      message: `Cannot read the Blob as an OCI image layout: oci-layout is missing: ${why}`,
    });
  });
}

for (
  const [type, what, flag] of [
    ["1", "hard", "--hard-dereference"],
    ["2", "symbolic", "--dereference"],
  ] as const
) {
  test(`a ${what} link where a blob should be is refused as one, and is not missing`, async () => {
    const { files, layer } = await taggedImage();
    const path = `blobs/${layer.digest.replace(":", "/")}`;
    files.delete(path);
    const link = tarEntry(`./${path}`, "", { type, linkName: "elsewhere" });
    const others = Array.from(files, ([name, body]) => tarEntry(name, body));
    const store = new ArchiveFileStore(new Blob([tarOf(link, ...others)]));
    assert.equal((await store.roots()).length, 1);
    assert.equal(await store.exists(layer), true);
    await assert.rejects(() => store.open(layer), {
      name: "InvalidTarError",
      offset: link.length - 512,
      message: new RegExp(`: ${path} is a ${what} link, not a file; .* by tar ${flag}$`),
    });
  });
}

test("a blob of another size than its descriptor's is refused before it is read", async () => {
  const { files, layer } = await taggedImage();
  const store = new ArchiveFileStore(new Blob([tarFiles(files)]));
  await assert.rejects(() => store.open({ ...layer, size: 99_999 }), {
    name: "SizeMismatchError",
    expected: 99_999,
    actual: 100_000,
  });
});

const ANSWERS: [what: string, listener: RequestListener, message: string][] = [
  [
    "without ranges",
    (_, response) => void response.end("the whole tar"),
    "it answers without the range that was asked for; download it first",
  ],
  [
    "with another range",
    (_, response) => void response.writeHead(206, { "content-range": "bytes 5-9/10" }).end("hello"),
    "it answers without the range that was asked for; download it first",
  ],
  [
    "with less than the range",
    (_, response) =>
      void response.writeHead(206, { "content-range": "bytes 0-511/99999" })
        .end(new Uint8Array(512)),
    "it answers with less than the range that was asked for; download it first",
  ],
  [
    "with one byte less than the range",
    (_, response) =>
      void response.writeHead(206, { "content-range": "bytes 0-65534/99999" })
        .end(new Uint8Array(65_535)),
    "it answers with less than the range that was asked for; download it first",
  ],
  [
    "with more than the range",
    (_, response) =>
      void response.writeHead(206, { "content-range": "bytes 0-99999/100000" })
        .end(new Uint8Array(100_000)),
    "it answers with more than was asked for",
  ],
  ["404", (_, response) => void response.writeHead(404).end(), "it answered 404 Not Found"],
];
for (const [what, listener, message] of ANSWERS) {
  test(`a server that answers ${what} is refused, without its query`, async () => {
    const { url, close } = await serve(listener);
    try {
      await assert.rejects(() => new ArchiveFileStore(url).roots(), {
        name: "BlobReadError",
        message: `Cannot read ${url.origin}/image.tar: ${message}`,
      });
    } finally {
      close();
    }
  });
}

test("a server that cannot be reached is told, without user and query", async () => {
  const { url, close } = await serve(() => {});
  close();
  url.username = "somebody";
  url.password = "hidden";
  const failing: typeof fetch = (input) => {
    const cause = new Error(`connect ${input}`);
    return Promise.reject(new TypeError("fetch failed", { cause }));
  };
  for (const options of [{}, { fetch: failing }]) {
    await assert.rejects(() => new ArchiveFileStore(url, options).roots(), (error: Error) => {
      assert.equal(error.name, "BlobReadError");
      const { message, stack, cause } = error;
      assert.ok(message.startsWith(`Cannot read ${url.origin}/image.tar: `), message);
      assert.ok(message.endsWith("; check the address, or try again"), message);
      assert.doesNotMatch(
        `${message} ${stack} ${(cause as Error).stack}`,
        /secret|hidden|somebody/,
      );
      return true;
    });
  }
});

test("a server that stalls is given up, before its answer and amid a blob", async () => {
  const { files, layer } = await taggedImage();
  const tar = tarFiles(files);
  const answer = ranges(() => ({ tar, etag: '"1"' }));
  let closed = 0;
  const { url, close } = await serve((request, response) => {
    const [from, to] = /(\d+)-(\d+)$/.exec(request.headers.range!)!.slice(1).map(Number);
    const isSilent = request.url!.startsWith("/silent");
    const isLayer = to! - from! === layer.size - 1;
    if (!isSilent && !isLayer) return answer(request, response);
    response.on("close", () => closed++);
    if (isSilent) return;
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/${tar.length}` });
    response.write(tar.subarray(from, from! + 50_000));
  });
  const options = { stallTimeout: 1000 };
  const why = "nothing came for 1 s";
  const before = async () => {
    const silent = new URL("/silent.tar", url);
    await assert.rejects(() => new ArchiveFileStore(silent, options).roots(), {
      name: "BlobReadError",
      message: `Cannot read ${silent}: ${why}; check the address, or try again`,
    });
  };
  const amid = async () => {
    const body = await new ArchiveFileStore(url, options).open(layer);
    await assert.rejects(() => collect(body), {
      name: "BlobReadError",
      message: `Cannot read ${url.origin}${url.pathname}: ${why}; try again`,
    });
  };
  try {
    await Promise.all([before(), amid()]);
    for (let waited = 0; closed < 2 && waited < 100; waited++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(closed, 2);
  } finally {
    close();
  }
});

test("a user in the URL is sent to its server, and to no other", async () => {
  const { files, manifest } = await taggedImage();
  const seen: [server: string, authorization: string | undefined][] = [];
  const tar = ranges(() => ({ tar: tarFiles(files), etag: '"1"' }));
  const other = await serve((request, response) => {
    seen.push(["other", request.headers.authorization]);
    tar(request, response);
  });
  const first = await serve((request, response) => {
    seen.push(["first", request.headers.authorization]);
    response.writeHead(302, { location: other.url.href }).end();
  });
  try {
    first.url.username = "us@er";
    first.url.password = "größe";
    const store = new ArchiveFileStore(first.url);
    assert.equal((await store.resolve("1.0")).digest, manifest.digest);
    const expected = `Basic ${Buffer.from("us@er:größe").toString("base64")}`;
    assert.deepEqual(seen.slice(0, 2), [["first", expected], ["other", undefined]]);
  } finally {
    first.close();
    other.close();
  }
});

test("a user with a % that is no escape is sent as it is, and a password goes without a user", async () => {
  for (const user of ["100%:secret", ":secret"]) {
    let sent: string | null = null;
    const fetch = (_: unknown, init?: RequestInit) => {
      sent = new Headers(init?.headers).get("authorization");
      return Promise.resolve(new Response(null, { status: 404 }));
    };
    const store = new ArchiveFileStore(`https://${user}@example.com/image.tar`, {
      fetch: fetch as typeof globalThis.fetch,
    });
    await assert.rejects(() => store.roots(), { name: "BlobReadError" });
    assert.equal(sent, `Basic ${btoa(user)}`);
  }
});

test("an answer that is refused is not read on", async () => {
  let cancelled = false;
  const body = new ReadableStream({ cancel: () => void (cancelled = true) });
  const store = new ArchiveFileStore("https://example.com/image.tar", {
    fetch: () => Promise.resolve(new Response(body)),
  });
  await assert.rejects(() => store.roots(), { name: "BlobReadError" });
  assert.ok(cancelled);
});

test("a tar on a server that ends where the next header should be was cut short", async () => {
  const { url, close } = await serve(ranges(() => ({ tar: LAYOUT, etag: '"1"' })));
  try {
    await assert.rejects(() => new ArchiveFileStore(url).roots(), {
      name: "InvalidTarError",
      message: /at byte 1024: it ends before the trailer/,
    });
  } finally {
    close();
  }
});

test("a tar that changes on its server while it is read is refused", async () => {
  const { files, layer } = await taggedImage();
  const tar = tarFiles(files);
  let etag = '"1"';
  const { url, close } = await serve(ranges(() => ({ tar, etag })));
  try {
    const store = new ArchiveFileStore(url);
    assert.equal((await collect(await store.open(layer))).length, 100_000);
    etag = '"2"';
    await assert.rejects(() => store.open(layer), {
      name: "BlobReadError",
      message: `Cannot read ${url.origin}/image.tar: ` +
        "it has changed while it was read; start again",
    });
  } finally {
    close();
  }
});

test("a server with weak entity tags only is read all the same", async () => {
  const { files, layer } = await taggedImage();
  const tar = tarFiles(files);
  const { url, close } = await serve(ranges(() => ({ tar, etag: 'W/"1"' })));
  try {
    const store = new ArchiveFileStore(url);
    await store.roots();
    assert.equal((await collect(await store.open(layer))).length, 100_000);
  } finally {
    close();
  }
});

test("reading the index ends once the last who waits for it has gone", async () => {
  const { files, layer } = await taggedImage();
  const tar = tarFiles(files);
  const { url, close } = await serve(ranges(() => ({ tar, etag: '"1"' })));
  type Call = (store: ArchiveFileStore, options: { signal: AbortSignal }) => unknown;
  // The headers take two requests.
  const calls: [stallsAt: number, call: Call][] = [
    [1, (store, options) => store.exists(layer, options)],
    [2, (store, options) => store.open(layer, options)],
    [3, (store, options) => store.roots(options)],
    [4, (store, options) => store.resolve("1.0", options)],
    [5, (store, options) => store.referrers(layer, options)],
  ];
  try {
    for (const [stallsAt, call] of calls) {
      const stalled = Promise.withResolvers<AbortSignal>();
      let count = 0;
      const fetch: typeof globalThis.fetch = (input, init) => {
        if (++count < stallsAt) return globalThis.fetch(input, init);
        const signal = init!.signal!;
        stalled.resolve(signal);
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      };
      const store = new ArchiveFileStore(url, { fetch });
      const [one, other] = [new AbortController(), new AbortController()];
      const waiting = [one, other].map(async ({ signal }) => await call(store, { signal }));
      const signal = await stalled.promise;
      one.abort(new Error("one"));
      await assert.rejects(waiting[0]!, { message: "one" });
      assert.ok(!signal.aborted);
      other.abort(new Error("other"));
      await assert.rejects(waiting[1]!, { message: "other" });
      assert.ok(signal.aborted);
    }
  } finally {
    close();
  }
});

test("requests go out by the fetch that was given, uncompressed and by range", async () => {
  const { files, layer } = await taggedImage();
  const tar = tarFiles(files);
  const asked: string[] = [];
  const fetch = (_: unknown, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    assert.equal(headers.get("accept-encoding"), "identity");
    assert.equal(headers.get("authorization"), null);
    const range = headers.get("range")!;
    asked.push(range);
    const [start, end] = range.slice("bytes=".length).split("-").map(Number) as [number, number];
    return Promise.resolve(
      new Response(tar.slice(start, end + 1), {
        status: 206,
        headers: { "content-range": `bytes ${start}-${end}/${tar.length}` },
      }),
    );
  };
  const store = new ArchiveFileStore(new URL("https://example.com/image.tar"), {
    fetch: fetch as typeof globalThis.fetch,
  });
  await store.exists(layer);
  assert.deepEqual(asked.slice(0, 1), ["bytes=0-65535"]);
  const headers = asked.length;
  await collect(await store.open(layer, { offset: 10, length: 20 }));
  await collect(await store.open(layer, { length: 0 }));
  assert.equal(asked.length, headers + 1);
  assert.match(asked.at(-1)!, /^bytes=(\d+)-(\d+)$/);
});

test("the headers of many small blobs come by few requests", async () => {
  const memory = new MemoryStore();
  const layers = Array.from({ length: 100 }, (_, i) => noise(1000, i));
  const { manifest } = await addImage(memory, { layers });
  const tar = await collect(exportArchive(memory, [manifest]));
  let requests = 0;
  const answer = ranges(() => ({ tar, etag: '"1"' }));
  const { url, close } = await serve((request, response) => {
    requests++;
    answer(request, response);
  });
  try {
    assert.ok(await new ArchiveFileStore(url).exists(manifest));
    const windows = Math.ceil(tar.length / 65_536);
    assert.ok(requests <= windows + 1, `${requests} requests for ${tar.length} bytes`);
  } finally {
    close();
  }
});

test("the constructor says what it expects where it gets neither path, URL nor Blob", () => {
  const wrong: [from: unknown, found: string][] = [
    ["", "an empty path"],
    [undefined, "undefined"],
    [5, "a number"],
    [{}, "an object of class Object"],
  ];
  for (const [from, found] of wrong) {
    assert.throws(() => new ArchiveFileStore(from as string), {
      name: "TypeError",
      message: `Cannot read an archive: expected a path, a URL or a Blob, found ${found}`,
    });
  }
  for (const from of ["ftp://example.com/app.tar", "s3://bucket/app.tar"]) {
    assert.throws(() => new ArchiveFileStore(from), {
      name: "TypeError",
      message: /^Cannot read an archive from an? \w+: URL: expected file:, http: or https:$/,
    });
  }
});
