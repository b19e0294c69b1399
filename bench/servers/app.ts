import process from "node:process";
import { archiveResponse } from "../../src/http/mod.ts";
import { planArchive } from "../../mod.ts";
import { LayoutStore } from "../../src/stores/layout.ts";

/** Answers requests for a file with the bytes that lie there, unverified. */
export type SendFile = (path: string) => Response | Promise<Response>;

/**
 * What every runtime serves in these benchmarks: `/archive`, made of the layout that the command line
 * names, and `/file`, the same bytes from the file that it names behind it.
 */
export async function createApp(
  sendFile: SendFile,
): Promise<(request: Request) => Response | Promise<Response>> {
  const [layout, file] = process.argv.slice(2) as [string, string];
  const store = new LayoutStore(layout);
  const plan = await planArchive(store, await store.roots());
  return (request) =>
    new URL(request.url).pathname === "/file" ? sendFile(file) : archiveResponse(plan, request);
}
