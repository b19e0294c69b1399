import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { text } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { lacks } from "../helpers/program.ts";
import { makeCertificates } from "../stores/registry/certificates.ts";
import {
  type DockerRegistry,
  push,
  startDockerRegistry,
} from "../stores/registry/docker_registry.ts";
import { FaultProxy } from "../stores/registry/fault_proxy.ts";

const LAYOUT = fileURLToPath(new URL("../testdata/golden/multi-arch/layout", import.meta.url));
const ROOT = "sha256:ef88aaca03652afb8af5497628b05baf703d83dddf61fdf33580e86db2509963";
const USER = { username: "user", password: "s3cret" };
const AUTH = btoa("user:s3cret");
const skip = lacks("docker-registry", "oras", "openssl", "htpasswd");

describe("docker:// in the command", { skip }, () => {
  let folder: string;
  let plain: DockerRegistry;
  let locked: DockerRegistry;
  let secure: DockerRegistry;
  let ca: string;
  let expected: Uint8Array;
  /** No credentials of whoever runs the tests. */
  let env: Record<string, string>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "oci-archive-cli-"));
    const storage = join(folder, "storage");
    const certificates = await makeCertificates(folder);
    ca = certificates.ca;
    const { certificate, key } = certificates;
    plain = await startDockerRegistry(folder, { storage });
    locked = await startDockerRegistry(folder, { storage, htpasswd: USER });
    secure = await startDockerRegistry(folder, { storage, tls: { certificate, key } });
    await push(LAYOUT, ROOT, { to: `${plain.host}/team/app` });
    env = {
      ...{ DOCKER_CONFIG: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder },
      ...{ HOME: folder, REGISTRY_AUTH_FILE: "" },
    };
    const name = "registry.test/team/app:1.0";
    const layout = await command(["export", `oci:${LAYOUT}`, "--name", name], { env });
    assert.equal(layout.status, 0, layout.stderr);
    expected = layout.stdout;
  });

  after(async () => {
    await Promise.all([plain, locked, secure].map((registry) => registry?.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  const exportFrom = (
    registry: DockerRegistry,
    args: readonly string[] = [],
    more: Record<string, string> = {},
  ) =>
    command([
      ...["export", `docker://${registry.host}/team/app`],
      ...["--name", "registry.test/team/app:1.0", ...args],
    ], { env: { ...env, ...more } });

  test("export gives the archive that the layout gives", async () => {
    const { status, stdout, stderr } = await exportFrom(plain);
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout, expected);
  });

  test("export names the image as it was asked for", async () => {
    const archive = join(folder, "named.tar");
    const { host } = plain;
    const made = await command(["export", `docker://${host}/team/app`, "-o", archive], { env });
    assert.equal(made.status, 0, made.stderr);
    assert.match(text(await readFile(archive)), new RegExp(`"${host}/team/app:latest"`));
  });

  test("inspect reads no layer", async () => {
    const proxy = await FaultProxy.start(plain.host);
    try {
      const args = ["inspect", `docker://${proxy.host}/team/app@${ROOT}`, "--json"];
      const { status, stdout, stderr } = await command(args, { env });
      assert.equal(status, 0, stderr);
      assert.ok(JSON.parse(text(stdout)).size > 0);
      assert.ok(proxy.requests.every(({ path }) => path.includes("/manifests/")));
    } finally {
      await proxy.stop();
    }
  });

  test("without credentials the command says how to log in", async () => {
    const { status, stdout, stderr } = await exportFrom(locked);
    assert.equal(status, 1);
    assert.equal(stdout.length, 0);
    assert.match(stderr, /^oci-archive: .*docker login 127\.0\.0\.1:\d+.*\n$/);
  });

  for (
    const [where, file, variables] of [
      ["DOCKER_CONFIG", "config.json", {}],
      ["Podman's file", "containers/auth.json", {}],
      ["REGISTRY_AUTH_FILE", "some.json", { REGISTRY_AUTH_FILE: "some.json" }],
    ] as const
  ) {
    test(`credentials come from ${where}`, async () => {
      const home = await mkdtemp(join(folder, "home-"));
      await mkdir(join(home, "containers"));
      await writeFile(
        join(home, file),
        JSON.stringify({ auths: { [locked.host]: { auth: AUTH } } }),
      );
      const more: Record<string, string> = { DOCKER_CONFIG: home, XDG_RUNTIME_DIR: home };
      for (const [name, value] of Object.entries(variables)) more[name] = join(home, value);
      const { status, stdout, stderr } = await exportFrom(locked, [], more);
      assert.equal(status, 0, stderr);
      assert.deepEqual(stdout, expected);
    });
  }

  test("credentials come from --authfile, also for one repository alone", async () => {
    for (
      const key of [`${locked.host}/team/app`, `${locked.host}/team`, `https://${locked.host}/v1/`]
    ) {
      const file = join(folder, "authfile.json");
      await writeFile(file, JSON.stringify({ auths: { [key]: { auth: AUTH } } }));
      const { status, stderr } = await exportFrom(locked, ["--authfile", file]);
      assert.equal(status, 0, stderr);
    }
  });

  test("credentials come from a helper, for one registry or for all", async () => {
    const bin = await mkdtemp(join(folder, "bin-"));
    const helper = join(bin, "docker-credential-test");
    await writeFile(
      helper,
      `#!/bin/sh\nread server\n[ "$1 $server" = "get ${locked.host}" ] || { echo "credentials ` +
        `not found in native keychain"; exit 1; }\n` +
        `echo '{"ServerURL":"x","Username":"user","Secret":"s3cret"}'\n`,
    );
    await chmod(helper, 0o755);
    const file = join(folder, "helper.json");
    for (const config of [{ credHelpers: { [locked.host]: "test" } }, { credsStore: "test" }]) {
      await writeFile(file, JSON.stringify(config));
      const { status, stderr } = await exportFrom(locked, ["--authfile", file], {
        PATH: `${bin}${delimiter}${process.env.PATH}`,
      });
      assert.equal(status, 0, stderr);
    }
    const missing = await exportFrom(locked, ["--authfile", file]);
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /docker-credential-test/);
  });

  test("a file of credentials that is broken is named, and not told", async () => {
    const file = join(folder, "broken.json");
    await writeFile(file, '{"auths": "s3cret');
    const { status, stderr } = await exportFrom(locked, ["--authfile", file, "--debug"]);
    assert.equal(status, 1);
    assert.match(stderr, /broken\.json: it is not a JSON object/);
    assert.doesNotMatch(stderr, /s3cret/);
  });

  test("--ca trusts a registry's own authority", async () => {
    const { status, stderr } = await exportFrom(secure, ["--ca", ca]);
    assert.equal(status, 0, stderr);
  });

  test("a source that is no image is wrong usage", async () => {
    for (const source of ["docker:alpine", "docker://"]) {
      const { status } = await command(["inspect", source], { env });
      assert.notEqual(status, 0);
    }
  });
});
