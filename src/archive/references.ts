import { ArchiveError } from "../errors.ts";
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME } from "../oci/annotation.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { blobPath } from "../oci/digest.ts";
import { type Index, type Manifest, parseIndex, parseManifestOrIndex } from "../oci/manifest.ts";
import { isIndexType, isManifestType, isNonDistributable } from "../oci/media_type.ts";
import { isJsonObject, type JsonObject, parseJson } from "../oci/parse_json.ts";
import type { FindingCode } from "./report.ts";

/** How deep indexes may nest. */
const MAX_DEPTH = 32;

/** A blob that an archive holds. */
export interface FoundBlob {
  size: number;
  /** Whether its digest was right. */
  intact: boolean;
  /** What it says, where it is a manifest or an index; an error where it wants to be one. */
  document?: Manifest | Index | ArchiveError;
}

/** Takes a finding: its code, the entry or digest it is about, and a text for people. */
export type Report = (code: FindingCode, name: string, message: string) => void;

/** Reads what may be a manifest or an index, before anyone has said which; undefined if neither. */
export function parseDocument(bytes: Uint8Array, digest: string): FoundBlob["document"] {
  try {
    const json = parseJson(bytes);
    if (isJsonObject(json) && !isImageConfig(json)) return parseManifestOrIndex(bytes, digest);
  } catch (error) {
    if (error instanceof ArchiveError) return error;
  }
  return undefined;
}

/** An image's configuration has a `config` too, which is no descriptor. */
function isImageConfig({ config, layers }: JsonObject): boolean {
  return isJsonObject(config) && !Object.hasOwn(config, "digest") && layers === undefined;
}

/** Follows every reference of an archive from index.json down, and manifest.json's too. */
export class ReferenceJudge {
  #files: ReadonlyMap<string, Uint8Array>;
  #blobs: ReadonlyMap<string, FoundBlob>;
  #problem: Report;
  #warning: Report;
  #reached = new Set<string>();
  #missing = new Set<string>();
  #complete = 0;

  constructor(
    files: ReadonlyMap<string, Uint8Array>,
    blobs: ReadonlyMap<string, FoundBlob>,
    problem: Report,
    warning: Report,
  ) {
    this.#files = files;
    this.#blobs = blobs;
    this.#problem = problem;
    this.#warning = warning;
  }

  /** Reports what it finds; returns the images' names. */
  judge(): string[] {
    const layout = this.#json("oci-layout");
    const version = isJsonObject(layout) ? layout.imageLayoutVersion : undefined;
    if (layout !== undefined && version !== "1.0.0") {
      this.#problem("layout", "oci-layout", `expected imageLayoutVersion "1.0.0"`);
    }
    const roots = this.#roots();
    for (const root of roots) this.#follow(root, "index.json", 0);
    if (roots.length > 0 && this.#complete === 0) {
      this.#problem("missing", "index.json", "none of its images has all of its blobs");
    }
    this.#judgeManifestJson();
    for (const digest of this.#blobs.keys()) {
      if (!this.#reached.has(digest)) {
        this.#warning("stray", digest, "nothing in index.json leads to it");
      }
    }
    return roots.map(({ annotations, digest }) =>
      annotations?.[ANNOTATION_IMAGE_NAME] ?? annotations?.[ANNOTATION_REF_NAME] ?? digest
    );
  }

  #roots(): Descriptor[] {
    const bytes = this.#files.get("index.json");
    try {
      if (bytes) return parseIndex(bytes, "index.json").manifests;
      this.#problem("layout", "index.json", "it is missing: this is no OCI archive");
    } catch (error) {
      this.#problem("layout", "index.json", (error as Error).message);
    }
    return [];
  }

  #json(file: string): unknown {
    const bytes = this.#files.get(file);
    try {
      if (bytes) return parseJson(bytes);
      this.#problem("layout", file, "it is missing: this is no OCI archive");
    } catch {
      this.#problem("layout", file, "it is not JSON");
    }
    return undefined;
  }

  /** Judges one descriptor and what is below it; whether its blob is there. */
  #follow(descriptor: Descriptor, from: string, depth: number): boolean {
    const { digest, size, mediaType } = descriptor;
    const blob = this.#blobs.get(digest);
    if (!blob) {
      this.#missing.add(digest);
      if (depth === 0) {
        this.#problem("missing", digest, "index.json lists it, the archive lacks it");
      }
      return false;
    }
    if (blob.size !== size) {
      this.#problem("size", digest, `${from} says ${size} bytes, it has ${blob.size}`);
    }
    const isManifest = isManifestType(mediaType);
    // The same bytes may be a layer here and a manifest there.
    const key = isManifest || isIndexType(mediaType) ? `${mediaType} ${digest}` : digest;
    if (this.#reached.has(key)) return true;
    this.#reached.add(key).add(digest);
    if (key === digest || !blob.intact) return true;
    if (depth > MAX_DEPTH) {
      this.#problem("depth", digest, `it is nested more than ${MAX_DEPTH} deep`);
      return true;
    }
    const { document } = blob;
    if (!document || document instanceof Error || isManifest !== "config" in document) {
      const kind = isManifest ? "a manifest" : "an index";
      const why = document instanceof Error ? `: ${document.message}` : "";
      this.#problem("document", digest, `${from} says it is ${kind}, it is not${why}`);
    } else if ("config" in document) {
      this.#followManifest(digest, document, depth);
    } else {
      this.#followIndex(digest, document, depth);
    }
    return true;
  }

  #followManifest(digest: string, { config, layers }: Manifest, depth: number): void {
    const children = [config, ...layers];
    const missing = children.filter((child) => !this.#follow(child, digest, depth + 1));
    if (missing.length === 0) this.#complete++;
    const needed = missing.filter(({ mediaType }) => !isNonDistributable(mediaType));
    if (missing.length > 0 && needed.length === 0) {
      this.#complete++;
      this.#warning("foreign", digest, `${missing.length} non-distributable layers were left out`);
    } else if (missing.length === children.length) {
      this.#warning("incomplete", digest, "its config and layers were left out");
    } else {
      for (const { digest: child } of needed) {
        this.#problem("missing", child, `manifest ${digest} needs it, the archive lacks it`);
      }
    }
  }

  #followIndex(digest: string, { manifests }: Index, depth: number): void {
    const missing = manifests.filter((child) => !this.#follow(child, digest, depth + 1));
    if (missing.length > 0) {
      const count = `${missing.length} of ${manifests.length}`;
      this.#warning("platforms", digest, `${count} of its manifests were left out`);
    }
  }

  #judgeManifestJson(): void {
    if (!this.#files.has("manifest.json")) return;
    const images = this.#json("manifest.json");
    if (!Array.isArray(images)) {
      if (images !== undefined) this.#problem("layout", "manifest.json", "expected an array");
      return;
    }
    const there = new Set([...this.#blobs.keys(), ...this.#missing].map(blobPath));
    for (const [i, image] of images.entries()) {
      if (!isJsonObject(image)) continue;
      for (const path of [image.Config, ...(Array.isArray(image.Layers) ? image.Layers : [])]) {
        if (typeof path !== "string") {
          this.#problem("layout", "manifest.json", `expected only paths in its image ${i}`);
        } else if (!there.has(path)) {
          this.#problem("missing", path, "manifest.json needs it, the archive lacks it");
        }
      }
    }
  }
}
