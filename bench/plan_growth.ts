import { fileURLToPath } from "node:url";
import type { Case, Contestant, Context } from "./contestant.ts";
import { layoutOf, type LayoutShape } from "./fixtures.ts";
import { DENO } from "./runtimes.ts";
import { timeChild, timeCommand } from "./timed_command.ts";

const LAYER = { size: 64 << 20, hollow: true };
/** A manifest, a config and eight layers: ten entries. */
const IMAGE = { ...LAYER, layers: 8 };

/** What does an archive cost before its first byte, and how does that grow? */
export function planGrowth(context: Context): Case[] {
  const most = Math.max(100, 100_000 * context.scale);
  const widths = [10, 100, 1000, 10_000, 100_000].filter((entries) => entries <= most);
  const depths = [0, 1, 2, 4, 8, 16, 31];
  const widest: LayoutShape = { ...IMAGE, images: widths.at(-1)! / 10 };
  return [
    {
      name: "plan-images",
      title: "planning many images of 10 entries each",
      contestants: [
        IDLE,
        ...widths.map((entries) =>
          planning(context, `${entries} entries`, { ...IMAGE, images: entries / 10 })
        ),
      ],
    },
    {
      name: "plan-layers",
      title: "planning images of many layers",
      contestants: [
        IDLE,
        ...[10, 100, 1000, 10_000].filter((layers) => layers <= most).map((layers) =>
          planning(context, `${layers} layers`, { ...LAYER, images: 1, layers })
        ),
        planning(context, `${most} entries in 100 images`, {
          ...LAYER,
          images: 100,
          layers: Math.max(1, most / 100 - 2),
        }),
      ],
    },
    {
      name: "plan-depth",
      title: "planning 100 images below nested indexes",
      contestants: [
        IDLE,
        ...depths.map((depth) =>
          planning(context, `${depth} deep`, { ...IMAGE, images: 100, depth })
        ),
      ],
    },
    {
      name: "plan-range",
      title: `1 MiB out of a planned archive of ${widths.at(-1)} entries`,
      reference: "at its start",
      bytes: 1 << 20,
      contestants: [
        ranging(context, "at its start", widest, 0),
        ranging(context, "in its middle", widest, 0.5),
        ranging(context, "at its far end", widest, 1),
      ],
    },
  ];
}

/** What the runtime itself takes, to be subtracted from the others' memory. */
const IDLE: Contestant = {
  name: "nothing (start and end of Deno)",
  version: () => Promise.resolve(DENO.version()),
  measure: () => timeCommand(DENO.command(child("empty.js"))),
};

function planning(context: Context, name: string, shape: LayoutShape): Contestant {
  return onDeno(context, name, shape, child("plan.ts"));
}

function ranging(context: Context, name: string, shape: LayoutShape, share: number): Contestant {
  return onDeno(context, name, shape, child("range.ts"), `${share}`);
}

function onDeno(
  context: Context,
  name: string,
  shape: LayoutShape,
  file: string,
  ...args: string[]
): Contestant {
  let command: string[] = [];
  return {
    name,
    version: () => Promise.resolve(DENO.version()),
    async prepare() {
      command = [...DENO.command(file), await layoutOf(context, shape), ...args];
    },
    measure: () => timeChild(command),
  };
}

function child(file: string): string {
  return fileURLToPath(new URL(`children/${file}`, import.meta.url));
}
