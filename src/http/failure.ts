import * as errors from "../errors.ts";
import { ForbiddenNameError, StoredNameError } from "./images.ts";
import type { Problem } from "./problem.ts";

/** Which status tells a client what went wrong before the first byte was sent. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ForbiddenNameError) return problem(403, error);
  if (isClientError(error)) return problem(400, error);
  if (error instanceof errors.PlatformNotFoundError) {
    return { ...problem(404, error), available: error.available };
  }
  if (error instanceof errors.ReferenceNotFoundError) return problem(404, error);
  if (
    error instanceof StoredNameError || error instanceof errors.NotAManifestError ||
    error instanceof errors.LimitError
  ) {
    return problem(422, error);
  }
  // The store is to this server what an origin is to a gateway.
  if (error instanceof errors.ArchiveError) return problem(502, error);
  // Of others the message may tell what is nobody's business.
  return { status: 500, detail: "The server failed; its log may tell more" };
}

function isClientError(error: unknown): error is Error {
  return error instanceof RangeError || error instanceof errors.InvalidPlatformError ||
    error instanceof errors.InvalidReferenceError;
}

function problem(status: number, { message, name }: Error): Problem {
  return { status, detail: message, code: name };
}
