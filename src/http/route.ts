/** An image asked for, and as what. */
export interface ArchivePath {
  name: string;
  /** The archive, its plan, or the image's tree. */
  form: "tar" | "json" | "tree";
}

/** The image in `/archives/NAME.tar`, slashes and colons encoded or not. */
export function parseArchivePath(path: string): ArchivePath | undefined {
  const [, encoded, form] = /^\/archives\/(.+)\.(tar|json|tree)$/.exec(path) ?? [];
  if (encoded === undefined) return undefined;
  return { name: decode(encoded), form: form as ArchivePath["form"] };
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // A broken escape is no name that anything has.
    return encoded;
  }
}
