import type { ArchivePlan } from "../archive/plan.ts";
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME } from "../oci/annotation.ts";

/** Characters of the name: most file systems take 255, and browsers add to it while they download. */
const MAX_LENGTH = 128;

/** A name for the archive's file: `alpine-3.20.tar` for `docker.io/library/alpine:3.20`. */
export function defaultFilename({ manifests }: ArchivePlan): string {
  const [first] = manifests;
  const name = first?.annotations?.[ANNOTATION_IMAGE_NAME] ??
    first?.annotations?.[ANNOTATION_REF_NAME];
  const last = name?.replace(/@.*$/, "").split("/").at(-1)?.replace(/[^A-Za-z0-9._-]+/g, "-");
  const digest = first?.digest.replace(/^.*:/, "").slice(0, 12);
  // No leading dot: it would hide the file.
  const stem = last?.replace(/^[.-]+/, "").slice(0, MAX_LENGTH);
  return `${stem || digest || "image"}.tar`;
}

/**
 * `Content-Disposition` that saves under this name, with an ASCII name for clients of old:
 * [RFC 6266](https://www.rfc-editor.org/rfc/rfc6266).
 */
export function attachment(filename: string): string {
  const ascii = filename.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  if (ascii === filename) return `attachment; filename="${ascii}"`;
  const encoded = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
