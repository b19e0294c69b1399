import { once } from "node:events";
import type { Pack } from "tar-stream";
import { layoutBlobs, verified } from "./layout_blobs.ts";
import type { LibraryPeer } from "./library_peer.ts";
import { npmVersion } from "./npm_version.ts";

const TAR_STREAM: LibraryPeer = {
  name: "tar-stream + node:crypto",
  version: () => npmVersion("tar-stream"),
  async archive(layout) {
    const { pack } = await import("tar-stream");
    const archive = pack();
    packAll(archive, layout).catch((error) => archive.destroy(error));
    return { chunks: archive as unknown as AsyncIterable<Uint8Array> };
  },
};

async function packAll(archive: Pack, layout: string): Promise<void> {
  for (const blob of await layoutBlobs(layout)) {
    const entry = archive.entry({ name: blob.name, size: blob.size, mode: 0o444 });
    for await (const chunk of verified(blob)) {
      if (!entry.write(chunk)) await once(entry, "drain");
    }
    entry.end(undefined);
    await once(entry, "finish");
  }
  archive.finalize();
}

export default TAR_STREAM;
