/** Serves the page and its images, in a process of its own: `deno run -A tests/http/page/server.ts`. */
import { archivePage, createArchiveHandler } from "../../../src/http/mod.ts";
import { PageStore } from "./images.ts";

const store = await PageStore.create();
const empty = { roots: () => Promise.resolve([]), open: store.open.bind(store) };
const options = { page: archivePage(), responseOptions: { cacheControl: "no-store" } };
const handlers = {
  full: createArchiveHandler({ ...options, stores: [store] }),
  empty: createArchiveHandler({ ...options, stores: [empty], basePath: "/empty" }),
};

/** What the tests ask about the store, and tell it. */
function control({ pathname, searchParams }: URL): Response | undefined {
  if (pathname === "/control/opened") return Response.json(store.opened.splice(0));
  if (pathname === "/control/stall") {
    store.stalled = searchParams.has("on");
    return Response.json(store.stalled);
  }
  return undefined;
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ port })),
}, async (request) => {
  const url = new URL(request.url);
  const handler = url.pathname.startsWith("/empty/") ? handlers.empty : handlers.full;
  return control(url) ?? await handler(request);
});
