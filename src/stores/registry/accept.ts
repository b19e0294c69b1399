import { MediaType } from "../../oci/media_type.ts";

/** What registries may answer with: they convert, or refuse, where a type is missing here. */
const MANIFEST_TYPES: readonly string[] = [
  MediaType.ImageIndex,
  MediaType.ImageManifest,
  MediaType.DockerManifestList,
  MediaType.DockerManifest,
];

/** The `Accept` header for a manifest of any type, or first of all of this one. */
export function acceptManifests(first?: string): string {
  return [...new Set([...(first ? [first] : []), ...MANIFEST_TYPES, "*/*"])].join(", ");
}
