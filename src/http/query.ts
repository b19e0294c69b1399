import type { ExportOptions } from "../archive/options.ts";
import { quote } from "../errors.ts";
import { formatPlatform, parsePlatform } from "../oci/platform.ts";
import { parseReference } from "../oci/reference.ts";

/** What a URL's query asks of an archive. */
export interface ArchiveQuery {
  options: ExportOptions;
  /** The names that index.json shall give the image instead of its own. */
  names?: string[];
}

type Flag =
  | "allPlatforms"
  | "skipManifestJson"
  | "skipNonDistributable"
  | "skipMissing"
  | "referrers";

const FLAGS: Record<string, Flag> = {
  "all-platforms": "allPlatforms",
  "skip-manifest-json": "skipManifestJson",
  "skip-non-distributable": "skipNonDistributable",
  "skip-missing": "skipMissing",
  "referrers": "referrers",
};

/** Characters of a query: what most servers take of a URL. A plan is kept under what it asks. */
const MAX_LENGTH = 8192;

/**
 * Reads the export options out of a URL's query. They are those of the command:
 * `platform=linux/arm64,linux/amd64` (also several times), `name` (also several times), and the
 * flags, which are on as `referrers`, `referrers=1` or `referrers=true`.
 *
 * @throws {RangeError} for what is no option: a typing error must not give another archive
 * @throws {InvalidPlatformError}
 * @throws {InvalidReferenceError} for a name that manifest.json could not have, needed there or not
 */
export function parseQuery(query: URLSearchParams): ArchiveQuery {
  const { length } = query.toString();
  if (length > MAX_LENGTH) {
    throw new RangeError(
      `Cannot use a query of ${length} characters: expected ${MAX_LENGTH} or less`,
    );
  }
  const options: ExportOptions = {};
  const platforms: string[] = [];
  const names: string[] = [];
  for (const [key, value] of query) {
    if (key === "platform") {
      // In one form, so that two ways to say the same share a plan. An empty one is refused: it may be
      // a variable that is not set, and all platforms are not what was meant.
      platforms.push(...value.split(",").map((text) => formatPlatform(parsePlatform(text))));
    } else if (key === "name") {
      parseReference(value);
      names.push(value);
    } else if (Object.hasOwn(FLAGS, key)) {
      options[FLAGS[key]!] = parseFlag(key, value);
    } else {
      throw new RangeError(
        `Cannot use query parameter ${quote(key)}: expected platform, name, ${
          Object.keys(FLAGS).join(", ")
        }`,
      );
    }
  }
  if (platforms.length > 0) options.platforms = platforms;
  return { options, ...(names.length > 0 && { names }) };
}

function parseFlag(key: string, value: string): boolean {
  if (value === "" || value === "1" || value === "true") return true;
  if (value === "0" || value === "false") return false;
  throw new RangeError(`Cannot use ${key}=${value}: expected ${key}, ${key}=true or ${key}=false`);
}
