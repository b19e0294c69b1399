import { exportArchive } from "../../mod.ts";
import { VERSION } from "../../src/cli/version.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import type { LibraryPeer } from "./library_peer.ts";

const LIBRARY: LibraryPeer = {
  name: "exportArchive()",
  version: () => Promise.resolve(VERSION),
  async archive(layout) {
    const store = new LayoutStore(layout);
    return { chunks: exportArchive(store, await store.roots()) };
  },
};

export default LIBRARY;
