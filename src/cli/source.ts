import { existsSync } from "node:fs";
import type { ExportOptions, Root } from "../archive/options.ts";
import { type ArchivePlan, planArchive } from "../archive/plan.ts";
import type { ContentStore, Resolver, Roots } from "../content/store.ts";
import { plainUrl } from "../content/transport.ts";
import { InvalidPlatformError, InvalidReferenceError, InvalidTarError } from "../errors.ts";
import { UnionStore } from "../stores/union.ts";
import { cannotRead, UsageError } from "./usage.ts";

/** The flags that say how to reach a registry. */
export interface RegistryFlags {
  plainHttp?: boolean;
  ca?: string;
  authfile?: string;
}

/** The flags that say how to open a source. */
export interface OpenFlags extends RegistryFlags {
  followLinks?: boolean;
}

/** The flags that say what an archive holds. */
export interface SourceFlags extends OpenFlags {
  platform?: string[];
  allPlatforms?: boolean;
  skipManifestJson?: boolean;
  skipNonDistributable?: boolean;
  skipMissing?: boolean;
  name?: string[];
  referrers?: boolean;
  concurrency?: number;
}

/** Where to read from, and what. */
export interface Source {
  store: ContentStore;
  /** What there is now: layouts may be written while they are served. */
  list(): Promise<Root[]>;
  /** The layout's, where the source is one. */
  directory?: string;
}

/** Opens what the command line names: one store, and the roots in it. */
export async function openSources(
  sources: readonly string[],
  flags: SourceFlags,
  signal: AbortSignal,
): Promise<Source> {
  if (flags.name?.includes("")) throw new UsageError("--name names no image");
  const opened = await Promise.all(sources.map((source) => openSource(source, flags, signal)));
  const list = async () => {
    const roots = (await Promise.all(opened.map((source) => source.list()))).flat();
    if (!flags.name) return roots;
    const images = new Set(roots.map(({ descriptor }) => descriptor.digest));
    if (images.size > 1) {
      throw new UsageError(
        `--name takes one image, ${sources.join(" ")} has ${images.size}: ` +
          "choose one by :REF or @DIGEST",
      );
    }
    return [{ ...roots[0]!, names: flags.name }];
  };
  const [only, ...others] = opened;
  if (others.length === 0) return { ...only!, list };
  return { store: new UnionStore(opened.map(({ store }) => store)), list };
}

/** Plans what the flags mean. A name or a platform of theirs that is none is wrong usage. */
export async function planSource(
  { store, list }: Source,
  flags: SourceFlags,
  signal: AbortSignal,
): Promise<ArchivePlan> {
  try {
    return await planArchive(store, await list(), exportOptions(flags, signal));
  } catch (error) {
    // Where there is a --name, the archive has no other.
    const isOfFlags = error instanceof InvalidPlatformError ||
      error instanceof InvalidReferenceError && flags.name !== undefined;
    throw isOfFlags ? new UsageError(error.message, { cause: error }) : error;
  }
}

/** The export options that the flags mean. */
function exportOptions(flags: SourceFlags, signal: AbortSignal): ExportOptions {
  return {
    platforms: flags.platform,
    allPlatforms: flags.allPlatforms,
    skipManifestJson: flags.skipManifestJson,
    skipNonDistributable: flags.skipNonDistributable,
    skipMissing: flags.skipMissing,
    referrers: flags.referrers,
    concurrency: flags.concurrency,
    signal,
  };
}

async function openSource(
  source: string,
  flags: SourceFlags,
  signal: AbortSignal,
): Promise<Source> {
  const colon = source.indexOf(":");
  const transport = source.slice(0, colon);
  const rest = source.slice(colon + 1);
  switch (colon < 0 ? "" : transport) {
    case "oci": {
      const { LayoutStore } = await import("../stores/layout.ts");
      const { path, reference } = splitPath(source, rest);
      const store = new LayoutStore(path, { followLinks: flags.followLinks });
      return { ...choose(store, path, reference, signal), directory: path };
    }
    case "oci-archive": {
      const { ArchiveFileStore } = await import("../stores/archive_file.ts");
      const { path, reference } = splitPath(source, rest);
      const name = isUrl(path) ? bareUrl(path) : path;
      const from = isUrl(path) ? new URL(path) : path;
      const chosen = choose(new ArchiveFileStore(from), name, reference, signal);
      const list = () =>
        chosen.list().catch((error) => {
          // What is wrong in the tar does not tell which tar.
          throw error instanceof InvalidTarError ? cannotRead(name, error) : error;
        });
      return { ...chosen, list };
    }
    case "docker": {
      const { openRegistry } = await import("./registry_source.ts");
      return await openRegistry(rest, flags, signal);
    }
    case "containerd": {
      const { openContainerd } = await import("./containerd_source.ts");
      return await openContainerd(rest, signal);
    }
    default:
      throw new UsageError(
        `${source} is no source: expected oci:DIR, oci-archive:FILE, docker://HOST/NAME or ` +
          "containerd:NAME",
      );
  }
}

function choose(
  store: ContentStore & Roots & Resolver,
  path: string,
  reference: string | undefined,
  signal: AbortSignal,
): Source {
  const list = async () => {
    const descriptors = reference === undefined
      ? await store.roots({ signal })
      : [await store.resolve(reference, { signal })];
    if (descriptors.length === 0) throw new Error(`Cannot export ${path}: it lists no images`);
    return descriptors.map((descriptor) => ({ descriptor }));
  };
  return { store, list };
}

/** Takes `PATH[:REF|@DIGEST]` apart. A path that is there may itself hold colons. */
function splitPath(source: string, rest: string): { path: string; reference?: string } {
  if (rest === "") throw new UsageError(`${source} names no path`);
  if (existsSync(rest)) return { path: rest };
  refuseOtherSchemes(rest);
  const [, beforeDigest, digest] = /^(.+)@([a-z0-9]+:[0-9a-fA-F]+)$/.exec(rest) ?? [];
  if (beforeDigest !== undefined) return { path: beforeDigest, reference: digest };
  if (isUrl(rest)) return { path: rest };
  let shortest: { path: string; reference: string } | undefined;
  for (let colon = rest.lastIndexOf(":"); colon > 0; colon = rest.lastIndexOf(":", colon - 1)) {
    shortest = { path: rest.slice(0, colon), reference: rest.slice(colon + 1) };
    if (existsSync(shortest.path)) break;
  }
  return shortest ?? { path: rest };
}

/** Whether this is http or https rather than a path. */
export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/**
 * Refuses what is neither a path nor http or https.
 *
 * @throws {UsageError} where it is a URL of another scheme
 */
export function refuseOtherSchemes(text: string): void {
  if (isUrl(text) || !/^[a-z][a-z\d+.-]*:\/\//i.test(text)) return;
  throw new UsageError(`${text} is no http:// or https:// URL, and no file`);
}

/**
 * A URL without user and query, which may be secrets.
 *
 * @throws {UsageError} where it is none
 */
export function bareUrl(text: string): string {
  if (!URL.canParse(text)) {
    throw new UsageError("the URL that was given is none: expected https://HOST/PATH");
  }
  return plainUrl(new URL(text));
}
