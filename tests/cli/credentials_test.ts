import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { findCredentials, usualFiles } from "../../src/cli/credential_files.ts";

const AUTH = btoa("user:s3cret");
const USER = {
  username: "user",
  password: "s3cret",
  identityToken: undefined,
  registryToken: undefined,
};

describe("findCredentials()", () => {
  let folder: string;
  const { PATH } = process.env;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "oci-archive-credentials-"));
    process.env.PATH = `${folder}${delimiter}${PATH}`;
  });

  after(async () => {
    process.env.PATH = PATH;
    await rm(folder, { recursive: true, force: true });
  });

  async function authfileOf(config: unknown): Promise<string> {
    const file = join(folder, "config.json");
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  async function addHelper(name: string, script: string): Promise<void> {
    const path = join(folder, `docker-credential-${name}`);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  for (
    const [host, name] of [
      ["ghcr.io", "ghcr.io"],
      ["ghcr.io", "https://ghcr.io"],
      ["ghcr.io", "https://ghcr.io/v1/"],
      ["ghcr.io", "https://ghcr.io/org/app"],
      ["localhost:5000", "http://localhost:5000/v2"],
      ["docker.io", "https://index.docker.io/v1/"],
    ] as const
  ) {
    test(`takes ${name} for ${host}, as docker and skopeo do`, async () => {
      const authfile = await authfileOf({ auths: { [name]: { auth: AUTH } } });
      assert.deepEqual(await findCredentials(host, { authfile }), USER);
      assert.equal(await findCredentials("other.test", { authfile }), undefined);
    });
  }

  test("looks where podman login writes without a session, as root does in containers", () => {
    const [withSession] = usualFiles({ XDG_RUNTIME_DIR: folder });
    assert.equal(withSession, join(folder, "containers", "auth.json"));
    const files = usualFiles({});
    const own = `/run/containers/${process.getuid?.()}/auth.json`;
    assert.equal(files.indexOf(own), process.platform === "linux" ? 0 : -1);
  });

  test("ends a helper when nobody waits for it any more", async () => {
    const pid = join(folder, "pid");
    await addHelper("slow", `echo $$ > ${pid}.new; mv ${pid}.new ${pid}; sleep 60`);
    const authfile = await authfileOf({ credsStore: "slow" });
    const stop = new AbortController();
    const found = findCredentials("ghcr.io", { authfile, signal: stop.signal });
    const rejected = assert.rejects(found, { name: "Error", message: "enough" });
    let helper: number | undefined;
    while (helper === undefined) {
      await wait(20);
      helper = await readFile(pid, "utf8").then(Number, () => undefined);
    }
    stop.abort(new Error("enough"));
    await rejected;
    for (let tries = 0; isAlive(helper); tries++) {
      assert.ok(tries < 100, "the helper lives on");
      await wait(20);
    }
  });

  test("asks no helper for a signal that has aborted before", async () => {
    const ran = join(folder, "ran");
    await addHelper("eager", `touch ${ran}`);
    const authfile = await authfileOf({ credsStore: "eager" });
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(findCredentials("ghcr.io", { authfile, signal }), { message: "enough" });
    await assert.rejects(readFile(ran), { code: "ENOENT" });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
