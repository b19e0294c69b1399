import process from "node:process";
import { createArchiveHandler } from "../http/handler.ts";
import { archivePage } from "../http/page.ts";
import { describe } from "./describe.ts";
import { hostCheck, hostOf } from "./host_check.ts";
import { listen } from "./http_server.ts";
import { type OpenFlags, openSources } from "./source.ts";
import { UsageError } from "./usage.ts";

/** The flags of `serve`. */
export interface ServeFlags extends OpenFlags {
  port: number;
  hostname: string;
  allowHost?: string[];
}

/** `oci-archive serve`: archives over HTTP, until it is interrupted. */
export async function serveCommand(
  sources: readonly string[],
  { port, hostname, allowHost = [], ...flags }: ServeFlags,
  signal: AbortSignal,
): Promise<void> {
  // An address of none is everybody's: a variable that is not set must not mean that.
  if (hostname === "") throw new UsageError("--hostname names no host");
  for (const host of allowHost) {
    if (!hostOf(host)) throw new UsageError(`--allow-host ${host} is no host's name`);
  }
  const { store, list } = await openSources(sources, flags, signal);
  const { length } = await list();
  const handlerAt = (address: string) =>
    createArchiveHandler({
      list: async () => (await list()).map((root) => ({ store, root })),
      page: archivePage(),
      authorize: hostCheck(address, [hostname, ...allowHost]),
      onError: (error) =>
        process.stderr.write(`oci-archive: ${describe(error, "?skip-missing")}\n`),
    });
  const { origin, server } = await listen(handlerAt, port, hostname);
  process.stderr.write(
    `oci-archive: ${length} image${length === 1 ? "" : "s"} at ${origin}/\n`,
  );
  await new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  }).finally(() => {
    server.close();
    server.closeAllConnections?.();
  });
}
