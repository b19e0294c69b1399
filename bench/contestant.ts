/** One run of one peer. */
export interface Sample {
  seconds: number;
  /** Peak resident memory in bytes, where it could be measured. */
  peakMemory?: number;
}

/** Somebody who answers a question, again and again. */
export interface Contestant {
  readonly name: string;
  /** What its ratio to the reference should be at most. */
  readonly atMost?: number;
  /** @throws {MissingError} where it cannot take part */
  version(): Promise<string>;
  /** What has to be done once, before it is measured. */
  prepare?(): Promise<void>;
  measure(): Promise<Sample>;
  close?(): Promise<void>;
}

/** One question that several contestants answer. */
export interface Case {
  /** What `--only` takes. */
  readonly name: string;
  readonly title: string;
  /** The contestant that the others are held against. */
  readonly reference?: string;
  /** Bytes that one run moves. */
  readonly bytes?: number;
  readonly contestants: readonly Contestant[];
}

/** What all questions are asked with. */
export interface Context {
  /** Where fixtures, builds and outputs lie. */
  readonly folder: string;
  /** 1 for the real sizes. */
  readonly scale: number;
}

/** A peer is not installed. */
export class MissingError extends Error {
  override readonly name = "MissingError";
}
