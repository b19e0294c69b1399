import { checkLimits } from "../content/check_numbers.ts";
import type { ReadOptions } from "../content/read.ts";
import { nameOf } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";

/** A manifest or index to export, under no name, one, or several. */
export interface Root {
  /** The manifest or index. */
  descriptor: Descriptor;
  /**
   * The image's full names, such as `docker.io/library/alpine:3.20`. Each becomes an entry of
   * index.json; without one the descriptor stands there once, as it is.
   */
  names?: readonly string[] | undefined;
}

/** What goes into an archive. The defaults export everything. */
export interface ExportOptions extends ReadOptions {
  /**
   * The platforms wanted of a root index, the best first: `linux/arm64`. The best one found is the
   * image of manifest.json.
   * @default {all, and no image in manifest.json for an index}
   */
  platforms?: readonly (string | Platform)[] | undefined;
  /**
   * Export the other platforms too; `platforms` then only chooses the image of manifest.json.
   * @default {false}
   */
  allPlatforms?: boolean | undefined;
  /**
   * Leave out layers that must not be given away. Manifests still list them.
   * @default {false}
   */
  skipNonDistributable?: boolean | undefined;
  /**
   * Leave out `manifest.json`, which `docker load` of old needs.
   * @default {false}
   */
  skipManifestJson?: boolean | undefined;
  /** Leaves out the blobs for which it answers false; what they refer to is still exported. */
  filter?: ((descriptor: Descriptor) => boolean) | undefined;
  /**
   * Leave out manifests that the store does not have, and all children of a manifest of which it
   * lacks one.
   * @default {false}
   */
  skipMissing?: boolean | undefined;
  /**
   * Export the manifests that refer to exported ones, such as signatures, where the store knows
   * them. They are added to index.json.
   * @default {false}
   */
  referrers?: boolean | undefined;
  /**
   * How deep indexes may nest.
   * @default {32}
   */
  maxDepth?: number | undefined;
  /**
   * How many blobs an archive may have.
   * @default {250000}
   */
  maxBlobs?: number | undefined;
  /**
   * How many manifests to read at a time.
   * @default {8}
   */
  concurrency?: number | undefined;
}

/**
 * Looks at what is no matter of a store.
 *
 * @throws {TypeError | RangeError}
 */
export function checkExportOptions(options: ExportOptions): void {
  checkLimits(options, { maxManifestSize: 0, maxDepth: 0, maxBlobs: 0 });
  const { platforms = [] } = options;
  if (Array.isArray(platforms)) return;
  throw new TypeError(
    `Cannot use platforms: expected an array, such as ["linux/arm64"], found ${nameOf(platforms)}`,
  );
}
