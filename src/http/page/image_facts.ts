import { isIndexType } from "../../oci/media_type.ts";
import type { ImageNode } from "../image_tree.ts";

/** What a node is, for its icon and colour. */
export function kindOf({ role, mediaType }: ImageNode): string {
  if (role === "config" || role === "layer" || role === "referrer") return role;
  return isIndexType(mediaType) ? "index" : "manifest";
}

/** Whether buildkit put it into the index to say something about another manifest. */
function attestation({ annotations }: ImageNode): boolean {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}

/**
 * What people call a node.
 *
 * @param position of a layer among its manifest's, from 1
 */
export function titleOf(node: ImageNode, position: number): string {
  const { role, mediaType, platform, annotations, artifactType = "" } = node;
  if (role === "config") return "Config";
  if (role === "layer") {
    const name = annotations?.["org.opencontainers.image.title"];
    return name ? `Layer ${position}: ${name}` : `Layer ${position}`;
  }
  if (role === "referrer") {
    const [, title] = ARTIFACTS.find(([pattern]) => pattern.test(artifactType)) ?? [];
    return title ?? (artifactType || "Referrer");
  }
  if (attestation(node)) return "Attestation";
  if (platform) return platform;
  return isIndexType(mediaType) ? "Image index" : "Image manifest";
}

const ARTIFACTS: readonly [RegExp, string][] = [
  [/spdx|cyclonedx|sbom/, "SBOM"],
  [/in-toto|attest/, "Attestation"],
  [/cosign|sigstore|signature|notary/, "Signature"],
];

/** Bytes of all blobs from a node down, each counted once. */
export function totalSize(node: ImageNode, seen: Set<string> = new Set()): number {
  if (seen.has(node.digest)) return 0;
  seen.add(node.digest);
  const below = node.children ?? [];
  return below.reduce((sum, child) => sum + totalSize(child, seen), node.size);
}

/** A platform that a root index has, with the bytes of what is behind it. */
export interface PlatformChoice {
  platform: string;
  /** None where its manifest could not be read. */
  size?: number;
}

/** The platforms that can be chosen. A single manifest has none to choose from. */
export function platformsOf(root: ImageNode): PlatformChoice[] {
  const sizes = new Map<string, number | undefined>();
  if (!isIndexType(root.mediaType)) return [];
  for (const child of root.children ?? []) {
    const { platform, role } = child;
    if (role !== "manifest" || !platform || attestation(child)) continue;
    const size = child.children ? (sizes.get(platform) ?? 0) + totalSize(child) : undefined;
    sizes.set(platform, size ?? sizes.get(platform));
  }
  return [...sizes].map(([platform, size]) => ({ platform, size }));
}

/** How many referrers there are in all. */
export function countReferrers(node: ImageNode): number {
  const below = node.children ?? [];
  return below.reduce(
    (sum, child) => sum + countReferrers(child),
    node.role === "referrer" ? 1 : 0,
  );
}
