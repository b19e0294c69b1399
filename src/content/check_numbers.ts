/** Options that are numbers, by name, each with the least that it may be. */
type Least<Options> = { readonly [Name in keyof Options]?: number };

/**
 * Options that count something. Each check refuses what is no number, such as the NaN that
 * `Number(process.env.NOT_THERE)` is: as a limit it would never hold.
 *
 * @throws {RangeError} that names the option
 */
export function checkCounts<Options>(options: Options, least: Least<Options>): void {
  check(options, least, "a whole number", Number.isSafeInteger);
}

/**
 * Limits, without end where they are `Infinity`.
 *
 * @throws {RangeError} that names the option
 */
export function checkLimits<Options>(options: Options, least: Least<Options>): void {
  check(options, least, "a whole number", (n) => Number.isSafeInteger(n) || n === Infinity);
}

/**
 * Times in milliseconds, without end where they are `Infinity`.
 *
 * @throws {RangeError} that names the option
 */
export function checkMilliseconds<Options>(options: Options, least: Least<Options>): void {
  check(options, least, "milliseconds", (n) => typeof n === "number");
}

function check<Options>(
  options: Options,
  leasts: Least<Options>,
  kind: string,
  isKind: (value: unknown) => boolean,
): void {
  for (const [name, least] of Object.entries<number>(leasts as Record<string, number>)) {
    const value: unknown = options[name as keyof Options];
    if (value === undefined || isKind(value) && value as number >= least) continue;
    throw new RangeError(`Cannot use ${name} ${value}: expected ${kind}, ${least} or more`);
  }
}
