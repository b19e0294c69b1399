import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ContentStore,
  type Descriptor,
  exportArchive,
  type ExportOptions,
  planArchive,
  type Root,
} from "../../../mod.ts";
import { fetchWithCa } from "../../../src/cli/ca_fetch.ts";
import { LayoutStore } from "../../../src/stores/layout.ts";
import { type RegistryOptions, RegistryStore } from "../../../src/stores/registry/registry.ts";
import { collect, sha256 } from "../../helpers/bytes.ts";
import { lacks } from "../../helpers/program.ts";
import { makeCertificates } from "./certificates.ts";
import { type DockerRegistry, push, startDockerRegistry } from "./docker_registry.ts";
import { startTokenServer, type TokenServer } from "./token_server.ts";

const GOLDEN = fileURLToPath(new URL("../../testdata/golden/", import.meta.url));
const LAYOUTS = (await readdir(GOLDEN)).sort();
const USER = { username: "user", password: "s3cret" };
const skip = lacks("docker-registry", "oras", "openssl", "htpasswd");

/** What `oras` cannot push as it is: Docker's registry knows manifests by SHA-256 only. */
const REHASHED = new Set(["sha512"]);

describe("against Docker's registry", { skip }, () => {
  let folder: string;
  const started: (DockerRegistry | TokenServer)[] = [];
  const registries: Record<string, { host: string; options: RegistryOptions }> = {};

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "oci-archive-registry-"));
    const storage = join(folder, "storage");
    const start = async (options: Omit<Parameters<typeof startDockerRegistry>[1], "storage">) => {
      const registry = await startDockerRegistry(folder, { storage, ...options });
      started.push(registry);
      return registry.host;
    };
    const { ca, certificate, key } = await makeCertificates(folder);
    const signer = { service: "test-registry", issuer: "test-issuer", certificate };
    const authorization = `Basic ${btoa(`${USER.username}:${USER.password}`)}`;
    const tokens = await startTokenServer({ ...signer, key, authorization });
    started.push(tokens);
    const credentials = () => USER;
    const tls = { certificate, key };
    const fetch = fetchWithCa(await readFile(ca, "utf8"));
    registries.plain = { host: await start({}), options: {} };
    registries.htpasswd = { host: await start({ htpasswd: USER }), options: { credentials } };
    registries.TLS = { host: await start({ tls }), options: { plainHttp: false, fetch } };
    registries.token = {
      host: await start({ token: { ...signer, realm: tokens.realm } }),
      options: { credentials },
    };
    for (const name of LAYOUTS) {
      const layout = join(GOLDEN, name, "layout");
      const [root] = await new LayoutStore(layout).roots();
      const to = `${registries.plain.host}/golden/${name}`;
      await push(layout, root!.digest, { to, isLenient: REHASHED.has(name) });
    }
  });

  after(async () => {
    await Promise.all(started.map((one) => one.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  for (const kind of ["plain", "htpasswd", "TLS", "token"]) {
    for (const name of LAYOUTS) {
      test(`${kind}: the layout ${name} comes out as it went in`, async () => {
        const { host, options } = registries[kind]!;
        const store = new RegistryStore(`${host}/golden/${name}`, options);
        const layout = new LayoutStore(join(GOLDEN, name, "layout"));
        const [listed] = await layout.roots();
        const root = await store.resolve();
        const expected: Root = { descriptor: listed!, names: [store.name] };
        const exported: Root = { descriptor: { ...listed!, ...root }, names: [store.name] };
        const archiveOptions: ExportOptions = { skipNonDistributable: name === "foreign" };
        const archive = await collect(exportArchive(store, [exported], archiveOptions));
        if (REHASHED.has(name)) {
          const blobs = async (from: ContentStore, root: Descriptor) =>
            (await planArchive(from, [root])).entries.map(({ name }) => name)
              .filter((name) =>
                !name.endsWith(root.digest.split(":")[1]!) && name > "blobs/sha512/"
              );
          assert.deepEqual(await blobs(store, root), await blobs(layout, listed!));
          return;
        }
        assert.equal(root.digest, listed!.digest);
        assert.equal(
          await sha256(archive),
          await sha256(await collect(exportArchive(layout, [expected], archiveOptions))),
        );
      });
    }
  }

  test("wrong credentials are refused in the registry's words", async () => {
    for (const kind of ["htpasswd", "token"]) {
      const { host } = registries[kind]!;
      const credentials = () => ({ ...USER, password: "wrong" });
      const store = new RegistryStore(`${host}/golden/single`, { credentials });
      await assert.rejects(() => store.resolve(), {
        name: "RegistryAuthError",
        message: /401.*docker login 127\.0\.0\.1/,
      });
    }
  });

  test("an unknown certificate is refused, with what to do", async () => {
    const store = new RegistryStore(`${registries.TLS!.host}/golden/single`, { plainHttp: false });
    // On Node the CA of the tests before is trusted everywhere.
    if (!("Deno" in globalThis) && !("Bun" in globalThis)) return;
    await assert.rejects(() => store.resolve(), { name: "RegistryError", message: /--ca FILE/ });
  });

  test("https to a plain http registry says so", async () => {
    const { host } = registries.plain!;
    const store = new RegistryStore(`${host}/golden/single`, { plainHttp: false, maxAttempts: 1 });
    await assert.rejects(() => store.resolve(), { name: "RegistryError" });
  });
});
