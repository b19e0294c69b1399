import type { TarPackController } from "modern-tar";
import { layoutBlobs, verified } from "./layout_blobs.ts";
import type { LibraryPeer } from "./library_peer.ts";
import { npmVersion } from "./npm_version.ts";

const MODERN_TAR: LibraryPeer = {
  name: "modern-tar + node:crypto",
  version: () => npmVersion("modern-tar"),
  async archive(layout) {
    const { createTarPacker } = await import("modern-tar");
    const { readable, controller } = createTarPacker();
    packAll(controller, layout).catch((error) => controller.error(error));
    return { chunks: readable };
  },
};

async function packAll(controller: TarPackController, layout: string): Promise<void> {
  for (const blob of await layoutBlobs(layout)) {
    const entry = controller.add({ name: blob.name, size: blob.size, mode: 0o444 });
    const writer = entry.getWriter();
    for await (const chunk of verified(blob)) {
      await writer.ready;
      writer.write(chunk).catch(() => {});
    }
    await writer.close();
  }
  controller.finalize();
}

export default MODERN_TAR;
