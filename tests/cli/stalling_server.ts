import { exportArchive, MemoryStore } from "../../mod.ts";
import { collect, noise } from "../helpers/bytes.ts";
import { addImage } from "../helpers/image.ts";
import { startServer } from "../helpers/server.ts";

/** A server of an archive, and what it is as a source. */
export interface StallingServer {
  source: string;
  /** Serves the rest. */
  goOn(): void;
  close(): void;
}

/** Serves an archive up to its last KiB, and then nothing: whoever exports it has to wait. */
export async function stallingServer(): Promise<StallingServer> {
  const archive = await largeArchive();
  let goOn = () => {};
  const allowed = new Promise<void>((resolve) => goOn = resolve);
  const { origin, close } = await startServer((request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!.map(Number);
    const end = Math.min(to! + 1, archive.length);
    response.writeHead(206, {
      "content-range": `bytes ${from}-${end - 1}/${archive.length}`,
      "content-length": end - from!,
    });
    const isLayer = end - from! > 1 << 20;
    response.write(archive.subarray(from, isLayer ? end - 1024 : end));
    if (isLayer) allowed.then(() => response.end(archive.subarray(end - 1024, end)));
    else response.end();
  });
  return { source: `oci-archive:${origin}/image.tar`, goOn, close };
}

/** An archive with a layer of 2 MiB. */
async function largeArchive(): Promise<Uint8Array> {
  const store = new MemoryStore();
  const { manifest } = await addImage(store, { layers: [noise(2 << 20)] });
  return await collect(exportArchive(store, [manifest]));
}
