import { checkLimits } from "../content/check_numbers.ts";
import type { ReadOptions } from "../content/read.ts";
import { nameOf } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { parsePlatform } from "../oci/platform.ts";

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
   * How many levels may lie below a root: nested indexes, a manifest, its config and layers. Each
   * referrer is a level too.
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
 * Looks at what can be wrong whatever the store holds.
 *
 * @throws {TypeError | RangeError | InvalidPlatformError}
 */
export function checkExportOptions(options: ExportOptions): void {
  checkLimits(options, { maxManifestSize: 0, maxDepth: 0, maxBlobs: 0, concurrency: 1 });
  wantedPlatforms(options);
}

/**
 * The platforms that are wanted, the best first; none for all.
 *
 * @throws {TypeError | InvalidPlatformError}
 */
export function wantedPlatforms({ platforms = [] }: ExportOptions): Platform[] {
  if (!Array.isArray(platforms)) {
    throw new TypeError(
      `Cannot use platforms: expected an array, such as ["linux/arm64"], found ${
        nameOf(platforms)
      }`,
    );
  }
  return platforms.map((one) => typeof one === "string" ? parsePlatform(one) : one);
}
