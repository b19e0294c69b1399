import { installed, versionOf } from "../machine.ts";
import { ImageInContainerd } from "./image_in_containerd.ts";
import type { Peer } from "./peer.ts";

/** The name of the peer that others are held against where containerd is the source. */
export const CTR = "ctr images export";

/**
 * `ctr images export` against a containerd that has the image already. Its peak memory is that of
 * ctr alone. Takes layouts of one image.
 */
export function ctr(image: ImageInContainerd = new ImageInContainerd()): Peer {
  const { start, stop } = image.user();
  return {
    name: CTR,
    version() {
      ImageInContainerd.check();
      return Promise.resolve(versionOf("ctr", "--version"));
    },
    prepare: start,
    command: (_, { path }) => [
      ...[installed("ctr"), "--address", image.address],
      ...["images", "export", "--all-platforms", path, image.name],
    ],
    close: stop,
  };
}
