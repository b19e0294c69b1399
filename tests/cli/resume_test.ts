import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type ArchivePlan,
  type Descriptor,
  MediaType,
  planArchive,
  type Progress,
} from "../../mod.ts";
import { PartialFile } from "../../src/cli/partial_file.ts";
import { type Resume, resumeExport } from "../../src/cli/resume.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import { collect, noise, text } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { stalledStream } from "../helpers/streams.ts";

/** A layout with an image of two layers, its archive, and where that is to go. */
interface Case {
  layout: LayoutFolder;
  plan: ArchivePlan;
  archive: Uint8Array;
  file: string;
  /** The entry of the larger layer, wherever its digest puts it. */
  layer: ArchivePlan["entries"][number] & { descriptor: Descriptor };
  go(options?: Partial<Resume>): Promise<void>;
  /** What FILE holds, or FILE.part. */
  read(suffix?: string): Promise<Uint8Array>;
}

async function inCase(test: (it: Case) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const layout = new LayoutFolder(join(folder, "layout"));
    const { manifest } = await addImage(layout, { layers: [noise(300_000), noise(2000, 2)] });
    await layout.list([manifest]);
    const store = new LayoutStore(layout.path);
    const plan = await planArchive(store, [manifest]);
    const file = join(folder, "image.tar");
    const layer = plan.entries.find(({ size }) => size === 300_000)!;
    await test({
      layout,
      plan,
      archive: await collect(plan.stream()),
      file,
      layer: { ...layer, descriptor: layer.descriptor! },
      go: (options) =>
        resumeExport(file, {
          store,
          plan,
          signal: new AbortController().signal,
          onProgress: () => {},
          ...options,
        }),
      read: async (suffix = "") => new Uint8Array(await readFile(file + suffix)),
    });
  });
}

