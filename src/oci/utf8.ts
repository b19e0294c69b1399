const STRICT = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** No character holds this byte. */
const STRAY = 0xff;

/**
 * Text as Go reads it: each byte that belongs to no character becomes one U+FFFD. The web's own
 * decoder makes a single one of a character that is cut short.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    // Of stray bytes that stand for themselves, both make the same.
    const plain = bytes.slice();
    for (let at = 0; at < plain.length;) {
      const length = characterLength(plain, at);
      if (length === 0) plain[at] = STRAY;
      at += length || 1;
    }
    return LENIENT.decode(plain);
  }
}

/**
 * Bytes of the character that begins here; 0 where none does. Source: RFC 3629, section 4, by which
 * none is longer than it has to be, half a surrogate pair, or beyond U+10FFFF.
 */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  let least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i] ?? STRAY;
    if (next < least || next > most) return 0;
    [least, most] = [0x80, 0xbf];
  }
  return length;
}
