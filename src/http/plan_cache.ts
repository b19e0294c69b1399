import type { ArchivePlan } from "../archive/plan.ts";
import { checkLimits, checkMilliseconds } from "../content/check_numbers.ts";

/** The bounds of a plan cache. */
export interface PlanCacheOptions {
  /**
   * About how many bytes of memory the kept plans may take.
   * @default {67108864}
   */
  maxBytes?: number | undefined;
  /**
   * For how many milliseconds a plan serves. Plans of the same root and options differ only where
   * the store has changed: by new referrers, or blobs that were missing.
   * @default {300000}
   */
  maxAge?: number | undefined;
  /**
   * How many plans to make at a time; whoever asks for another waits.
   * @default {8}
   */
  maxUnderWay?: number | undefined;
}

interface Kept {
  plan: Promise<ArchivePlan>;
  /** In bytes; undefined while the plan is in the making. */
  weight?: number;
  /** When it was asked for, in milliseconds. */
  since: number;
}

/** For how many milliseconds a plan may count as in the making: a worker's may never be made. */
const LOST = 300_000;

/**
 * Keeps plans, and shares one in the making among all who ask for it meanwhile. Failures are not
 * kept. Over its bound in memory, those that were asked for longest ago go first.
 */
export class PlanCache {
  #maxBytes: number;
  #maxAge: number;
  #maxUnderWay: number;
  /** By key, the one asked for last at the end. */
  #plans = new Map<string, Kept>();
  #weight = 0;
  /** When each plan in the making was begun. */
  #underWay = new Map<Promise<void>, number>();

  constructor(options: PlanCacheOptions = {}) {
    checkLimits(options, { maxBytes: 0, maxUnderWay: 1 });
    checkMilliseconds(options, { maxAge: 0 });
    const { maxBytes = 64 << 20, maxAge = 300_000, maxUnderWay = 8 } = options;
    this.#maxBytes = maxBytes;
    this.#maxAge = maxAge;
    this.#maxUnderWay = maxUnderWay;
  }

  /** The plan of this key: a kept one, one in the making, or a new one. */
  async get(key: string, make: () => Promise<ArchivePlan>): Promise<ArchivePlan> {
    for (;;) {
      const now = Date.now();
      this.#forget(now);
      const known = this.#plans.get(key);
      if (known) {
        this.#plans.delete(key);
        this.#plans.set(key, known);
        return await known.plan;
      }
      if (this.#underWay.size < this.#maxUnderWay) return await this.#begin(key, make, now);
      // Then look again: by now somebody may have begun this one.
      await Promise.race(this.#underWay.keys());
    }
  }

  #begin(key: string, make: () => Promise<ArchivePlan>, since: number): Promise<ArchivePlan> {
    const kept: Kept = { plan: make(), since };
    this.#plans.set(key, kept);
    const over = kept.plan.then((plan) => this.#weigh(key, kept, plan), () => {
      if (this.#plans.get(key) === kept) this.#drop(key);
    }).then(() => {
      this.#underWay.delete(over);
    });
    this.#underWay.set(over, since);
    return kept.plan;
  }

  #weigh(key: string, kept: Kept, plan: ArchivePlan): void {
    // It may have grown too old while it was made.
    if (this.#plans.get(key) !== kept) return;
    // Two bytes a character, as engines keep them at most.
    kept.weight = weightOf(plan) + 2 * key.length;
    this.#weight += kept.weight;
    for (const [oldest, { weight }] of this.#plans) {
      if (this.#weight <= this.#maxBytes) return;
      if (weight !== undefined) this.#drop(oldest);
    }
  }

  /** Lets go of what is too old. */
  #forget(now: number): void {
    for (const [key, { since }] of this.#plans) {
      if (now - since >= this.#maxAge) this.#drop(key);
    }
    for (const [over, since] of this.#underWay) {
      if (now - since >= LOST) this.#underWay.delete(over);
    }
  }

  #drop(key: string): void {
    this.#weight -= this.#plans.get(key)?.weight ?? 0;
    this.#plans.delete(key);
  }
}

/** Bytes of an entry with its name and descriptor: 385 measured on V8, and room for annotations. */
const ENTRY_WEIGHT = 500;

function weightOf({ entries }: ArchivePlan): number {
  return ENTRY_WEIGHT * entries.length;
}
