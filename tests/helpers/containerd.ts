import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must, run } from "./program.ts";

/** A containerd of our own, which meets no other. */
export interface Containerd {
  /** Its socket. */
  address: string;
  ctr(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Starts one in a folder, which stays when it stops. */
export async function startContainerd(folder: string): Promise<Containerd> {
  const at = (name: string) => join(folder, name);
  const address = at("sock");
  await writeFile(
    at("config.toml"),
    `version = 2
root = "${at("root")}"
state = "${at("state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
  address = "${address}"
[ttrpc]
  address = "${at("ttrpc")}"
`,
  );
  const child = spawn("containerd", ["-c", at("config.toml")], { stdio: "ignore" });
  const ended = once(child, "close");
  const isReady = async () => (await run("ctr", ["-a", address, "version"])).status === 0;
  while (!await isReady()) {
    assert.equal(child.exitCode, null, "containerd ended");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    address,
    ctr: (...args) => must("ctr", ["-a", address, ...args]),
    async stop() {
      child.kill();
      await ended;
    },
  };
}
