/** A library that makes an archive of a layout inside of a process. */
export interface LibraryPeer {
  readonly name: string;
  /** @throws {MissingError} where it is not installed */
  version(): Promise<string>;
  archive(layout: string): Promise<Archive>;
  /** Flags that Deno needs to find it. */
  flags?(): Promise<string[]>;
}

/** An archive's bytes, to be read once. */
export interface Archive {
  readonly chunks: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Told of each chunk that is done with. */
  done?(chunk: Uint8Array): void;
}
