import type { Machine } from "./machine.ts";

/** What `deno task bench --json` prints. */
export interface Report {
  machine: Machine;
  /** Rounds that count; one more was run before them, to warm up. */
  rounds: number;
  /** 1 for the real sizes. */
  scale: number;
  cases: CaseReport[];
}

/** One question's answers. */
export interface CaseReport {
  name: string;
  title: string;
  /** Bytes that are moved, where the question is about moving bytes. */
  bytes?: number;
  /** The peer that the ratios are of. */
  reference?: string;
  rows: Row[];
}

/** A peer's answer, or why it has none. */
export type Row = Measured | Missing;

/** How a peer did. Times are of the same rounds, in the same order, for all peers of a case. */
export interface Measured {
  peer: string;
  version: string;
  seconds: number[];
  median: number;
  min: number;
  max: number;
  bytesPerSecond?: number;
  /** The highest peak of resident memory of all rounds, in bytes. */
  peakMemory?: number;
  /** The median of the rounds' own ratios to the reference's time. */
  ratio?: number;
  /** What the ratio should be at most. */
  atMost?: number;
}

/** A peer that did not take part. */
export interface Missing {
  peer: string;
  missing: string;
  /** Whether it was there, and failed. */
  failed: boolean;
}

/** Whether a row has numbers. */
export function isMeasured(row: Row): row is Measured {
  return "seconds" in row;
}
