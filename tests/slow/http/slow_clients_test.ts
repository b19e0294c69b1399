/** 200 clients that ask for an archive and do not read it. */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type Counts, NAMES } from "../../http/servers/app.ts";
import { RUNTIMES } from "../../http/servers/start.ts";
import { ask } from "../../http/wire.ts";
import { peakMemory } from "./peak_memory.ts";

const CLIENTS = 200;
const MIB = 1 << 20;

describe("200 slow clients", () => {
  for (const { name, skip, start } of RUNTIMES) {
    test(`hold less than 400 MB of ${name}`, { skip }, async (t) => {
      const server = await start();
      t.after(() => server.stop());
      const counts = async (): Promise<Counts> =>
        JSON.parse((await ask(server.origin, "/counts")).text());

      const sockets = await Promise.all(
        Array.from({ length: CLIENTS }, () => slowClient(server.origin)),
      );
      let { endlessBytes, endlessOpen } = await counts();
      for (let before = -1; before !== endlessBytes || endlessOpen < CLIENTS;) {
        before = endlessBytes;
        await wait(500);
        ({ endlessBytes, endlessOpen } = await counts());
      }
      const peak = peakMemory(server.pid);
      t.diagnostic(
        `${name}: peak ${peak / MIB} MiB, read ${endlessBytes / CLIENTS / MIB} MiB each`,
      );
      assert.ok(peak < 400 * MIB, `${peak / MIB} MiB`);

      for (const socket of sockets) socket.destroy();
      while ((await counts()).endlessOpen > 0) await wait(50);
    });
  }
});

/** A client that reads one piece of the endless archive, and then nothing. */
function slowClient(origin: string): Promise<Socket> {
  const { hostname, port, host } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      const path = `/archives/${encodeURIComponent(NAMES.endless)}.tar`;
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    });
    socket.once("data", () => {
      socket.pause();
      resolve(socket);
    });
    socket.on("error", reject);
  });
}
