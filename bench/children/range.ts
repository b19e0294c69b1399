/**
 * `range.ts LAYOUT SHARE`: reads one MiB out of the blob that lies at this share of the archive, and
 * tells how long that takes once there is a plan. The layers' bytes are zeros, out of nowhere.
 */
import process from "node:process";
import { type ContentStore, MediaType, planArchive } from "../../mod.ts";
import { LayoutStore } from "../../src/stores/layout.ts";

const SIZE = 1 << 20;
const TIMES = 200;

const [folder, share] = process.argv.slice(2) as [string, string];
const layout = new LayoutStore(folder);
const store: ContentStore = {
  open: (descriptor, options) =>
    descriptor.mediaType === MediaType.ImageLayerGzip
      ? Promise.resolve(new Uint8Array(Math.min(options?.length ?? SIZE, SIZE)))
      : layout.open(descriptor, options),
};
const plan = await planArchive(store, await layout.roots());
const large = plan.entries.filter(({ descriptor, size }) => descriptor && size > SIZE);
const { bodyOffset } = large[Math.floor(Number(share) * (large.length - 1))]!;
const started = performance.now();
for (let i = 0; i < TIMES; i++) {
  const start = bodyOffset + i;
  for await (const _ of plan.stream({ start, end: start + SIZE }));
}
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000 / TIMES }));
