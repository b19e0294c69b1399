import { plainUrl } from "../../content/transport.ts";
import { RegistryError } from "../../errors/remote.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseIndex } from "../../oci/manifest.ts";
import { MediaType } from "../../oci/media_type.ts";
import { acceptManifests } from "./accept.ts";
import type { Answer } from "./answer.ts";
import type { Client } from "./client.ts";
import type { Call } from "./host.ts";
import { nextLink } from "./link.ts";

/** How to list referrers. */
export interface ListOptions extends Call {
  /** Only those of this artifact type. */
  artifactType?: string;
  maxManifestSize: number;
}

/** Pages of one list, and their bytes in all. A registry that gives more has no good in mind. */
const MAX_PAGES = 1000;
const MAX_SIZE = 32 << 20;
/** What a registry without the referrers API says to it. */
const UNSUPPORTED = [400, 404, 405, 406, 501];

/**
 * Lists the manifests whose subject is this one, by the referrers API. Undefined where the registry
 * does not have it.
 *
 * Source: [distribution spec, "Listing Referrers"](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers).
 */
export async function listReferrers(
  client: Client,
  digest: string,
  options: ListOptions,
): Promise<Descriptor[] | undefined> {
  const { artifactType } = options;
  const found: Descriptor[] = [];
  const seen = new Set<string>();
  let query: string | undefined = artifactType
    ? `?artifactType=${encodeURIComponent(artifactType)}`
    : "";
  let size = 0;
  while (query !== undefined) {
    seen.add(query);
    const path: string = `referrers/${digest}${query}`;
    const page = await getIndex(client, path, { ...options, accept: MediaType.ImageIndex });
    if (!page && seen.size === 1) return undefined;
    if (!page) throw new RegistryError(client.urlOf(path), "a page of the list is missing");
    found.push(...page.manifests);
    size += page.size;
    query = nextQuery(page.answer);
    if (query === undefined) break;
    const why = seen.has(query)
      ? "its pages lead in a circle"
      : seen.size >= MAX_PAGES || size > MAX_SIZE
      ? "its pages do not end"
      : undefined;
    if (why) throw new RegistryError(plainUrl(page.answer.url), why);
  }
  return byType(found, artifactType);
}

/** Lists them by the tag that stands in for the API. */
export async function listReferrersByTag(
  client: Client,
  digest: string,
  options: ListOptions,
): Promise<Descriptor[]> {
  const { algorithm, encoded } = parseDigest(digest);
  const path = `manifests/${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`;
  const index = await getIndex(client, path, { ...options, accept: acceptManifests() });
  return byType(index?.manifests ?? [], options.artifactType);
}

/** Not every registry filters; what is filtered already stays as it is. */
function byType(manifests: Descriptor[], artifactType: string | undefined): Descriptor[] {
  if (artifactType === undefined) return manifests;
  return manifests.filter((manifest) => manifest.artifactType === artifactType);
}

async function getIndex(
  client: Client,
  path: string,
  { accept, ...options }: ListOptions & { accept: string },
): Promise<{ manifests: Descriptor[]; size: number; answer: Answer } | undefined> {
  try {
    return await options.attempts.run(async () => {
      const answer = await client.request(path, { ...options, headers: { accept } });
      if (!answer.headers.get("content-type")?.startsWith(MediaType.ImageIndex)) {
        answer.close();
        return undefined;
      }
      const bytes = await answer.bytes(["maxManifestSize", options.maxManifestSize]);
      const { manifests } = parseIndex(bytes, `at ${plainUrl(answer.url)}`);
      return { manifests, size: bytes.length, answer };
    }, options);
  } catch (error) {
    if (error instanceof RegistryError && UNSUPPORTED.includes(error.status ?? 0)) return undefined;
    throw error;
  }
}

/** The query of the next page. Nothing else of the link counts: it cannot lead to another host. */
function nextQuery({ headers, url }: Answer): string | undefined {
  const link = nextLink(headers.get("link"));
  if (link === undefined || !URL.canParse(link, url.href)) return undefined;
  return new URL(link, url).search;
}
