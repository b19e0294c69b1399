import { BufferPool, planArchive } from "../../mod.ts";
import { VERSION } from "../../src/cli/version.ts";
import { LayoutStore } from "../../src/stores/layout.ts";
import type { LibraryPeer } from "./library_peer.ts";

const LIBRARY_BUFFERS: LibraryPeer = {
  name: "plan.stream({ buffers })",
  version: () => Promise.resolve(VERSION),
  async archive(layout) {
    const store = new LayoutStore(layout);
    const plan = await planArchive(store, await store.roots());
    const buffers = new BufferPool();
    return { chunks: plan.stream({ buffers }), done: (chunk) => buffers.give(chunk) };
  },
};

export default LIBRARY_BUFFERS;
