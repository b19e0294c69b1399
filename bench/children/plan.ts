/** `plan.ts LAYOUT`: plans an archive of all images, and tells how long that took. */
import process from "node:process";
import { planArchive } from "../../mod.ts";
import { LayoutStore } from "../../src/stores/layout.ts";

const store = new LayoutStore(process.argv[2]!);
const started = performance.now();
const { size } = await planArchive(store, await store.roots());
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ seconds, size }));
// Deno 2.9 now and then dies of a signal where it ends by itself while V8 still collects garbage.
process.exit();
