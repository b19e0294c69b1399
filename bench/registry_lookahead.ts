import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { exportArchive } from "../mod.ts";
import { LayoutStore } from "../src/stores/layout.ts";
import { RegistryStore } from "../src/stores/registry/registry.ts";
import {
  type DockerRegistry,
  push,
  startDockerRegistry,
} from "../tests/stores/registry/docker_registry.ts";
import type { Case, Contestant, Context, Sample } from "./contestant.ts";
import { layoutOf, type LayoutShape } from "./fixtures.ts";
import { installed, versionOf } from "./machine.ts";
import { MAIN } from "./peers/oci_archive.ts";
import { RUNTIMES } from "./runtimes.ts";
import { type DelayProxy, startDelayProxy } from "./servers/delay_proxy.ts";
import { timeCommand } from "./timed_command.ts";

const SHAPE: LayoutShape = { images: 1, layers: 60, size: 64 << 10 };
/** Milliseconds that each request takes on its way. */
const LATENCY = 50;
const OFF = "look-ahead off";

/** What do the round trips to a registry cost? */
export function registryLookAhead(context: Context): Case[] {
  const registry = new FarRegistry(context);
  const inProcess = (name: string, lookAhead?: number, atMost?: number): Contestant => ({
    ...registry.contestant(name, () => versionOf("docker-registry", "--version")),
    atMost,
    measure: () => registry.export(lookAhead),
  });
  const byCommand = (
    name: string,
    version: () => string,
    command: (image: string) => string[],
  ): Contestant => ({
    ...registry.contestant(name, version),
    measure: async () => {
      await rm(registry.output, { recursive: true, force: true });
      return await timeCommand(command(registry.image));
    },
  });
  return [{
    name: "registry-60x64k",
    title: `60 blobs of 64 KiB from a registry ${LATENCY} ms away`,
    reference: OFF,
    bytes: SHAPE.layers * SHAPE.size,
    contestants: [
      inProcess(OFF, 0),
      inProcess("look-ahead on", undefined, 0.35),
      ...RUNTIMES.map((runtime) =>
        byCommand(
          `oci-archive on ${runtime.name}`,
          () => runtime.version(),
          (image) => [
            ...runtime.command(MAIN),
            ...["export", `docker://${image}`, "-o", registry.output],
          ],
        )
      ),
      byCommand("skopeo copy", () => versionOf("skopeo", "--version"), (image) => [
        ...[installed("skopeo"), "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"],
        ...[`docker://${image}`, `oci-archive:${registry.output}`],
      ]),
      byCommand("oras copy, to a layout", () => versionOf("oras", "version"), (image) => [
        ...[installed("oras"), "copy", "--no-tty", "--from-plain-http", image],
        ...["--to-oci-layout", `${registry.output}:latest`],
      ]),
    ],
  }];
}

/** Docker's registry with an image in it, behind a proxy that takes its time. */
class FarRegistry {
  readonly output: string;
  #context: Context;
  #home: string;
  #running: { registry: DockerRegistry; proxy: DelayProxy } | undefined;
  #users = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#home = join(context.folder, "registry");
    this.output = join(context.folder, "from-registry");
  }

  get image(): string {
    return `${this.#running!.proxy.host}/bench/image:latest`;
  }

  /** What all contestants have in common; the first one starts the registry, the last one ends it. */
  contestant(
    name: string,
    version: () => string,
  ): Pick<Contestant, "name" | "version" | "prepare" | "close"> {
    let isUser = false;
    return {
      name,
      version: () => Promise.resolve(version()),
      prepare: async () => {
        isUser = true;
        this.#users++;
        this.#running ??= await this.#start();
      },
      close: async () => {
        if (isUser && --this.#users === 0) await this.#stop();
      },
    };
  }

  async export(lookAhead: number | undefined): Promise<Sample> {
    const started = performance.now();
    const store = new RegistryStore(this.image, { lookAhead });
    const reader = exportArchive(store, [await store.resolve()]).getReader();
    while (!(await reader.read()).done);
    return { seconds: (performance.now() - started) / 1000 };
  }

  async #start() {
    installed("docker-registry");
    installed("oras");
    const layout = await layoutOf(this.#context, SHAPE);
    await mkdir(this.#home, { recursive: true });
    const registry = await startDockerRegistry(this.#home, { storage: join(this.#home, "data") });
    const [root] = await new LayoutStore(layout).roots();
    await push(layout, root!.digest, { to: `${registry.host}/bench/image` });
    return { registry, proxy: await startDelayProxy(registry.host, LATENCY) };
  }

  async #stop(): Promise<void> {
    const { registry, proxy } = this.#running!;
    this.#running = undefined;
    await proxy.stop();
    await registry.stop();
    for (const path of [this.#home, this.output]) await rm(path, { recursive: true, force: true });
  }
}
