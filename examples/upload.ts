/**
 * The images of a layout to where a URL takes them, in one request whose length is known beforehand.
 *
 *     deno run -A examples/upload.ts ./layout https://files.example.com/images.tar
 */
import process from "node:process";
import { planArchive } from "@oci/archive";
import { uploadArchive } from "@oci/archive/http";
import { LayoutStore } from "@oci/archive/layout";

const [layout, url] = process.argv.slice(2);
if (!layout || !url) throw new TypeError("Expected a layout and a URL");

const store = new LayoutStore(layout);
const plan = await planArchive(store, await store.roots());
const { status } = await uploadArchive(plan, url, {
  onProgress: ({ bytes, total }) => console.log(`${Math.floor(bytes / total * 100)} %`),
});
console.log(`${plan.size} bytes, status ${status}`);
