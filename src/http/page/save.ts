/// <reference lib="dom" />

/** Where a download goes. Nothing is kept of one that is aborted. */
export interface Sink {
  /** What to say of it when it is there. */
  readonly outcome: string;
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** The parts of the File System Access API that TypeScript's types lack. */
interface SavingWindow {
  showSaveFilePicker?(options: {
    suggestedName: string;
    types: { description: string; accept: Record<string, string[]> }[];
  }): Promise<FileSystemFileHandle & { remove?(): Promise<void> }>;
}

/** Bytes that are collected before they are given away to a Blob, which may live on disk. */
const PIECE = 16 << 20;

/** Asks where to save; undefined where the user does not want to after all. */
export async function openSink(filename: string): Promise<Sink | undefined> {
  const { showSaveFilePicker } = globalThis as SavingWindow;
  if (!showSaveFilePicker) return blobSink(filename);
  try {
    return await fileSink(
      await showSaveFilePicker.call(globalThis, {
        suggestedName: filename,
        types: [{ description: "OCI archive", accept: { "application/x-tar": [".tar"] } }],
      }),
    );
  } catch (error) {
    if ((error as Error).name === "AbortError") return undefined;
    // Forbidden, as in a frame of another origin.
    return blobSink(filename);
  }
}

/** Writes beside the file, and puts it in place at the end. */
async function fileSink(
  handle: FileSystemFileHandle & { remove?(): Promise<void> },
): Promise<Sink> {
  const file = await handle.createWritable();
  return {
    outcome: `Saved as ${handle.name}`,
    write: (bytes) => file.write(bytes),
    close: () => file.close(),
    async abort() {
      await file.abort().catch(() => {});
      // The picker has made an empty one.
      await handle.remove?.().catch(() => {});
    },
  };
}

/** Collects the bytes and hands them to the browser as a download at the end. */
function blobSink(filename: string): Sink {
  let pieces: BlobPart[] = [];
  let pending = 0;
  return {
    outcome: `Handed to the browser as ${filename}`,
    write(bytes) {
      pieces.push(bytes);
      pending += bytes.length;
      if (pending >= PIECE) {
        pieces = [new Blob(pieces)];
        pending = 0;
      }
      return Promise.resolve();
    },
    close() {
      const url = URL.createObjectURL(new Blob(pieces, { type: "application/x-tar" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = filename;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      return Promise.resolve();
    },
    abort() {
      pieces = [];
      return Promise.resolve();
    },
  };
}
