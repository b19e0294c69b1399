/**
 * A Cloudflare worker that turns `GET /ghcr.io/org/app:1.2.tar` into a streamed archive out of that
 * registry, with its length, an ETag and ranges. Nothing is stored, and no blob is held in memory.
 *
 *     deno bundle -o worker.js examples/cloudflare_worker.ts
 */
import { ArchiveError, parseReference, planArchive } from "@oci/archive";
import { archiveResponse } from "@oci/archive/http";
import { RegistryStore } from "@oci/archive/registry";

/** What wrangler.toml or workerd's configuration gives the worker. */
interface Environment {
  /** The registries that may be asked, with commas between: whoever knows the URL can ask them. */
  HOSTS: string;
}

async function answer(request: Request, hosts: readonly string[]): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const image = /^\/(.+)\.tar$/.exec(decodeURIComponent(pathname))?.[1];
  if (image === undefined) return new Response("Expected /IMAGE.tar\n", { status: 404 });
  if (!hosts.includes(parseReference(image).domain)) {
    return new Response("Images of this registry are not served here\n", { status: 403 });
  }
  const store = new RegistryStore(image);
  const root = { descriptor: await store.resolve(), names: [store.name] };
  const platforms = searchParams.getAll("platform");
  return archiveResponse(await planArchive(store, [root], { platforms }), request);
}

const worker: { fetch(request: Request, env: Environment): Promise<Response> } = {
  async fetch(request, { HOSTS }) {
    try {
      return await answer(request, HOSTS.split(","));
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      return new Response(`${error.message}\n`, { status: 502 });
    }
  },
};
export default worker;
