/** Bytes for people: `10.5 KiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const exponent = Math.min(Math.floor(Math.log2(bytes) / 10), 5);
  const value = bytes / 1024 ** exponent;
  return `${value.toFixed(value < 10 ? 2 : 1)} ${" KMGTP"[exponent]}iB`;
}

/** Bytes to the last one: `10,752 bytes`. */
export function exactBytes(bytes: number): string {
  return `${bytes.toLocaleString("en")} ${bytes === 1 ? "byte" : "bytes"}`;
}

/** `1 blob`, `2 blobs`. */
export function count(number: number, what: string): string {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}

/** The parts of an image's name, as they are shown. */
export interface NameParts {
  /** Registry and folders, with the slash at their end. */
  prefix: string;
  /** What people call it. */
  short: string;
  /** Its tag, or nothing. */
  tag: string;
}

/** Splits a name for the eye: `docker.io/library/`, `alpine`, `3.20`. */
export function nameParts(name: string): NameParts {
  const [, prefix = "", short = name, tag = ""] = /^(.*\/)?([^/:@]+)(?::([^/@]+))?$/.exec(name) ??
    [];
  const isDigest = /^[0-9a-f]{32,}$/.test(tag);
  return isDigest
    ? { prefix: "", short: `${short}:${tag.slice(0, 12)}…`, tag: "" }
    : { prefix, short, tag };
}
