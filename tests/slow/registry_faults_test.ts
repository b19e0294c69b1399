import { test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { exportArchive } from "../../mod.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import { RegistryStore } from "../../src/stores/registry/registry.ts";
import { collect, noise, sha256 } from "../helpers/bytes.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { lacks } from "../helpers/program.ts";
import { push, startDockerRegistry } from "../stores/registry/docker_registry.ts";
import { FaultProxy } from "../stores/registry/fault_proxy.ts";

const LAYERS = [8 << 20, 1 << 20, 300_000, 70_000, 4096, 1, 0].map((size, i) => noise(size, i + 1));

test("an export comes through any faults whatever", {
  skip: lacks("docker-registry", "oras"),
}, () =>
  inFolder(async (folder) => {
    const layout = new LayoutFolder(join(folder, "layout"));
    const { manifest } = await addImage(layout, { layers: LAYERS });
    await layout.list([manifest]);
    const expected = await sha256(
      await collect(exportArchive(new LayoutStore(layout.path), [manifest])),
    );
    const registry = await startDockerRegistry(folder, { storage: join(folder, "storage") });
    const faults = fc.record({
      cut: fc.double({ min: 0, max: 0.7, noNaN: true }),
      stall: fc.double({ min: 0, max: 0.2, noNaN: true }),
      busy: fc.boolean(),
      ignoreRange: fc.boolean(),
      noLength: fc.boolean(),
      redirect: fc.boolean(),
      latency: fc.nat(20),
    });
    const options = fc.record({
      concurrency: fc.integer({ min: 1, max: 12 }),
      lookAhead: fc.nat(12),
      maxAhead: fc.nat(4 << 20),
    });
    try {
      await push(layout.path, manifest.digest, { to: `${registry.host}/team/app` });
      await fc.assert(
        fc.asyncProperty(faults, options, fc.nat(), async (faults, options, seed) => {
          const proxy = await FaultProxy.start(registry.host, seed);
          proxy.faults = faults;
          try {
            const store = new RegistryStore(`${proxy.host}/team/app`, {
              ...options,
              minDelay: 2,
              maxDelay: 50,
              maxAttempts: 100,
              stallTimeout: 300,
              maxDiscard: 1 << 30,
            });
            const archive = await collect(exportArchive(store, [await store.resolve()]));
            assert.equal(await sha256(archive), expected);
          } finally {
            await proxy.stop();
          }
        }),
        { numRuns: 30 },
      );
    } finally {
      await registry.stop();
    }
  }));
