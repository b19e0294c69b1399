import type { ArchivePlan } from "../archive/plan.ts";
import { pullStream } from "../archive/pull_stream.ts";
import type { StreamOptions } from "../archive/stream.ts";
import type { ByteRange } from "./range.ts";

/** A part of a body: bytes of the archive, or bytes between them. */
export type Piece = ByteRange | Uint8Array<ArrayBuffer>;

/** How to read the archive for a body, and whom to tell of failures. */
export interface BodyOptions extends Pick<StreamOptions, "verify" | "signal"> {
  /**
   * Told of the failure of a body under way, which no status can tell the client of any more. The
   * client sees a broken transfer. What it throws is passed over.
   */
  onError?: ((error: unknown) => void) | undefined;
}

/** Tells of a failure. Whoever is told must not make more of it, neither at once nor later. */
export function tell(listener: () => unknown): void {
  try {
    Promise.resolve(listener()).catch(() => {});
  } catch {
    // See above.
  }
}

/** Bytes of all the pieces: what `Content-Length` says. */
export function bodyLength(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + pieceLength(piece), 0);
}

/**
 * The pieces one after the other. Fails where a piece has another length than it should: most
 * runtimes end a body that is too short or too long as if it were whole.
 */
export function streamBody(
  plan: ArchivePlan,
  pieces: readonly Piece[],
  options: BodyOptions & Pick<StreamOptions, "buffers" | "onProgress"> = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { verify, signal, onError, onProgress, buffers } = options;
  return pullStream(async function* (stop) {
    try {
      for (const piece of pieces) {
        if (piece instanceof Uint8Array) {
          // A copy: whoever takes a chunk may transfer it.
          yield piece.slice();
          continue;
        }
        let missing = pieceLength(piece);
        const reader = plan.stream({ ...piece, verify, onProgress, buffers, signal: stop })
          .getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          missing -= value.length;
          if (missing < 0) break;
          yield value;
        }
        if (missing !== 0) {
          throw new Error(
            `Cannot send bytes ${piece.start} to ${piece.end} of the archive: ` +
              (missing > 0 ? `${missing} of them are missing` : "more of them came"),
          );
        }
      }
    } catch (error) {
      if (!stop.aborted) tell(() => onError?.(error));
      throw error;
    }
  }, { signal, expectedLength: bodyLength(pieces) });
}

function pieceLength(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.length : piece.end - piece.start;
}
