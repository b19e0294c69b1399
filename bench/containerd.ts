import type { Case, Context } from "./contestant.ts";
import { layerBytes, layoutOf, type LayoutShape, scaled } from "./fixtures.ts";
import { CTR, ctr } from "./peers/ctr.ts";
import { ImageInContainerd } from "./peers/image_in_containerd.ts";
import { MAIN } from "./peers/oci_archive.ts";
import { RUNTIMES } from "./runtimes.ts";
import { timeCommand } from "./timed_command.ts";

const SHAPE: LayoutShape = { images: 1, layers: 1, size: 1 << 30 };

/** Out of a running containerd: what does its own client cost, and what do we? */
export function containerd(context: Context): Case[] {
  const shape = scaled(SHAPE, context.scale);
  const image = new ImageInContainerd();
  const peer = ctr(image);
  const layout = () => layoutOf(context, shape);
  return [{
    name: "containerd-1g",
    title: "one 1 GiB blob out of containerd to /dev/null",
    reference: CTR,
    bytes: layerBytes(shape),
    contestants: [
      {
        name: CTR,
        version: () => peer.version(),
        prepare: async () => await peer.prepare!(await layout()),
        measure: async () =>
          await timeCommand(peer.command(await layout(), { kind: "null", path: "/dev/null" })),
        close: peer.close,
      },
      ...RUNTIMES.map((runtime) => {
        const { start, stop } = image.user();
        return {
          name: `oci-archive on ${runtime.name}`,
          version() {
            ImageInContainerd.check();
            return Promise.resolve(runtime.version());
          },
          prepare: async () => await start(await layout()),
          measure: () => {
            const source = `containerd:${image.name}`;
            return timeCommand(
              [...runtime.command(MAIN), "export", "--quiet", source, "-o", "/dev/null"],
              { env: { CONTAINERD_ADDRESS: image.address } },
            );
          },
          close: stop,
        };
      }),
    ],
  }];
}
