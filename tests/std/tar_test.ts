import { test } from "node:test";
import assert from "node:assert/strict";
import { type ArchivePlan, planArchive } from "../../mod.ts";
import { collect, sha256 } from "../helpers/bytes.ts";
import { blobEntries, imageOf, smallImage } from "../helpers/plans.ts";
import { reachable, without } from "./reachable.ts";

const std = await reachable(() => import("@std/tar"));
const skip = without(std, "@std/tar");

test("UntarStream reads our archive", { skip }, async () => {
  const { memory, root } = await imageOf(0, 1, 511, 512, 513, 300_000);
  const plan = await planArchive(memory, [root]);
  assert.deepEqual(await untar(plan.stream()), await contents(plan));
});

test("TarStream takes our entries, and what it writes reads as ours", { skip }, async () => {
  const { memory, root } = await imageOf(0, 1, 512, 300_000);
  const plan = await planArchive(memory, [root]);
  const archive = tar(plan);
  assert.deepEqual(await untar(archive), await contents(plan));
});

test("TarStream cannot write the name of a sha512 blob, which we can", { skip }, async () => {
  const { memory, root } = await smallImage();
  const plan = await planArchive(memory, [root]);
  assert.ok(blobEntries(plan).some(({ name }) => name.length > 100));
  const archive = tar(plan);
  await assert.rejects(collect(archive));
});

type Contents = Record<string, { mode: number; body?: string }>;

/** An entry as UntarStream gives it; where @std/tar does not resolve, its types are not there. */
interface Untarred {
  path: string;
  header: { mode: number };
  readable?: ReadableStream<Uint8Array>;
}

/** What UntarStream finds. */
async function untar(archive: ReadableStream<Uint8Array>): Promise<Contents> {
  const found: Contents = {};
  const entries: ReadableStream<Untarred> = archive.pipeThrough(new std!.UntarStream());
  for await (const { path, header, readable } of entries) {
    found[path] = { mode: header.mode, body: readable && await sha256(await collect(readable)) };
  }
  return found;
}

/** What it should find. */
async function contents(plan: ArchivePlan): Promise<Contents> {
  const expected: Contents = {};
  for (const { name, type, mode, bodyOffset: start, size } of plan.entries) {
    const body = await collect(plan.stream({ start, end: start + size }));
    expected[name] = { mode, body: type === "file" ? await sha256(body) : undefined };
  }
  return expected;
}

/** The plan's entries through TarStream. */
function tar(plan: ArchivePlan): ReadableStream<Uint8Array> {
  return ReadableStream.from(inputs(plan)).pipeThrough(new std!.TarStream());
}

/** The plan's entries as TarStream takes them. */
function* inputs(plan: ArchivePlan) {
  for (const { name: path, type, mode, bodyOffset: start, size } of plan.entries) {
    const options = { mode, mtime: 0 };
    if (type === "directory") yield { type, path, options };
    else {
      const readable = plan.stream({ start, end: start + size });
      yield { type, path, size, readable, options };
    }
  }
}
