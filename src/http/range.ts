/**
 * The `Range` header: [RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110#section-14).
 *
 * @module
 */

/** A part of a representation, in bytes. */
export interface ByteRange {
  /** The first byte wanted. */
  start: number;
  /** The byte behind the last one wanted. */
  end: number;
}

const RANGE = /^(?:(\d+)-(\d*)|-(\d+))$/;

/**
 * Reads a `Range` header for a representation of `size` bytes. Ranges that lie behind its end are
 * left out; so an empty array means that none can be satisfied (416).
 *
 * @param maxRanges more than these are taken for no ranges at all
 * @returns undefined where the header is to be ignored: another unit, broken, or ranges that are
 * too many or overlap (section 14.2 asks servers to beware of that): each would have the same blob
 * read and verified again
 */
export function parseRange(
  header: string,
  size: number,
  { maxRanges = 16 }: { maxRanges?: number } = {},
): ByteRange[] | undefined {
  const set = /^bytes=(.*)$/i.exec(header.trim())?.[1];
  if (set === undefined) return undefined;
  // Lists may have empty members: section 5.6.1.2.
  const members = set.split(",").map((member) => member.trim()).filter(Boolean);
  if (members.length === 0 || members.length > maxRanges) return undefined;
  const ranges: ByteRange[] = [];
  for (const member of members) {
    const [, first, last, suffix] = RANGE.exec(member) ?? [];
    if (first === undefined && suffix === undefined) return undefined;
    if (first !== undefined && last && Number(last) < Number(first)) return undefined;
    const start = first !== undefined ? Number(first) : Math.max(size - Number(suffix), 0);
    const end = last ? Math.min(Number(last) + 1, size) : size;
    if (start >= end) continue;
    ranges.push({ start, end });
  }
  const inOrder = ranges.toSorted((a, b) => a.start - b.start);
  const overlap = inOrder.some(({ start }, i) => i > 0 && start < inOrder[i - 1]!.end);
  return overlap ? undefined : ranges;
}

/** The `Content-Range` of a part: `bytes 0-499/1234`. */
export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}
