import type { RegistryOptions } from "./registry.ts";

/** The least that each option may be. */
type Least = Partial<Record<keyof RegistryOptions, number>>;

const COUNTS: Least = { concurrency: 1, lookAhead: 0 };
/** Without end where they are `Infinity`. */
const LIMITS: Least = {
  maxAhead: 0,
  maxDiscard: 0,
  maxManifestSize: 1,
  maxRedirects: 0,
  maxAttempts: 1,
};
const MILLISECONDS: Least = { minDelay: 0, maxDelay: 0, stallTimeout: 1, timeout: 1 };

/**
 * Looks at every option that is a number: one that is none would be a limit that never holds.
 *
 * @throws {RangeError}
 */
export function checkOptions(options: RegistryOptions): void {
  check(options, COUNTS, "a whole number", Number.isSafeInteger);
  check(options, LIMITS, "a whole number", (n) => Number.isSafeInteger(n) || n === Infinity);
  check(options, MILLISECONDS, "milliseconds", (n) => typeof n === "number");
}

function check(
  options: RegistryOptions,
  names: Least,
  kind: string,
  isKind: (value: unknown) => boolean,
): void {
  for (const [name, least] of Object.entries(names)) {
    const value = options[name as keyof RegistryOptions];
    if (value === undefined || isKind(value) && value as number >= least) continue;
    throw new RangeError(`Cannot use ${name} ${value}: expected ${kind}, ${least} or more`);
  }
}
