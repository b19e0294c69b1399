/** The middle of the numbers; the mean of the two in the middle where they are even. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)]!;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + upper) / 2 : upper;
}

/**
 * The median of the ratios within each pair. Two runs of a pair are close in time, so that what else
 * the machine does slows both.
 */
export function pairwiseRatio(seconds: readonly number[], reference: readonly number[]): number {
  return median(seconds.map((value, round) => value / reference[round]!));
}
