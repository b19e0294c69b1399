import type { Piece } from "./body.ts";
import { type ByteRange, contentRange } from "./range.ts";

/** Several ranges as one body. */
export interface Multipart {
  /** With the boundary. */
  contentType: string;
  pieces: Piece[];
}

/**
 * Several ranges as `multipart/byteranges`:
 * [RFC 9110, section 14.6](https://www.rfc-editor.org/rfc/rfc9110#section-14.6).
 *
 * @param contentType of the whole, and so of each part
 */
export function byteRanges(
  ranges: readonly ByteRange[],
  size: number,
  contentType: string,
): Multipart {
  // Chance keeps whoever makes an image from writing the boundary into a layer beforehand.
  const boundary = crypto.randomUUID();
  const encoder = new TextEncoder();
  const pieces: Piece[] = [];
  for (const range of ranges) {
    pieces.push(
      encoder.encode(
        `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\n` +
          `Content-Range: ${contentRange(range, size)}\r\n\r\n`,
      ),
      range,
    );
  }
  pieces.push(encoder.encode(`\r\n--${boundary}--\r\n`));
  return { contentType: `multipart/byteranges; boundary=${boundary}`, pieces };
}
