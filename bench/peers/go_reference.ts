import { execFileSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { installed, versionOf } from "../machine.ts";
import type { Peer } from "./peer.ts";

const SOURCE = fileURLToPath(new URL("seed_export.go", import.meta.url));

/** The name of the peer that all others are held against. */
export const GO_REFERENCE = "Go reference";

/** containerd's algorithm on Go's standard library: reads and hashes in turn, in one process. */
export function goReference(folder: string): Peer {
  const program = join(folder, "seed_export");
  return {
    name: GO_REFERENCE,
    version: () => Promise.resolve(versionOf("go", "version")),
    prepare() {
      execFileSync(installed("go"), ["build", "-o", program, SOURCE], {
        env: { ...process.env, CGO_ENABLED: "0" },
      });
      return Promise.resolve();
    },
    command: (layout, { path }) => [program, layout, path],
  };
}
