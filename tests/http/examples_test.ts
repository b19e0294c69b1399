/** The examples that touch a network, run as their heads say. */
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { planArchive } from "../../mod.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import { collect, concat, sha256 } from "../helpers/bytes.ts";
import { freePort, untilAnswered } from "../helpers/free_port.ts";
import { inFolder } from "../helpers/folder.ts";
import { lacks, must } from "../helpers/program.ts";
import {
  type DockerRegistry,
  push,
  startDockerRegistry,
} from "../stores/registry/docker_registry.ts";
import { type Server, startWorkerd } from "./servers/start.ts";
import { startSink } from "./sink.ts";
import { ask } from "./wire.ts";

const LAYOUT = fileURLToPath(new URL("../testdata/golden/single/layout", import.meta.url));
const EXPECTED = fileURLToPath(new URL("../testdata/golden/single/expected.tar", import.meta.url));
const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

describe("examples of a registry", { skip: lacks("docker-registry", "oras", "deno") }, () => {
  let folder: string;
  let registry: DockerRegistry;
  let archive: Uint8Array;
  let image: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "oci-archive-examples-"));
    registry = await startDockerRegistry(folder, { storage: join(folder, "storage") });
    const store = new LayoutStore(LAYOUT);
    const [{ mediaType, digest, size }] = await store.roots() as [{
      mediaType: string;
      digest: string;
      size: number;
    }];
    await push(LAYOUT, digest, { to: `${registry.host}/team/app` });
    image = `${registry.host}/team/app:latest`;
    const root = { descriptor: { mediaType, digest, size }, names: [image] };
    archive = await collect((await planArchive(store, [root])).stream());
  });
  after(async () => {
    await registry.stop();
    await rm(folder, { recursive: true });
  });

  test("deno_export.ts writes the archive", async () => {
    const file = join(folder, "image.tar");
    await must("deno", ["run", "-A", example("deno_export.ts"), image, file]);
    assert.deepEqual(concat([await readFile(file)]), archive);
  });

  describe("cloudflare_worker.ts under workerd", { skip: lacks("workerd") }, () => {
    let server: Server;
    before(async () => {
      const env = { HOSTS: `docker.io,${registry.host}` };
      server = await startWorkerd(example("cloudflare_worker.ts"), env);
    });
    after(() => server.stop());

    test("streams the archive with its length", async () => {
      const { status, headers, body, whole } = await ask(server.origin, `/archives/${image}.tar`);
      assert.deepEqual([status, whole], [200, true]);
      assert.equal(headers.get("content-length"), String(archive.length));
      assert.deepEqual(concat([body]), archive);
    });

    test("answers a range", async () => {
      const path = `/archives/${encodeURIComponent(image)}.tar`;
      const { status, body } = await ask(server.origin, path, {
        headers: { range: "bytes=1000-4999" },
      });
      assert.equal(status, 206);
      assert.deepEqual(concat([body]), archive.slice(1000, 5000));
    });

    test("asks no other registry, and says what is wrong or not there", async () => {
      assert.equal((await ask(server.origin, "/archives/evil.example/app:1.tar")).status, 403);
      assert.equal((await ask(server.origin, `/archives/${registry.host}/App:1.tar`)).status, 400);
      const missing = await ask(server.origin, `/archives/${registry.host}/team/app:none.tar`);
      assert.equal(missing.status, 404);
      assert.match(missing.text(), /Cannot find \\"none\\"/);
      assert.equal((await ask(server.origin, "/favicon.ico")).status, 404);
    });
  });
});

describe("examples of a layout", { skip: lacks("deno") }, () => {
  test("upload.ts puts the archive there", async (t) => {
    const sink = await startSink(t);
    const args = ["run", "-A", example("upload.ts"), LAYOUT, `${sink.origin}/take`];
    assert.match(await must("deno", args), /100 %\n.* bytes, status 201\n/);
    assert.equal((await sink.received(1))[0]!.sha256, await sha256(await readFile(EXPECTED)));
  });

  test("bun_server.ts serves the archive", { skip: lacks("bun") }, async () => {
    await inFolder(async (folder) => {
      const bundle = join(folder, "server.js");
      await must("deno", ["bundle", "--quiet", "-o", bundle, example("bun_server.ts")]);
      const port = await freePort();
      const child = spawn("bun", [bundle], {
        stdio: "ignore",
        env: { ...process.env, LAYOUT, PORT: String(port) },
      });
      try {
        const origin = `http://127.0.0.1:${port}`;
        const list = await untilAnswered(() => ask(origin, "/archives"));
        const [{ url }] = JSON.parse(list.text());
        const { body } = await ask(origin, url);
        assert.deepEqual(concat([body]), concat([await readFile(EXPECTED)]));
      } finally {
        child.kill("SIGKILL");
      }
    });
  });
});
