import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ArchivePlan,
  type Descriptor,
  DigestMismatchError,
  exportArchive,
  planArchive,
} from "../../../mod.ts";
import { LayoutStore } from "../../../src/stores/layout.ts";
import { RegistryStore } from "../../../src/stores/registry/registry.ts";
import { collect, drain, noise, sha256 } from "../../helpers/bytes.ts";
import { addImage } from "../../helpers/image.ts";
import { LayoutFolder } from "../../helpers/layout_folder.ts";
import { lacks } from "../../helpers/program.ts";
import { type DockerRegistry, push, startDockerRegistry } from "./docker_registry.ts";
import { FaultProxy, type Faults } from "./fault_proxy.ts";

const USER = { username: "user", password: "s3cret" };
const AUTHORIZATION = `Basic ${btoa("user:s3cret")}`;
const LAYERS = [12 << 20, 2 << 20, 200_000, 65_536, 65_537, 1000, 1, 0].map((size, i) =>
  noise(size, i + 1)
);
const SIZE = LAYERS.reduce((size, layer) => size + layer.length, 0);
const skip = lacks("docker-registry", "oras", "htpasswd");

const CUT: Faults = { cut: 0.7 };
const BUSY: Faults = { busy: true };
const STALL: Faults = { stall: 0.3 };
const NO_RANGE: Faults = { ignoreRange: true };
const NO_LENGTH: Faults = { noLength: true };
const REDIRECT: Faults = { redirect: true };
const LATENCY: Faults = { latency: 50 };

const CASES: [name: string, faults: Faults][] = [
  ["nothing wrong", {}],
  ["70 % of blobs cut", CUT],
  ["every third request 503 or 429", BUSY],
  ["Range ignored", NO_RANGE],
  ["stalls", STALL],
  ["no Content-Length", NO_LENGTH],
  ["redirects to another host", REDIRECT],
  ["50 ms of latency", LATENCY],
  ["cuts and 503s", { ...CUT, ...BUSY }],
  ["cuts without Range", { ...CUT, ...NO_RANGE }],
  ["cuts without Content-Length", { ...CUT, ...NO_LENGTH }],
  ["cuts behind redirects", { ...CUT, ...REDIRECT }],
  ["cuts and 503s behind redirects with latency", { ...CUT, ...BUSY, ...REDIRECT, ...LATENCY }],
  ["stalls and 503s without Content-Length", { ...STALL, ...BUSY, ...NO_LENGTH }],
  ["all at once", {
    ...{ ...BUSY, ...NO_LENGTH, ...REDIRECT, ...LATENCY },
    ...{ cut: 0.5, stall: 0.2 },
  }],
  ["all at once, without Range", {
    ...{ ...BUSY, ...NO_LENGTH, ...REDIRECT, ...NO_RANGE },
    ...{ cut: 0.5, stall: 0.1 },
  }],
];

describe("through faults", { skip }, () => {
  let folder: string;
  let registry: DockerRegistry;
  let root: Descriptor;
  let plan: ArchivePlan;
  let expected: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "oci-archive-faults-"));
    const storage = join(folder, "storage");
    const open = await startDockerRegistry(folder, { storage });
    const layout = new LayoutFolder(join(folder, "layout"));
    root = (await addImage(layout, { layers: LAYERS })).manifest;
    await layout.list([root]);
    await push(layout.path, root.digest, { to: `${open.host}/team/app` });
    await open.stop();
    registry = await startDockerRegistry(folder, { storage, htpasswd: USER });
    plan = await planArchive(new LayoutStore(layout.path), [root]);
    expected = await sha256(await collect(plan.stream()));
  });

  after(async () => {
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const behind = async (
    faults: Faults,
    body: (proxy: FaultProxy, store: RegistryStore) => Promise<void>,
  ) => {
    const proxy = await FaultProxy.start(registry.host);
    proxy.faults = faults;
    const store = new RegistryStore(`${proxy.host}/team/app`, {
      credentials: () => USER,
      minDelay: 5,
      maxDelay: 50,
      maxAttempts: 40,
      // Short only where something stalls: a busy machine may be slow all by itself.
      stallTimeout: faults.stall ? 300 : 30_000,
    });
    try {
      await body(proxy, store);
    } finally {
      await proxy.stop();
    }
    // On every host but the registry nobody saw the password.
    for (const { origin, headers } of proxy.requests) {
      const sent = headers.get("authorization");
      if (sent === undefined) continue;
      assert.equal(origin, `http://${proxy.host}`);
      assert.equal(sent, AUTHORIZATION);
    }
  };

  for (const [name, faults] of CASES) {
    test(`an export succeeds: ${name}`, () =>
      behind(faults, async (proxy, store) => {
        const resolved = await store.resolve();
        assert.equal(resolved.digest, root.digest);
        const archive = await collect(exportArchive(store, [root]));
        assert.equal(await sha256(archive), expected);
        assert.equal(
          faults.redirect === true,
          proxy.requests.some(({ path }) => path.includes("?sig")),
        );
        if (!faults.ignoreRange && !faults.stall) {
          const times = proxy.blobBytes / SIZE;
          assert.ok(times <= 1.2, `${times.toFixed(3)} times the size was downloaded`);
        }
      }));
  }

  test("a flipped byte is fatal at once, with no retry that hides it, and no output", () =>
    behind({ flip: 0 }, async (proxy, store) => {
      const { chunks, failed, error } = await drain(exportArchive(store, [root]));
      assert.ok(failed && error instanceof DigestMismatchError, String(error));
      const blob = plan.entries.find(({ descriptor }) => descriptor?.digest === error.digest)!;
      const given = chunks.reduce((size, chunk) => size + chunk.length, 0);
      assert.ok(given < blob.bodyOffset + blob.size, "the blob has left as if it were whole");
      const asked = proxy.requests.filter(({ path, method, headers }) =>
        method === "GET" && path.endsWith(error.digest) && headers.has("authorization")
      );
      assert.equal(asked.length, 1);
    }));
});
