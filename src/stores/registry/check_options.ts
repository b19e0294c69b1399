import { checkCounts, checkLimits, checkMilliseconds } from "../../content/check_numbers.ts";
import type { RegistryOptions } from "./registry.ts";

/**
 * Looks at every option that is a number.
 *
 * @throws {RangeError}
 */
export function checkOptions(options: RegistryOptions): void {
  checkCounts(options, { concurrency: 1, lookAhead: 0 });
  checkLimits(options, {
    maxAhead: 0,
    maxDiscard: 0,
    maxManifestSize: 1,
    maxRedirects: 0,
    maxAttempts: 1,
  });
  checkMilliseconds(options, { minDelay: 0, maxDelay: 0, stallTimeout: 1, timeout: 1 });
}
