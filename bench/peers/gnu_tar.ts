import { installed, versionOf } from "../machine.ts";
import type { Peer } from "./peer.ts";

/** What moving the bytes costs where nobody looks at them: no digest is computed. */
export const GNU_TAR: Peer = {
  name: "GNU tar (no hashing)",
  version: () => Promise.resolve(versionOf("tar", "--version")),
  command: (layout, { kind, path }) => [
    installed("tar"),
    "--sort=name",
    "--directory",
    layout,
    // tar knows /dev/null and does not read what would go there; /dev/zero swallows as fast.
    ...(kind === "null" ? ["--file", "/dev/zero"] : ["--file", kind === "pipe" ? "-" : path]),
    "--create",
    ".",
  ],
};
