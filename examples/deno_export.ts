/**
 * An image out of a registry into a file, on Deno.
 *
 *     deno run -A examples/deno_export.ts alpine:3.20 alpine.tar linux/arm64
 */
import { planArchive } from "@oci/archive";
import { RegistryStore } from "@oci/archive/registry";

const [image, file, ...platforms] = Deno.args;
if (!image || !file) throw new TypeError("Expected an image and a file: alpine:3.20 alpine.tar");

const store = new RegistryStore(image);
const root = { descriptor: await store.resolve(), names: [store.name] };
const plan = await planArchive(store, [root], { platforms });
await Deno.writeFile(file, plan.stream());
console.log(`${file}: ${plan.size} bytes, ${plan.manifests[0]?.digest}`);
