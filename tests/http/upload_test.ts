import { after, before, describe, test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type ArchivePlan, DigestMismatchError, planArchive, UploadError } from "../../mod.ts";
import { s3Upload, uploadArchive } from "../../src/http/mod.ts";
import { collect, sha256 } from "../helpers/bytes.ts";
import { AppStore, NAMES } from "./servers/app.ts";
import { RUNTIMES, type Server } from "./servers/start.ts";
import { ask } from "./wire.ts";
import { startSink } from "./sink.ts";

const store = await AppStore.create();

async function planned(name: string): Promise<ArchivePlan> {
  const root = (await store.roots()).find(({ annotations }) =>
    annotations?.["io.containerd.image.name"] === name
  );
  return await planArchive(store, [root!]);
}

const small = await planned(NAMES.small);
const smallSha256 = await sha256(await collect(small.stream()));

for (const { name: runtime, skip, start } of RUNTIMES) {
  describe(`uploadArchive() as ${runtime} runs it`, { skip }, () => {
    let server: Server;
    before(async () => {
      server = await start();
    });
    after(() => server.stop());

    /** Lets the runtime upload; returns what it says, and what came. */
    async function upload(t: TestContext, name: string, path: string, connections = 1) {
      const sink = await startSink(t);
      const query = new URLSearchParams({ name, to: `${sink.origin}${path}` });
      const reply = await ask(server.origin, `/upload?${query}`);
      return { result: JSON.parse(reply.text()), received: await sink.received(connections) };
    }

    test("sends the archive under its Content-Length", async (t) => {
      const done = await upload(t, NAMES.small, "/take");
      assert.deepEqual(done.result, { status: 201 });
      const [{ method, headers, sha256, whole }] = done.received as [typeof done.received[0]];
      assert.equal(method, "PUT");
      assert.equal(headers.get("content-length"), String(small.size));
      assert.equal(headers.get("transfer-encoding"), null);
      assert.equal(headers.get("content-type"), "application/x-tar");
      assert.ok(whole);
      assert.equal(sha256, smallSha256);
    });

    test("breaks the connection of a damaged archive", async (t) => {
      const done = await upload(t, NAMES.damaged, "/take");
      assert.equal(done.result.error, "DigestMismatchError");
      assert.equal(done.received[0]!.whole, false);
    });

    test("hears an early refusal and stops reading", async (t) => {
      const done = await upload(t, NAMES.endless, "/refuse");
      assert.equal(done.result.error, "UploadError");
      assert.equal(done.result.answered, 403);
      assert.match(done.result.message, /no room/);
      const { endlessOpen } = JSON.parse((await ask(server.origin, "/counts")).text());
      assert.equal(endlessOpen, 0);
    });

    for (
      const [how, path] of [
        ["closes the connection at once", "/slam"],
        ["reads no body and keeps the connection", "/keep"],
      ] as const
    ) {
      // workerd's own fetch loses such an answer.
      const skip = runtime === "workerd" && path === "/slam";
      test(`hears the refusal of a server that ${how}`, { skip }, async (t) => {
        for (let tries = 0; tries < 3; tries++) {
          const { result } = await upload(t, NAMES.endless, path, 0);
          assert.equal(result.answered, 413, result.message);
          assert.match(result.message, /no room/);
        }
      });
    }

    test("follows a redirect", async (t) => {
      const done = await upload(t, NAMES.small, "/moved?to=/take", 2);
      assert.deepEqual(done.result, { status: 201 });
      const taken = done.received.find(({ path }) => path === "/take");
      assert.equal(taken?.sha256, smallSha256);
    });
  });
}

