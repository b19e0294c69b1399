import { after, before, describe, test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { inspect } from "node:util";
import {
  type ArchivePlan,
  type ContentStore,
  DigestMismatchError,
  planArchive,
  UploadError,
} from "../../mod.ts";
import { s3Upload, uploadArchive } from "../../src/http/mod.ts";
import { collect, sha256 } from "../helpers/bytes.ts";
import { startServer } from "../helpers/server.ts";
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

  test("follows every redirect that keeps the method, and shows the same origin its credentials", async () => {
    for (const status of [301, 302, 307, 308]) {
      const moved = new Response(null, { status, headers: { location: "../y?a=b" } });
      const { fetch, requests } = answering(moved, new Response("stored"));
      const headers = { authorization: "Bearer t", "content-type": "application/x-oci" };
      const options = { method: "POST", headers, fetch };
      const answer = await uploadArchive(small, "https://a.test/sub/x", options);
      assert.deepEqual([answer.status, await answer.text()], [200, "stored"]);
      assert.deepEqual(requests.map(({ url }) => url), [
        "https://a.test/sub/x",
        "https://a.test/y?a=b",
      ]);
      for (const { method, headers } of requests) {
        assert.equal(method, "POST");
        assert.equal(headers.get("authorization"), "Bearer t");
        assert.equal(headers.get("content-type"), "application/x-oci");
        assert.equal(headers.get("content-length"), String(small.size));
      }
    }
  });

  test("follows no redirect to what is to be fetched, to nowhere, or where it may follow none", async () => {
    const headers = { location: "https://a.test/y" };
    const cases = [
      [new Response(null, { status: 303, headers }), {}, "the answer was 303"],
      [new Response(" gone \n", { status: 307 }), {}, 'the answer was 307 "gone"'],
      [new Response(null, { status: 307, headers }), { maxRedirects: 0 }, "more than 0 redirects"],
      [Response.error(), {}, "it redirects, and browsers do not tell where; give the final URL"],
    ] as const;
    for (const [answer, options, why] of cases) {
      const { fetch, requests } = answering(answer);
      const upload = uploadArchive(small, "https://a.test/x", { ...options, fetch });
      await assert.rejects(upload, { name: "UploadError", message: new RegExp(`: ${why}$`) });
      assert.equal(requests.length, 1);
    }
  });

  test("prefers an authorization that is given to the URL's user", async () => {
    const { fetch, requests } = answering(new Response());
    const headers = { authorization: "Bearer t" };
    await uploadArchive(small, "https://me:secret@a.test/x", { headers, fetch });
    assert.equal(requests[0]!.url, "https://a.test/x");
    assert.equal(requests[0]!.headers.get("authorization"), "Bearer t");
  });

  test("takes a user without a password, and a password without a user", async () => {
    for (const user of ["me:", ":secret"]) {
      const { fetch, requests } = answering(new Response());
      await uploadArchive(small, `https://${user}@a.test/x`, { fetch });
      assert.equal(requests[0]!.headers.get("authorization"), `Basic ${btoa(user)}`);
    }
  });

  for (const status of [200, 204, 205, 299]) {
    test(`takes a ${status} for a success`, async () => {
      const body = status === 204 || status === 205 ? null : "stored";
      const { fetch } = answering(new Response(body, { status, headers: { "x-a": "b" } }));
      const answer = await uploadArchive(small, "https://a.test/x", { fetch });
      assert.deepEqual([answer.status, await answer.text()], [status, body ?? ""]);
      assert.equal(answer.headers.get("x-a"), "b");
    });
  }

  test("keeps 64 KiB of the answer, and reads no further", async () => {
    let cancelled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(60_000)),
      cancel: () => void (cancelled = true),
    });
    const { fetch } = answering(new Response(endless));
    const answer = await uploadArchive(small, "https://a.test/x", { fetch });
    assert.equal((await answer.arrayBuffer()).byteLength, 65_536);
    assert.ok(cancelled);
  });

  test("sends nothing for a signal that has aborted before", async () => {
    const { fetch, requests } = answering();
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(uploadArchive(small, "https://a.test/x", { signal, fetch }), /enough/);
    assert.deepEqual(requests, []);
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

  test("hears an abort while it waits for the answer", async (t) => {
    const controller = new AbortController();
    const url = await serving(t, (request) => {
      request.resume().on("end", () => controller.abort(new Error("enough")));
    });
    const upload = uploadArchive(small, url, { signal: controller.signal });
    await assert.rejects(upload, { message: "enough" });
  });

  test("keeps each header of the answer, and 64 KiB of its body, by node:http too", async (t) => {
    const url = await serving(t, (request, response) => {
      response.setHeader("set-cookie", ["a=b", "c=d"]);
      request.resume().on("end", () => response.end(new Uint8Array(200_000)));
    });
    const answer = await uploadArchive(small, url);
    assert.deepEqual(answer.headers.getSetCookie(), ["a=b", "c=d"]);
    assert.equal((await answer.arrayBuffer()).byteLength, 65_536);
  });

  for (const [status, expected] of [[403, 403], [200, undefined]] as const) {
    test(`takes a ${status} that breaks off for ${expected ? "the refusal" : "none"}`, async (t) => {
      const url = await serving(t, (request, response) => {
        request.resume().on("end", () => {
          response.writeHead(status, { "content-length": 100 });
          response.write("no room", () => response.destroy());
        });
      });
      await assert.rejects(uploadArchive(small, url), { name: "UploadError", status: expected });
    });
  }

  for (
    const [what, path, name] of [
      ["takes no more", "/deaf", NAMES.endless],
      ["does not answer", "/mute", NAMES.small],
    ]
  ) {
    for (const [how, by] of [["", undefined], [", by fetch", fetch]] as const) {
      test(`gives a server up that ${what} for its stallTimeout${how}`, async (t) => {
        const sink = await startSink(t);
        const plan = await planned(name!);
        const upload = uploadArchive(plan, sink.origin + path, { stallTimeout: 200, fetch: by });
        await assert.rejects(upload, {
          name: "UploadError",
          message: `Cannot upload to ${sink.origin}${path}: ` +
            "it took nothing and answered nothing for 0.2 s",
        });
        assert.equal(store.counts.endlessOpen, 0);
      });
    }
  }

  test("does not count the time that the archive's own source takes", async (t) => {
    const sink = await startSink(t);
    let wait = 0;
    const slow: ContentStore = {
      async open(descriptor, options) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = 0;
        return await store.open(descriptor, options);
      },
    };
    const [root] = await store.roots();
    const plan = await planArchive(slow, [root!]);
    wait = 600;
    const { status } = await uploadArchive(plan, `${sink.origin}/take`, { stallTimeout: 400 });
    assert.equal(status, 201);
  });

  test("refuses a stallTimeout that is no time", async () => {
    await assert.rejects(uploadArchive(small, "http://127.0.0.1", { stallTimeout: NaN }), {
      name: "RangeError",
      message: "Cannot use stallTimeout NaN: expected milliseconds, 1 or more",
    });
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

/** Serves for the time of a test; gives where. */
async function serving(t: TestContext, listener: RequestListener): Promise<string> {
  const { origin, close } = await startServer(listener);
  t.after(close);
  return `${origin}/x`;
}

/** A fetch that reads what is sent and answers with these, one after the other. */
function answering(...answers: Response[]) {
  const requests: { url: string; method: string | undefined; headers: Headers }[] = [];
  const fetch: typeof globalThis.fetch = async (input, { method, headers, body } = {}) => {
    requests.push({ url: String(input), method, headers: new Headers(headers) });
    await new Response(body).arrayBuffer();
    return answers.shift()!;
  };
  return { fetch, requests };
}
