import { fileURLToPath } from "node:url";
import type { Case, Context } from "./contestant.ts";
import { layoutOf } from "./fixtures.ts";
import { GO_REFERENCE, goReference } from "./peers/go_reference.ts";
import { MAIN, ociArchive } from "./peers/oci_archive.ts";
import { RUNTIMES } from "./runtimes.ts";
import { timeCommand } from "./timed_command.ts";

const EMPTY = fileURLToPath(new URL("children/empty.js", import.meta.url));
const NOWHERE = { kind: "null", path: "/dev/null" } as const;

/** How long does the command take where there is hardly anything to do? */
export function startup(context: Context): Case[] {
  const go = goReference(context.folder);
  return RUNTIMES.map((runtime) => {
    const version = () => Promise.resolve(runtime.version());
    const ours = ociArchive(runtime);
    let tiny = "";
    const prepare = async () => {
      tiny = await layoutOf(context, { images: 1, layers: 1, size: 1024 });
    };
    return {
      name: `startup-${runtime.name.toLowerCase().replace(" ", "")}`,
      title: `the start of the command on ${runtime.name}`,
      reference: "an empty program",
      contestants: [
        {
          name: "an empty program",
          version,
          measure: () => timeCommand(runtime.command(EMPTY)),
        },
        {
          name: "oci-archive --version",
          version,
          measure: () => timeCommand([...runtime.command(MAIN), "--version"]),
        },
        {
          name: "oci-archive export of 1 KiB",
          version,
          prepare,
          measure: () => timeCommand(ours.command(tiny, NOWHERE)),
        },
        {
          name: `${GO_REFERENCE}, 1 KiB`,
          version: () => go.version(),
          async prepare() {
            await prepare();
            await go.prepare!(tiny);
          },
          measure: () => timeCommand(go.command(tiny, NOWHERE)),
        },
      ],
    };
  });
}
