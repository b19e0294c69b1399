import type { ArchivePlan } from "../archive/plan.ts";

/** The bounds of a plan cache. */
export interface PlanCacheOptions {
  /**
   * About how many bytes of memory the kept plans may take.
   * @default {67108864}
   */
  maxBytes?: number;
  /**
   * For how many milliseconds a plan serves. Plans of the same root and options differ only where
   * the store has changed: by new referrers, or blobs that were missing.
   * @default {300000}
   */
  maxAge?: number;
}

interface Kept {
  plan: Promise<ArchivePlan>;
  /** In bytes; 0 while the plan is in the making. */
  weight: number;
  /** When it was asked for, in milliseconds. */
  since: number;
}

/**
 * Keeps plans, and shares one in the making among all who ask for it meanwhile. Failures are not
 * kept. Over its bound in memory, those that were asked for longest ago go first.
 */
export class PlanCache {
  #maxBytes: number;
  #maxAge: number;
  /** By key, the one asked for last at the end. */
  #plans = new Map<string, Kept>();
  #weight = 0;

  constructor({ maxBytes = 64 << 20, maxAge = 300_000 }: PlanCacheOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#maxAge = maxAge;
  }

  /** The plan of this key: a kept one, one in the making, or a new one. */
  get(key: string, make: () => Promise<ArchivePlan>): Promise<ArchivePlan> {
    const now = Date.now();
    for (const [old, { since }] of this.#plans) {
      if (now - since >= this.#maxAge) this.#drop(old);
    }
    const known = this.#plans.get(key);
    if (known) {
      this.#plans.delete(key);
      this.#plans.set(key, known);
      return known.plan;
    }
    const kept: Kept = { plan: make(), weight: 0, since: now };
    this.#plans.set(key, kept);
    kept.plan.then((plan) => this.#weigh(key, kept, plan), () => {
      if (this.#plans.get(key) === kept) this.#drop(key);
    });
    return kept.plan;
  }

  #weigh(key: string, kept: Kept, plan: ArchivePlan): void {
    // It may have grown too old while it was made.
    if (this.#plans.get(key) !== kept) return;
    kept.weight = weightOf(plan);
    this.#weight += kept.weight;
    for (const [oldest] of this.#plans) {
      if (this.#weight <= this.#maxBytes) return;
      this.#drop(oldest);
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
