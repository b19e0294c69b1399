import type { BlobBody, StoreOptions } from "../../content/store.ts";
import type { ReadContentResponse } from "./api/content_pb.ts";
import type { Messages } from "./connection.ts";

/** How to read a blob. */
export interface BodyOptions extends StoreOptions {
  /** How many bytes there should be. */
  expected: number;
  /** Names the blob in an error. */
  asBlobError(error: unknown): unknown;
}

/**
 * A blob out of containerd's messages: whole, where it fits into the first of them, else as a
 * stream. What fails at once, such as a blob that is not there, fails here.
 */
export async function blobBody(
  messages: Messages<ReadContentResponse>,
  { expected, signal, asBlobError }: BodyOptions,
): Promise<BlobBody> {
  const abort = () => messages.cancel();
  signal?.addEventListener("abort", abort);
  const end = () => signal?.removeEventListener("abort", abort);
  const next = async () => {
    try {
      const message = await messages.next();
      if (!message) end();
      return message && ownBytes(message.data);
    } catch (error) {
      end();
      signal?.throwIfAborted();
      throw asBlobError(error);
    }
  };
  const first = await next();
  if (!first) return new Uint8Array();
  const waiting = [first];
  if (first.length >= expected) {
    const second = await next();
    if (!second) return first;
    waiting.push(second);
  }
  return new ReadableStream({
    async pull(controller) {
      const chunk = waiting.shift() ?? await next();
      // Of a stream that was aborted nothing more comes, whatever had come before.
      signal?.throwIfAborted();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel() {
      end();
      messages.cancel();
    },
  }, { highWaterMark: 0 });
}

/** Bytes that share their buffer with nobody: small messages lie in one that others use too. */
function ownBytes(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = data;
  return buffer instanceof ArrayBuffer && buffer.byteLength < 2 * byteLength
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(data);
}
