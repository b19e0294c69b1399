/** Ceph's radosgw judges signatures and hashes as Amazon does; moto lets everything pass. */
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArchivePlan, planArchive } from "../../mod.ts";
import { s3Upload } from "../../src/http/mod.ts";
import { S3Client } from "../../src/http/s3_client.ts";
import { freePort, untilAnswered } from "../helpers/free_port.ts";
import { imageOf } from "../helpers/plans.ts";
import { lacks } from "../helpers/program.ts";

const CREDENTIALS = { accessKeyId: "access", secretAccessKey: "secret" };
const PART_SIZE = 5 << 20;

describe("s3Upload() to a server that judges signatures", { skip: lacks("radosgw") }, () => {
  let folder: string;
  let server: ChildProcess | undefined;
  let bucket: string;
  let plan: ArchivePlan;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "oci-archive-rgw-"));
    const port = await freePort();
    bucket = `http://127.0.0.1:${port}/bucket`;
    // A gateway by itself, its objects in a database file instead of a cluster.
    const settings = [
      "--no-mon-config",
      "--id=test",
      "--rgw-backend-store=dbstore",
      "--rgw-config-store=dbstore",
      `--rgw-data=${folder}`,
      `--dbstore-db-dir=${folder}`,
    ];
    const keys = ["--access-key=access", "--secret-key=secret"];
    const user = ["user", "create", "--uid=test", "--display-name=test", ...keys];
    await printed(spawn("radosgw-admin", [...settings, ...user]), "mfa_ids");
    const frontend = `--rgw-frontends=beast endpoint=127.0.0.1:${port}`;
    server = spawn("radosgw", ["-f", ...settings, frontend], { stdio: "ignore" });
    await untilAnswered(() => fetch(bucket).then((response) => response.text()));
    await new S3Client(bucket, { credentials: CREDENTIALS }).request({ method: "PUT" });
    const { memory, root } = await imageOf(6 << 20, 1000);
    plan = await planArchive(memory, [root]);
  });
  after(async () => {
    // Where it could not be started, that is what failed.
    server?.kill("SIGKILL");
    await rm(folder, { recursive: true });
  });

  for (const key of ["plain.tar", "a+b c/ü(1)'!*.tar"]) {
    test(`is granted for the key ${key}`, async () => {
      const url = `${bucket}/${encodeURI(key)}`;
      const options = {
        credentials: CREDENTIALS,
        partSize: PART_SIZE,
        // The database file loses one of two parts that arrive at the same time.
        concurrency: 1,
        maxAttempts: 1,
      };
      const { etag } = await s3Upload(plan, url, options);
      assert.match(etag, /-2"?$/);
      const { headers } = await new S3Client(url, options).request({ method: "HEAD" });
      assert.equal(headers.get("content-length"), String(plan.size));
    });
  }

  test("is refused with another key", async () => {
    const credentials = { ...CREDENTIALS, secretAccessKey: "wrong" };
    await assert.rejects(s3Upload(plan, `${bucket}/x`, { credentials, maxAttempts: 1 }), {
      name: "UploadError",
      status: 403,
      message: /SignatureDoesNotMatch/,
    });
  });

  test("is refused where a part is not what was signed", async () => {
    const options = {
      credentials: CREDENTIALS,
      partSize: PART_SIZE,
      maxAttempts: 1,
      fetch: (input: URL | RequestInfo, init: RequestInit = {}) => {
        const part = init.body;
        if (init.method !== "PUT" || !(part instanceof Uint8Array)) return fetch(input, init);
        const damaged = new Uint8Array(part);
        damaged[100]! ^= 1;
        return fetch(input, { ...init, body: damaged });
      },
    };
    await assert.rejects(s3Upload(plan, `${bucket}/damaged.tar`, options), {
      name: "UploadError",
      message: /XAmzContentSHA256Mismatch|BadDigest/,
    });
    const { text } = await new S3Client(bucket, { credentials: CREDENTIALS }).request({
      method: "GET",
      query: { uploads: "" },
    });
    assert.ok(!text.includes("<UploadId>"), text);
  });
});

/** Ends a program once it has printed this; radosgw-admin does not end by itself. */
async function printed(child: ChildProcess, text: string): Promise<void> {
  let output = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on("data", (piece) => {
      output += piece;
      if (output.includes(text)) resolve();
    });
    child.on("error", reject);
    child.on("exit", () => reject(new Error(`it ended without ${text}: ${output}`)));
  });
  child.kill("SIGKILL");
}
