import { test } from "node:test";
import assert from "node:assert/strict";
import { checkCounts, checkLimits, checkMilliseconds } from "../../src/content/check_numbers.ts";

type Check = (options: Record<string, unknown>, least: Record<string, number>) => void;

const CHECKS: [check: Check, kind: string, fine: unknown[], refused: unknown[]][] = [
  [checkCounts, "a whole number", [2, 3, 2 ** 53 - 1], [1, 2.5, NaN, Infinity, 2 ** 53, "3", null]],
  [checkLimits, "a whole number", [2, 3, Infinity], [1, 2.5, NaN, -Infinity, 2 ** 53, "3", null]],
  [checkMilliseconds, "milliseconds", [2, 2.5, Infinity], [1.5, NaN, -Infinity, "3", null]],
];
for (const [check, kind, fine, refused] of CHECKS) {
  test(`${check.name}() takes what is not there, and ${kind} from the least on`, () => {
    check({ other: NaN }, { max: 2 });
    for (const max of fine) check({ max }, { max: 2 });
  });

  test(`${check.name}() refuses all else by the option's name`, () => {
    for (const max of refused) {
      assert.throws(() => check({ min: 1, max }, { min: 1, max: 2 }), {
        name: "RangeError",
        message: `Cannot use max ${max}: expected ${kind}, 2 or more`,
      });
    }
  });
}
