import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Containerd, startContainerd } from "../../tests/helpers/containerd.ts";
import { MissingError } from "../contestant.ts";
import { archiveOf } from "../fixtures.ts";
import { installed } from "../machine.ts";

/** Who needs the image to be there. */
export interface ContainerdUser {
  start(layout: string): Promise<void>;
  stop(): Promise<void>;
}

/** The image of a layout of one, in a containerd that the first user starts and the last one ends. */
export class ImageInContainerd {
  readonly name = "docker.io/library/bench:0";
  #running: Promise<{ folder: string; containerd: Containerd }> | undefined;
  #address = "";
  #users = 0;

  /** @throws {MissingError} */
  static check(): void {
    if (process.getuid?.() !== 0) throw new MissingError("containerd has to be run as root");
    installed("containerd");
    installed("ctr");
  }

  /** Its socket. */
  get address(): string {
    return this.#address;
  }

  /** Somebody who wants it; to stop without having started is nothing. */
  user(): ContainerdUser {
    let isUser = false;
    return {
      start: async (layout) => {
        isUser = true;
        this.#users++;
        this.#running ??= this.#start(layout);
        this.#address = (await this.#running).containerd.address;
      },
      stop: async () => {
        if (isUser && --this.#users === 0) await this.#stop();
        isUser = false;
      },
    };
  }

  async #stop(): Promise<void> {
    const { folder, containerd } = await this.#running!;
    this.#running = undefined;
    await containerd.stop();
    await rm(folder, { recursive: true });
  }

  async #start(layout: string): Promise<{ folder: string; containerd: Containerd }> {
    const folder = await mkdtemp(join(tmpdir(), "containerd-"));
    const containerd = await startContainerd(folder);
    const archive = await archiveOf(layout);
    await containerd.ctr("images", "import", "--no-unpack", "--all-platforms", archive);
    return { folder, containerd };
  }
}
