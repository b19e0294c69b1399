/** Where a peer writes its archive. */
export interface Sink {
  readonly kind: "null" | "pipe" | "file";
  /** Its path; a pipe has one too. */
  readonly path: string;
}

/** A program that makes an archive of a layout. */
export interface Peer {
  readonly name: string;
  /** @throws {MissingError} where it is not installed */
  version(): Promise<string>;
  /** Builds it, starts it, feeds it: what need not be measured. */
  prepare?(layout: string): Promise<void>;
  command(layout: string, sink: Sink): string[];
  /** Variables of its environment. */
  readonly env?: Record<string, string>;
  close?(): Promise<void>;
}
