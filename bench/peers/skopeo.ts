import { installed, versionOf } from "../machine.ts";
import type { Peer } from "./peer.ts";

/** skopeo copies into a temporary layout first, then makes a tar of it. One image at a time. */
export function skopeo(folder: string): Peer {
  return {
    name: "skopeo copy",
    version: () => Promise.resolve(versionOf("skopeo", "--version")),
    // Only --tmpdir and this say where that layout lies; by default it is /var/tmp.
    env: { TMPDIR: folder },
    command: (layout, { path }) => [
      installed("skopeo"),
      "--insecure-policy",
      "copy",
      "--quiet",
      `oci:${layout}`,
      `oci-archive:${path}`,
    ],
  };
}
