/**
 * A Cloudflare worker that turns `GET /archives/ghcr.io/org/app:1.2.tar` into a streamed archive out of
 * that registry, with its length, an ETag and ranges. Nothing is stored, and no blob is held in memory.
 *
 *     deno bundle -o worker.js examples/cloudflare_worker.ts
 */
import { type ArchiveHandler, createArchiveHandler, type ServedImage } from "@oci/archive/http";
import { RegistryStore } from "@oci/archive/registry";

/** What wrangler.toml or workerd's configuration gives the worker. */
interface Environment {
  /** The registries that may be asked, with commas between: whoever knows the URL can ask them. */
  HOSTS: string;
}

async function resolve(reference: string): Promise<ServedImage> {
  const store = new RegistryStore(reference);
  return { store, root: { descriptor: await store.resolve(), names: [store.name] } };
}

const worker: { fetch: (request: Request, env: Environment) => ReturnType<ArchiveHandler> } = {
  fetch(request, { HOSTS }) {
    // Each request has a store of its own: a plan kept for the next one would not be found.
    const planCache = { maxBytes: 0 };
    return createArchiveHandler({ hosts: HOSTS.split(","), resolve, planCache })(request);
  },
};
export default worker;