describe("uploadArchive()", () => {
  test("tells its progress up to the archive's size", async (t) => {
    const sink = await startSink(t);
    const told: number[] = [];
    await uploadArchive(small, `${sink.origin}/take`, {
      onProgress: ({ bytes, total }) => {
        assert.equal(total, small.size);
        told.push(bytes);
      },
    });
    assert.equal(told.at(-1), small.size);
  });

  test("shows its credentials to no other origin", async (t) => {
    const first = await startSink(t);
    const second = await startSink(t);
    const to = encodeURIComponent(`${second.origin}/take`);
    const url = new URL(`${first.origin}/moved?to=${to}`);
    url.username = "me";
    url.password = "secret";
    const headers = { cookie: "a=b", "proxy-authorization": "Basic x", "x-kept": "1" };
    await uploadArchive(small, url, { headers });
    const [[moved], [taken]] = await Promise.all([first.received(1), second.received(1)]);
    assert.equal(moved!.headers.get("authorization"), `Basic ${btoa("me:secret")}`);
    assert.equal(moved!.headers.get("cookie"), "a=b");
    for (const secret of ["authorization", "cookie", "proxy-authorization"]) {
      assert.equal(taken!.headers.get(secret), null, secret);
    }
    assert.equal(taken!.headers.get("x-kept"), "1");
  });

  test("takes the credentials that a redirect's URL has", async (t) => {
    const sink = await startSink(t);
    const to = sink.origin.replace("//", "//you:p%40ss@") + "/take";
    await uploadArchive(small, `${sink.origin}/moved?to=${encodeURIComponent(to)}`);
    const taken = (await sink.received(2)).find(({ path }) => path === "/take");
    assert.equal(taken!.headers.get("authorization"), `Basic ${btoa("you:p@ss")}`);
  });

  test("refuses broken credentials in the URL, or in a redirect's, without showing them", async (t) => {
    const sink = await startSink(t);
    const broken = sink.origin.replace("//", "//me:100%secret@") + "/take";
    for (const url of [broken, `${sink.origin}/moved?to=${encodeURIComponent(broken)}`]) {
      await assert.rejects(uploadArchive(small, url), (error) => {
        assert.ok(error instanceof UploadError);
        assert.match(error.message, /write % as %25/);
        assert.ok(!error.message.includes("secret"));
        return true;
      });
    }
  });

  test("shows no query of the URL where fetch fails, whose own error names it all", async () => {
    const cause = new Error("no route to https://a.test/x?sig=s3cret");
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
    const failed = uploadArchive(small, "https://a.test/x?sig=s3cret", { fetch });
    await assert.rejects(failed, (error: Error) => {
      const message =
        "Cannot upload to https://a.test/x: fetch failed: no route to https://a.test/x";
      assert.equal(error.message, message);
      assert.doesNotMatch(inspect(error), /s3cret/);
      return true;
    });
  });

  test("refuses a redirect to what is no HTTP", async (t) => {
    const sink = await startSink(t);
    await assert.rejects(uploadArchive(small, `${sink.origin}/moved?to=file:///etc/x`), {
      name: "UploadError",
      status: 307,
    });
  });

  test("refuses a redirect from https to http, and shows neither its user nor its query", async () => {
    const headers = { location: "http://me:s3cret@b.test/y?sig=s3cret" };
    const fetch = () => Promise.resolve(new Response(null, { status: 307, headers }));
    await assert.rejects(uploadArchive(small, "https://a.test/x", { fetch }), {
      name: "UploadError",
      status: 307,
      message: "Cannot upload to https://a.test/x: it redirects from https to http, to b.test",
    });
  });

  test("and s3Upload() refuse a URL that is none without showing it, which may hold secrets", async () => {
    const url = "https://me:s3cret@a test/x?sig=s3cret";
    const credentials = { accessKeyId: "id", secretAccessKey: "key" };
    for (const upload of [uploadArchive(small, url), s3Upload(small, url, { credentials })]) {
      await assert.rejects(upload, (error) => {
        assert.ok(error instanceof TypeError);
        assert.equal(
          error.message,
          "Cannot use the URL that was given: expected one such as https://HOST/PATH",
        );
        assert.doesNotMatch(inspect(error), /s3cret/);
        return true;
      });
    }
  });

  test("gives up after too many redirects", async (t) => {
    const sink = await startSink(t);
    await assert.rejects(uploadArchive(small, `${sink.origin}/loop`, { maxRedirects: 3 }), {
      name: "UploadError",
      message: /more than 3 redirects/,
    });
    assert.equal((await sink.received(4)).length, 4);
  });

  test("takes no success for one that came before the last byte", async (t) => {
    const sink = await startSink(t);
    const endless = await planned(NAMES.endless);
    await assert.rejects(uploadArchive(endless, `${sink.origin}/hasty`), {
      name: "UploadError",
      status: 200,
    });
  });

  test("rejects with the signal's reason and closes the blob", async (t) => {
    const sink = await startSink(t);
    const controller = new AbortController();
    const reason = new Error("enough");
    const plan = await planned(NAMES.endless);
    const upload = uploadArchive(plan, `${sink.origin}/take`, {
      signal: controller.signal,
      onProgress: ({ bytes }) => {
        if (bytes > 1e6) controller.abort(reason);
      },
    });
    await assert.rejects(upload, reason);
    assert.equal(store.counts.endlessOpen, 0);
  });

  test("names the URL without its query where nobody listens", async (t) => {
    const sink = await startSink(t);
    await sink.stop();
    await assert.rejects(uploadArchive(small, `${sink.origin}/take?signature=secret`), (error) => {
      assert.ok(error instanceof UploadError);
      assert.equal(error.url, `${sink.origin}/take`);
      assert.equal(error.status, undefined);
      assert.ok(!error.message.includes("secret"));
      return true;
    });
  });

  test("sends by the fetch it is given", async (t) => {
    const sink = await startSink(t);
    const asked: string[] = [];
    const through: typeof fetch = (input, init) => {
      asked.push(String(input));
      return fetch(input, init);
    };
    const damaged = await planned(NAMES.damaged);
    const url = `${sink.origin}/take`;
    await assert.rejects(uploadArchive(damaged, url, { fetch: through }), DigestMismatchError);
    assert.deepEqual(asked, [url]);
  });
});
