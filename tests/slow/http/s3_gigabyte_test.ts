/** 1 GiB to a real S3 server through a proxy that fails every fifth part. */
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { findNode, findProgram, lacks, must } from "../../helpers/program.ts";
import { type S3Server, startProxy, startS3 } from "../../http/s3_server.ts";

const SCRIPT = fileURLToPath(new URL("upload_gigabyte.ts", import.meta.url));
const MIB = 1 << 20;
const RUNTIMES = [
  { runtime: "deno", program: findProgram("deno"), args: ["run", "-A", "--no-check"] },
  { runtime: "bun", program: findProgram("bun"), args: [] },
  { runtime: "node24", program: findNode(24), args: [] },
];

describe("s3Upload() of 1 GiB in parts of 16 MiB, a fifth of which fail", {
  skip: lacks("moto_server"),
}, () => {
  let server: S3Server;
  before(async () => {
    server = await startS3();
  });
  after(() => server.stop());

  for (const { runtime, program, args } of RUNTIMES) {
    test(
      `arrives whole from ${runtime} in less than 250 MB`,
      { skip: !program && lacks(runtime) },
      async (t) => {
        let parts = 0;
        const proxy = await startProxy(server.url, (request) => {
          if (!request.includes("partNumber") || ++parts % 5 > 0) return undefined;
          return (["reset", "503", "after"] as const)[parts / 5 % 3];
        });
        t.after(() => proxy.stop());
        const output = await must(program!, [...args, SCRIPT, `${proxy.url}/${runtime}.tar`]);
        const { sha256, size, peak } = JSON.parse(output);
        t.diagnostic(`${runtime}: peak ${peak / MIB} MiB, ${parts} requests for parts`);
        assert.ok(parts > 65 * 1.2, `${parts} requests`);
        assert.equal(proxy.mismatches, 0);

        const object = await fetch(`${server.url}/${runtime}.tar`);
        const hash = createHash("sha256");
        let received = 0;
        for await (const chunk of object.body!) {
          hash.update(chunk);
          received += chunk.length;
        }
        assert.deepEqual([received, hash.digest("hex")], [size, sha256]);
        assert.deepEqual(await server.unfinished(), []);
        await fetch(`${server.url}/${runtime}.tar`, { method: "DELETE" });
        assert.ok(peak < 250e6, `${peak / MIB} MiB`);
      },
    );
  }
});
