import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { must } from "../../tests/helpers/program.ts";
import { MissingError } from "../contestant.ts";
import { archiveOf } from "../fixtures.ts";
import { installed, versionOf } from "../machine.ts";
import type { Peer } from "./peer.ts";

const IMAGE = "docker.io/library/bench:0";

/**
 * `ctr images export` against a containerd of its own, which has the image already. Its peak memory
 * is that of ctr alone. Takes layouts of one image.
 */
export function ctr(): Peer {
  let daemon: Containerd | undefined;
  const client = (...args: string[]) => [installed("ctr"), "--address", daemon!.address, ...args];
  return {
    name: "ctr images export",
    version() {
      if (process.getuid?.() !== 0) throw new MissingError("containerd has to be run as root");
      installed("containerd");
      return Promise.resolve(versionOf("ctr", "--version"));
    },
    async prepare(layout) {
      daemon = await startContainerd();
      const [program, ...args] = client("images", "import", "--no-unpack", "--all-platforms");
      await must(program!, [...args, await archiveOf(layout)]);
    },
    command: (_, { path }) => client("images", "export", "--all-platforms", path, IMAGE),
    close: async () => await daemon?.stop(),
  };
}

interface Containerd {
  address: string;
  stop(): Promise<void>;
}

async function startContainerd(): Promise<Containerd> {
  const folder = await mkdtemp(join(tmpdir(), "containerd-"));
  const address = join(folder, "containerd.sock");
  const config = join(folder, "config.toml");
  await writeFile(
    config,
    `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
  address = "${address}"
`,
  );
  const daemon = spawn(installed("containerd"), ["--config", config, "--log-level", "error"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const stop = async () => {
    if (daemon.exitCode === null) {
      daemon.kill();
      await once(daemon, "exit");
    }
    await rm(folder, { recursive: true });
  };
  try {
    await answers(address, daemon);
    return { address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function answers(address: string, daemon: ChildProcess): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      await must(installed("ctr"), ["--address", address, "--connect-timeout", "1s", "version"]);
      return;
    } catch (error) {
      if (daemon.exitCode !== null || tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
