import { createDigester } from "../../content/digester.ts";
import { plainUrl } from "../../content/transport.ts";
import { DigestMismatchError } from "../../errors.ts";
import { RegistryError } from "../../errors/remote.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { isDigest, parseDigest } from "../../oci/digest.ts";
import { isIndexType, isManifestType, MediaType } from "../../oci/media_type.ts";
import { isJsonObject, parseJson } from "../../oci/parse_json.ts";
import { acceptManifests } from "./accept.ts";
import type { Answer } from "./answer.ts";
import type { Client } from "./client.ts";
import type { Call } from "./host.ts";

/**
 * The descriptor of a manifest: by HEAD, and by GET where that does not tell all of it.
 *
 * @param reference a tag or a digest
 * @throws {DigestMismatchError} where it answers with another digest than it was asked for
 */
export async function resolveManifest(
  client: Client,
  reference: string,
  options: Call & { maxManifestSize: number },
): Promise<Descriptor> {
  const path = `manifests/${reference}`;
  const call = { ...options, headers: { accept: acceptManifests() } };
  const wanted = reference.includes(":") ? reference : undefined;
  try {
    const answer = await client.request(path, { ...call, method: "HEAD" });
    answer.close();
    const descriptor = descriptorOf(answer);
    if (descriptor) return expectDigest(descriptor, wanted);
  } catch (error) {
    // Some registries and proxies know no HEAD.
    const isHeadless = error instanceof RegistryError &&
      [400, 405, 501].includes(error.status ?? 0);
    if (!isHeadless) throw error;
  }
  const answer = await options.attempts.run(async () => {
    const answer = await client.request(path, call);
    const bytes = await answer.bytes(["maxManifestSize", options.maxManifestSize]);
    return { answer, bytes };
  }, call);
  return await describe(answer.bytes, answer.answer, wanted);
}

/** What the headers of a HEAD say; undefined where something is missing or odd. */
function descriptorOf({ headers, length }: Answer): Descriptor | undefined {
  const mediaType = mediaTypeOf(headers);
  const digest = headers.get("docker-content-digest");
  if (!isIndexType(mediaType) && !isManifestType(mediaType)) return undefined;
  // A length of 0 is that of the answer to HEAD itself: no manifest is empty.
  if (digest === null || !length || !isDigest(digest)) return undefined;
  return { mediaType, digest, size: length };
}

/** The descriptor of the bytes themselves. */
async function describe(
  bytes: Uint8Array,
  { headers, url }: Answer,
  wanted: string | undefined,
): Promise<Descriptor> {
  const said = wanted ?? headers.get("docker-content-digest") ?? "";
  const expected = isDigest(said) ? said : undefined;
  const { algorithm } = expected ? parseDigest(expected) : { algorithm: "sha256" as const };
  const digester = await createDigester(algorithm);
  await digester.update(bytes);
  const descriptor = {
    mediaType: typeOf(bytes, headers),
    digest: `${algorithm}:${await digester.digest()}`,
    size: bytes.length,
  };
  if (!descriptor.mediaType) {
    throw new RegistryError(plainUrl(url), "its answer is neither a manifest nor an index");
  }
  return expectDigest(descriptor, expected);
}

/** The media type by the header, or by the document where the header says too little. */
function typeOf(bytes: Uint8Array, headers: Headers): string {
  const mediaType = mediaTypeOf(headers);
  if (isIndexType(mediaType) || isManifestType(mediaType)) return mediaType;
  let json: unknown;
  try {
    json = parseJson(bytes);
  } catch {
    return "";
  }
  if (!isJsonObject(json)) return "";
  if (typeof json.mediaType === "string" && json.mediaType) return json.mediaType;
  if (Array.isArray(json.manifests)) return MediaType.ImageIndex;
  return Array.isArray(json.layers) ? MediaType.ImageManifest : mediaType;
}

function mediaTypeOf(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";", 1)[0]!.trim();
}

function expectDigest(descriptor: Descriptor, wanted: string | undefined): Descriptor {
  if (wanted === undefined || descriptor.digest === wanted) return descriptor;
  throw new DigestMismatchError(wanted, descriptor.digest);
}
