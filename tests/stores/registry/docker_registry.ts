import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../helpers/free_port.ts";
import { must } from "../../helpers/program.ts";

/** A running registry. */
export interface DockerRegistry {
  /** Its `host:port`. */
  host: string;
  stop(): Promise<void>;
}

/** How to run it. */
export interface DockerRegistryOptions {
  /** Where its blobs are; several registries may share them. */
  storage: string;
  /** A user and a password for all. */
  htpasswd?: { username: string; password: string };
  /** A certificate and its key, as PEM files. */
  tls?: { certificate: string; key: string };
  /** A token server, and the certificate of the key it signs with. */
  token?: { realm: string; service: string; issuer: string; certificate: string };
}

/** Runs Docker's own registry on a free port of this machine. */
export async function startDockerRegistry(
  folder: string,
  { storage, htpasswd, tls, token }: DockerRegistryOptions,
): Promise<DockerRegistry> {
  const port = await freePort();
  const auth: Record<string, unknown> = {};
  const home = join(folder, `registry-${port}`);
  await mkdir(home, { recursive: true });
  if (htpasswd) {
    const path = join(home, "htpasswd");
    const { username, password } = htpasswd;
    await writeFile(path, await must("htpasswd", ["-Bbn", "-C", "4", username, password]));
    auth.htpasswd = { realm: "test", path };
  }
  if (token) {
    const { certificate, ...rest } = token;
    auth.token = { ...rest, rootcertbundle: certificate };
  }
  // JSON is YAML.
  const config = JSON.stringify({
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage } },
    http: { addr: `127.0.0.1:${port}`, ...(tls && { tls }) },
    ...(Object.keys(auth).length > 0 && { auth }),
    validation: { manifests: { urls: { allow: [".*"] } } },
  });
  const file = join(home, "config.yml");
  await writeFile(file, config);
  const child = spawn("docker-registry", ["serve", file], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  for (let tries = 0; !await answers(port); tries++) {
    if (tries > 200 || child.exitCode !== null) {
      await stop();
      throw new Error("docker-registry does not start");
    }
    await wait(50);
  }
  return { host: `127.0.0.1:${port}`, stop };
}

/** Pushes an image of a layout, bytes as they are. Gives the tag `latest` to it. */
export async function push(
  layout: string,
  digest: string,
  { to, isLenient }: { to: string; isLenient?: boolean },
): Promise<void> {
  const args = [
    "cp",
    "--from-oci-layout",
    `${layout}@${digest}`,
    "--to-plain-http",
    `${to}:latest`,
  ];
  try {
    await must("oras", args);
  } catch (error) {
    if (!isLenient) throw error;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
