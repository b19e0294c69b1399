import { readFile } from "node:fs/promises";
import { InvalidReferenceError } from "../errors.ts";
import { type RegistryOptions, RegistryStore } from "../stores/registry/registry.ts";
import { fetchWithCa } from "./ca_fetch.ts";
import { findCredentials } from "./credential_files.ts";
import type { RegistryFlags, Source } from "./source.ts";
import { cannotRead, UsageError } from "./usage.ts";

/** Opens `docker://IMAGE`, with the credentials of Docker's and Podman's files. */
export async function openRegistry(
  image: string,
  { plainHttp, ca, authfile }: RegistryFlags,
  signal: AbortSignal,
): Promise<Source> {
  if (!image.startsWith("//")) {
    throw new UsageError(`docker:${image} is no source: expected docker://HOST/NAME[:TAG|@DIGEST]`);
  }
  const name = image.slice(2);
  const store: RegistryStore = open(name, {
    // A registry with a certificate speaks TLS, on loopback too.
    plainHttp: plainHttp ?? (ca === undefined ? undefined : false),
    fetch: ca === undefined ? undefined : fetchWithCa(await readCa(ca)),
    credentials: (host, { signal }) =>
      findCredentials(host, { repository: store.repository, authfile, signal }),
  });
  const descriptor = await store.resolve(undefined, { signal });
  const root = { descriptor, names: [store.name] };
  return { store, list: () => Promise.resolve([root]) };
}

/** A name that is none is wrong usage, as any source that is none. */
function open(name: string, options: RegistryOptions): RegistryStore {
  try {
    return new RegistryStore(name, options);
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

async function readCa(path: string): Promise<string> {
  const pem = await readFile(path, "utf8").catch((error) => {
    throw cannotRead(path, error);
  });
  // Runtimes trust nothing more then, and do not say so.
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new Error(
    `Cannot use ${path} for --ca: it has no certificate in PEM; convert it, or name another`,
  );
}
