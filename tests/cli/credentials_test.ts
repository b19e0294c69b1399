import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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

  test("prefers what stands for the closest part of the repository", async () => {
    const names = ["ghcr.io/org/app", "ghcr.io/org", "ghcr.io"];
    const auths = Object.fromEntries(names.map((name) => [name, { username: name }]));
    const authfile = await authfileOf({ auths });
    for (
      const [repository, name] of [
        ["org/app", "ghcr.io/org/app"],
        ["org/other", "ghcr.io/org"],
        ["org/app/more", "ghcr.io/org/app"],
        ["organ", "ghcr.io"],
        [undefined, "ghcr.io"],
      ]
    ) {
      const found = await findCredentials("ghcr.io", { authfile, repository });
      assert.equal(found?.username, name, `of ${repository}`);
    }
  });

  for (
    const [what, entry, expected] of [
      ["a name and a password", { username: "user", password: "s3cret" }, USER],
      ["a password with colons", { auth: btoa("user:a:b") }, { ...USER, password: "a:b" }],
      ["a password padded with NUL", { auth: btoa("user:s3cret\0\0") }, USER],
      [
        "a name beside what is no base64",
        { auth: "?", username: "user", password: "s3cret" },
        USER,
      ],
      ["an identity token", { auth: AUTH, identitytoken: "t" }, { ...USER, identityToken: "t" }],
      ["a registry's token", { auth: AUTH, registrytoken: "t" }, { ...USER, registryToken: "t" }],
      ["nothing of an empty entry", {}, undefined],
      ["nothing of empty texts", { auth: "", username: "", password: "" }, undefined],
      ["nothing of what has no colon", { auth: btoa("user") }, undefined],
      ["nothing of what is no entry", null, undefined],
    ] as const
  ) {
    test(`takes ${what}`, async () => {
      const authfile = await authfileOf({ auths: { "ghcr.io": entry } });
      assert.deepEqual(await findCredentials("ghcr.io", { authfile }), expected);
    });
  }

  test("fails where the file it was given is missing or no JSON object, and does not quote it", async () => {
    const authfile = join(folder, "broken.json");
    const fails = (message: RegExp) =>
      assert.rejects(findCredentials("ghcr.io", { authfile }), { message });
    await fails(/^Cannot read credentials in .+broken\.json: .+/);
    for (const content of ['{"s3cret', '["s3cret"]', ""]) {
      await writeFile(authfile, content);
      await fails(/^Cannot read credentials in .+broken\.json: it is not a JSON object$/);
    }
  });

  test("asks the registry's own helper first, then the files, then the common helper", async () => {
    await addHelper("own", `echo '{"Username":"own","Secret":"s"}'`);
    await addHelper(
      "common",
      `echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"for $(cat)\\"}"`,
    );
    const authfile = await authfileOf({
      auths: { "own.test": { auth: AUTH }, "file.test": { auth: AUTH } },
      credHelpers: { "own.test": "own" },
      credsStore: "common",
    });
    const found = (host: string) => findCredentials(host, { authfile, repository: "a/b" });
    assert.deepEqual(await found("own.test"), { username: "own", password: "s" });
    assert.deepEqual(await found("file.test"), USER);
    assert.deepEqual(await found("other.test"), { identityToken: "for other.test" });
    const hub = { identityToken: "for https://index.docker.io/v1/" };
    assert.deepEqual(await found("docker.io"), hub);
  });

  for (
    const [what, script, expected] of [
      ["says that it has none", "echo credentials not found in native keychain; exit 1", undefined],
      ["fails", "echo s3cret; exit 3", /docker-credential-it: it ended with status 3$/],
      ["answers no JSON", "echo s3cret", /: its answer has no user and secret$/],
      ["answers no object", "echo null", /: its answer has no user and secret$/],
      ["answers no secret", `echo '{"Username":"a"}'`, /: its answer has no user and secret$/],
      ["answers no user", `echo '{"Secret":"s3cret"}'`, /: its answer has no user and secret$/],
      ["never ends its answer", "exec cat /dev/zero", /: it printed more than 1048576 bytes$/],
    ] as const
  ) {
    test(`${expected ? "fails" : "goes on"} where the helper ${what}`, async () => {
      await addHelper("it", script);
      const authfile = await authfileOf({ credsStore: "it" });
      const found = findCredentials("ghcr.io", { authfile });
      if (expected === undefined) assert.equal(await found, undefined);
      else await assert.rejects(found, { message: expected });
    });
  }

  test("runs no helper of a name that is no program's, and tells of one that is missing", async () => {
    for (
      const [helper, message] of [
        ["../it", /its name is not that of a program$/],
        ["-it", /its name is not that of a program$/],
        ["it/../it", /its name is not that of a program$/],
        ["missing", /^Cannot get credentials from docker-credential-missing: /],
      ] as const
    ) {
      const authfile = await authfileOf({ credHelpers: { "ghcr.io": helper } });
      await assert.rejects(findCredentials("ghcr.io", { authfile }), { message });
    }
    const authfile = await authfileOf({ credsStore: "" });
    assert.equal(await findCredentials("ghcr.io", { authfile }), undefined);
  });

  test("looks where podman login writes without a session, as root does in containers", () => {
    const [withSession] = usualFiles({ XDG_RUNTIME_DIR: folder });
    assert.equal(withSession, join(folder, "containers", "auth.json"));
    const files = usualFiles({});
    const own = `/run/containers/${process.getuid?.()}/auth.json`;
    assert.equal(files.indexOf(own), process.platform === "linux" ? 0 : -1);
  });

  test("looks where the user keeps such files, and goes on to the next where one has nothing", async () => {
    const { XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG, REGISTRY_AUTH_FILE } = process.env;
    const before = { XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG, REGISTRY_AUTH_FILE };
    const chosen = join(folder, "chosen.json");
    const authfile = await authfileOf({ auths: { "given.test": { auth: AUTH } } });
    // What should be a folder is a file, and another is not there.
    const places = { XDG_RUNTIME_DIR: authfile, XDG_CONFIG_HOME: folder, DOCKER_CONFIG: folder };
    assert.deepEqual(usualFiles(places), [
      join(authfile, "containers", "auth.json"),
      join(folder, "containers", "auth.json"),
      join(folder, "config.json"),
    ]);
    await mkdir(join(folder, "containers"));
    await writeFile(join(folder, "containers", "auth.json"), '{"auths":{}}');
    await writeFile(chosen, JSON.stringify({ auths: { "chosen.test": { auth: AUTH } } }));
    try {
      Object.assign(process.env, places);
      delete process.env.REGISTRY_AUTH_FILE;
      assert.deepEqual(await findCredentials("given.test"), USER);
      process.env.REGISTRY_AUTH_FILE = chosen;
      assert.deepEqual(await findCredentials("chosen.test"), USER);
      assert.equal(await findCredentials("given.test"), undefined);
      assert.deepEqual(await findCredentials("given.test", { authfile }), USER);
    } finally {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
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
