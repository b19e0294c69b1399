/** Text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** UTF-8 as text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Bytes without a pattern, the same for the same seed (xorshift32). */
export function noise(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed * 2654435761 >>> 0 || 1;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** One array of many. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** A stream's chunks, all of them, or those before it failed. */
export async function drain<Chunk>(
  stream: ReadableStream<Chunk>,
): Promise<{ chunks: Chunk[]; failed: boolean; error?: unknown }> {
  const reader = stream.getReader();
  const chunks: Chunk[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { chunks, failed: false };
      chunks.push(value);
    }
  } catch (error) {
    return { chunks, failed: true, error };
  }
}

/** All bytes of a body; rejects where its stream fails. */
export async function collect(
  body: ReadableStream<Uint8Array> | Uint8Array,
): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const { chunks, failed, error } = await drain(body);
  if (failed) throw error;
  return concat(chunks);
}

/** The SHA-256 of these bytes in hex, by the web's own implementation. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether two arrays hold the same bytes; assert.deepEqual() takes long for large ones. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lets everything run that is ready to. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
