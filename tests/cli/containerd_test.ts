import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exportArchive, MemoryStore } from "../../mod.ts";
import { collect, equal, noise } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage } from "../helpers/image.ts";
import { startFakeContainerd } from "../stores/containerd/fake_containerd.ts";

const NAME = "docker.io/library/app:1.0";

describe("containerd:NAME", () => {
  test("is the image of that name, where the variables that ctr reads say", () =>
    inFolder(async (folder) => {
      const memory = new MemoryStore();
      const { manifest, config, layers } = await addImage(memory, { layers: [noise(100_000)] });
      const blobs = await Promise.all([manifest, config, ...layers].map(async (descriptor) => ({
        descriptor,
        bytes: await memory.open(descriptor),
      })));
      const fake = await startFakeContainerd({ blobs, images: [{ name: NAME, target: manifest }] });
      try {
        const output = join(folder, "app.tar");
        const env = { CONTAINERD_ADDRESS: fake.address, CONTAINERD_NAMESPACE: "of-tests" };
        const { status, stderr } = await command(["export", `containerd:${NAME}`, "-o", output], {
          env,
        });
        assert.deepEqual([status, stderr], [0, ""]);
        assert.deepEqual(new Set(fake.namespaces), new Set(["of-tests"]));
        const expected = exportArchive(memory, [{ descriptor: manifest, names: [NAME] }]);
        assert.ok(equal(await readFile(output), await collect(expected)));

        const nothing = await command(["inspect", "containerd:nothing"], { env });
        assert.deepEqual([nothing.status, nothing.stdout.length], [1, 0]);
        assert.match(nothing.stderr, /^oci-archive: Cannot find "nothing": .*app:1\.0"\n$/);
      } finally {
        await fake.stop();
      }
    }));

  test("fails in one line where there is no containerd", () =>
    inFolder(async (folder) => {
      const output = join(folder, "app.tar");
      const env = { CONTAINERD_ADDRESS: join(folder, "sock") };
      const { status, stderr } = await command(["export", "containerd:app", "-o", output], { env });
      assert.equal(status, 1);
      assert.match(stderr, /^oci-archive: Cannot ask containerd at .*sock: .*does it run.*\n$/);
      assert.equal(existsSync(output), false);
    }));

  test("without a name is wrong usage", async () => {
    const { status, stderr } = await command(["export", "containerd:", "-o", "/dev/null"]);
    assert.equal(status, 2);
    assert.match(stderr, /containerd:NAME/);
  });
});
