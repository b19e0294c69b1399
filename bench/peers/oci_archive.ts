import { fileURLToPath } from "node:url";
import type { Runtime } from "../runtimes.ts";
import type { Peer } from "./peer.ts";

/** The command of this project. */
export const MAIN: string = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** This project's command on a runtime. */
export function ociArchive(runtime: Runtime): Peer {
  return {
    name: `oci-archive on ${runtime.name}`,
    version: () => Promise.resolve(runtime.version()),
    command: (layout, { kind, path }) => [
      ...runtime.command(MAIN),
      "export",
      "--quiet",
      `oci:${layout}`,
      "-o",
      kind === "pipe" ? "-" : path,
    ],
  };
}