describe("resumeExport()", () => {
  test("makes the archive from whatever part of it is there", async () => {
    await inCase(async ({ archive, plan, layer, file, go, read }) => {
      const edges = plan.entries.flatMap(({ offset, bodyOffset }) => [offset, bodyOffset]);
      const cuts = [
        ...edges.flatMap((edge) => [edge - 1, edge, edge + 1]),
        layer.bodyOffset + 150_000,
        layer.bodyOffset + 299_999,
        layer.bodyOffset + 300_000,
        layer.bodyOffset + 300_001,
        archive.length - 1,
        archive.length,
      ];
      for (const cut of cuts.filter((cut) => cut >= 0)) {
        await writeFile(`${file}.part`, archive.subarray(0, cut));
        await go();
        assert.deepEqual(await read(), archive, `cut at ${cut}`);
      }
    });
  });

  test("reads no blob again that is there", async () => {
    await inCase(async ({ layout, archive, layer, file, go, read }) => {
      await writeFile(`${file}.part`, archive.subarray(0, layer.bodyOffset + 300_032));
      await rm(layout.file(layer.descriptor));
      await go();
      assert.deepEqual(await read(), archive);
    });
  });

  test("reads of a blob that is cut only the rest", async () => {
    await inCase(async ({ layout, archive, layer, file, go, read }) => {
      await writeFile(`${file}.part`, archive.subarray(0, layer.bodyOffset + 200_000));
      const bytes = archive.slice(layer.bodyOffset, layer.bodyOffset + 300_000);
      bytes.fill(0, 0, 200_000);
      await chmod(layout.file(layer.descriptor), 0o644);
      await writeFile(layout.file(layer.descriptor), bytes);
      await go();
      assert.deepEqual(await read(), archive);
    });
  });

  for (
    const [place, end, at] of [
      ["in the blob that it ends in", 200_000, 1000],
      ["in a blob before", 300_000 + 512, 1000],
      ["in a header", 300_000 + 512, -500],
      ["in the header of the blob that it ends in", 200_000, -500],
      ["in the zeros behind a blob", 300_000 + 512, 300_000],
    ] as const
  ) {
    test(`makes the archive where the part is damaged ${place}`, async () => {
      await inCase(async ({ archive, layer, file, go, read }) => {
        const part = archive.slice(0, layer.bodyOffset + end);
        part[layer.bodyOffset + at]! ^= 1;
        await writeFile(`${file}.part`, part);
        await go();
        assert.deepEqual(await read(), archive);
      });
    });
  }

  test("makes the archive where the part is another file, even a longer one", async () => {
    await inCase(async ({ archive, file, go, read }) => {
      await writeFile(`${file}.part`, noise(archive.length + 5000, 9));
      await go();
      assert.deepEqual(await read(), archive);
    });
  });

  test("makes the archive where all is there but the zeros at its end are none", async () => {
    await inCase(async ({ archive, file, go, read }) => {
      const part = archive.slice();
      part[part.length - 1]! ^= 1;
      await writeFile(`${file}.part`, part);
      await go();
      assert.deepEqual(await read(), archive);
    });
  });

  test("tells how far the whole is, with what was there", async () => {
    await inCase(async ({ archive, layer, file, go }) => {
      const there = layer.bodyOffset + 200_000;
      await writeFile(`${file}.part`, archive.subarray(0, there));
      const told: Progress[] = [];
      await go({ onProgress: (progress) => void told.push(progress) });
      assert.ok(told.every(({ bytes, total }) => bytes > there && total === archive.length));
      assert.equal(told.at(-1)!.bytes, archive.length);
      assert.equal(told[0]!.entry, layer.name);
    });
  });

  test("rejects with an abort's reason, and leaves the part as it is and to others", async () => {
    await inCase(async ({ archive, layer, file, go, read }) => {
      const part = archive.subarray(0, layer.bodyOffset + 300_000 + 512);
      await writeFile(`${file}.part`, part);
      await assert.rejects(go({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
      assert.deepEqual(await read(".part"), part);
      await go();
      assert.deepEqual(await read(), archive);
    });
  });

  test("goes on after an abort under way", async () => {
    await inCase(async ({ archive, go, read }) => {
      const stop = new AbortController();
      const onProgress = () => stop.abort(new Error("enough"));
      await assert.rejects(go({ signal: stop.signal, onProgress }), /enough/);
      await assert.rejects(read(".part.lock"), { code: "ENOENT" });
      await go();
      assert.deepEqual(await read(), archive);
    });
  });

  test("takes no blob for damaged whose reading is aborted", async () => {
    await inCase(async ({ archive, plan, layer, file }) => {
      await writeFile(`${file}.part`, archive);
      const stop = new AbortController();
      const partial = new PartialFile(`${file}.part`, plan);
      const open = partial.open.bind(partial);
      partial.open = async (start, end, signal) => {
        if (start !== layer.bodyOffset) return await open(start, end, signal);
        stop.abort(new Error("enough"));
        return stalledStream();
      };
      await assert.rejects(partial.verify(archive.length, stop.signal), /enough/);
    });
  });

  test("fails where the blob is damaged in the store, and keeps what is right", async () => {
    await inCase(async ({ layout, archive, layer, file, go, read }) => {
      await writeFile(`${file}.part`, archive.subarray(0, layer.bodyOffset + 200_000));
      await chmod(layout.file(layer.descriptor), 0o644);
      await writeFile(layout.file(layer.descriptor), noise(300_000, 5));
      await assert.rejects(go(), { name: "DigestMismatchError" });
      const part = await read(".part");
      assert.ok(part.length >= layer.offset && part.length < layer.bodyOffset + 300_000);
      assert.deepEqual(part.subarray(0, layer.offset), archive.subarray(0, layer.offset));
    });
  });
});

describe("oci-archive export --resume", () => {
  test("leaves FILE.part when it fails, goes on with it, and leaves only FILE", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(join(folder, "layout"));
      const missing = {
        mediaType: MediaType.ImageLayer,
        digest: `sha256:${"f".repeat(64)}`,
        size: 3,
      };
      const image = await addImage(layout, { layers: [noise(300_000)] });
      const { manifest } = await addImage(layout, {
        layers: [],
        fields: { layers: [...image.layers, missing] },
      });
      await layout.list([manifest]);
      const out = join(folder, "out.tar");
      const args = ["export", `oci:${layout.path}`, "--resume", "-o", out];
      const failed = await command(args);
      assert.equal(failed.status, 1);
      assert.match(failed.stderr, /^oci-archive: Cannot find blob sha256:f+ in .+\n$/);
      assert.deepEqual((await readdir(folder)).sort(), ["layout", "out.tar.part"]);

      const { manifest: whole } = await addImage(layout, { layers: [noise(300_000)] });
      await layout.list([whole]);
      assert.equal((await command(args)).status, 0);
      assert.deepEqual((await readdir(folder)).sort(), ["layout", "out.tar"]);
      const plan = await planArchive(new LayoutStore(layout.path), [whole]);
      assert.deepEqual(new Uint8Array(await readFile(out)), await collect(plan.stream()));
    });
  });

  test("needs a file", async () => {
    const { status, stdout, stderr } = await command(["export", "oci:none", "--resume"]);
    assert.deepEqual([status, text(stdout)], [2, ""]);
    assert.match(stderr, /--resume needs -o FILE/);
  });
});
