import { InvalidDescriptorError, quote } from "../errors.ts";
import { parseDigest } from "./digest.ts";
import { MediaType } from "./media_type.ts";
import { FieldNames, isJsonObject, type JsonObject, kindOf } from "./parse_json.ts";

/**
 * What points at a blob: its type, its digest and its size.
 *
 * Source: [image spec, "Content Descriptors"](https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md).
 */
export interface Descriptor {
  /** The blob's media type. */
  mediaType: string;
  /** The blob's digest, such as `sha256:…`. */
  digest: string;
  /** The blob's size in bytes. */
  size: number;
  /** Where else the blob may be fetched. */
  urls?: string[];
  /** Free text by key. */
  annotations?: Record<string, string>;
  /** The blob itself, in base64. */
  data?: string;
  /** What the manifest behind this descriptor runs on. */
  platform?: Platform;
  /** The type of the artifact behind this descriptor. */
  artifactType?: string;
}

/** What an image runs on: [image spec, "Image Index"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions). */
export interface Platform {
  /** The processor, such as `amd64`. */
  architecture: string;
  /** The operating system, such as `linux`. */
  os: string;
  /** Its version, such as `10.0.17763.1397`. */
  "os.version"?: string;
  /** What it must offer, such as `win32k`. */
  "os.features"?: string[];
  /** The processor's variant, such as `v7`. */
  variant?: string;
}

const KNOWN = new Map(
  Object.values(MediaType).map((mediaType) => [mediaType as string, mediaType]),
);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What a descriptor stands in; a function, where that takes a while to say. */
export type Where = string | (() => string);

const FIELDS = new FieldNames(
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "data",
  "platform",
  "artifactType",
);
const PLATFORM_FIELDS = new FieldNames(
  "architecture",
  "os",
  "os.version",
  "os.features",
  "variant",
);

/**
 * Makes a descriptor of parsed JSON: every field checked, unknown ones left out, empty optional ones
 * too, as containerd does when it writes them again.
 *
 * @param where what the descriptor stands in, for the error: `index.json manifests[0]`
 * @throws {InvalidDescriptorError} that names `where` and the field
 */
export function parseDescriptor(value: unknown, where: Where): Descriptor {
  if (!isJsonObject(value)) {
    throw broken(where, "", `expected an object, found ${kindOf(value)}`);
  }
  checkNames(value, FIELDS, where);
  const digest = optional(value, "digest", where);
  if (!digest) throw broken(where, "digest", "is missing");
  try {
    parseDigest(digest);
  } catch (cause) {
    throw broken(where, "digest", (cause as Error).message, { cause });
  }
  const descriptor: Descriptor = {
    // Images without one exist, and containerd exports them; a root needs one all the same.
    mediaType: known(optional(value, "mediaType", where) ?? ""),
    digest,
    size: parseSize(value.size, where),
  };
  const urls = strings(value, "urls", where);
  if (urls) descriptor.urls = urls;
  const annotations = parseAnnotations(value.annotations, where);
  if (annotations) descriptor.annotations = annotations;
  const data = parseData(value, where);
  if (data) descriptor.data = data;
  if (value.platform != null) descriptor.platform = parsePlatformObject(value.platform, where);
  const artifactType = optional(value, "artifactType", where);
  if (artifactType) descriptor.artifactType = artifactType;
  return descriptor;
}

/** Checks annotations: a map from string to string. Undefined where there are none. */
export function parseAnnotations(
  value: unknown,
  where: Where,
): Record<string, string> | undefined {
  if (value == null) return undefined;
  if (!isJsonObject(value)) {
    throw broken(where, "annotations", `must be an object, not ${kindOf(value)}`);
  }
  let isEmpty = true;
  for (const key in value) {
    isEmpty = false;
    const text = value[key];
    if (typeof text !== "string") {
      const field = `annotations[${quote(key)}]`;
      throw broken(where, field, `must be a string, not ${kindOf(text)}`);
    }
  }
  // A spread defines `__proto__` as a plain key; assigning it would not.
  return isEmpty ? undefined : { ...value as Record<string, string> };
}

/** A well-known media type as the one string that all share: of 100,000 copies each counts. */
function known(mediaType: string): string {
  return KNOWN.get(mediaType) ?? mediaType;
}

/**
 * Checks a size.
 *
 * @throws {InvalidDescriptorError}
 */
export function parseSize(size: unknown, where: Where): number {
  if (!Number.isSafeInteger(size) || (size as number) < 0) {
    throw broken(
      where,
      "size",
      `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, not ${
        typeof size === "number" ? size : kindOf(size)
      }`,
    );
  }
  return size as number;
}

/** Embedded data in the form in which Go writes it again: line breaks and unused bits left out. */
function parseData(object: JsonObject, where: Where): string | undefined {
  const data = optional(object, "data", where)?.replace(/[\r\n]/g, "");
  if (!data) return undefined;
  if (!BASE64.test(data) || data.length % 4 !== 0) {
    throw broken(where, "data", "must be base64 (RFC 4648, section 4)");
  }
  return btoa(atob(data));
}

function parsePlatformObject(value: unknown, where: Where): Platform {
  if (!isJsonObject(value)) {
    throw broken(where, "platform", `must be an object, not ${kindOf(value)}`);
  }
  checkNames(value, PLATFORM_FIELDS, where);
  const platform: Platform = {
    architecture: optional(value, "architecture", where) ?? "",
    os: optional(value, "os", where) ?? "",
  };
  const version = optional(value, "os.version", where);
  if (version) platform["os.version"] = version;
  const features = strings(value, "os.features", where);
  if (features) platform["os.features"] = features;
  const variant = optional(value, "variant", where);
  if (variant) platform.variant = variant;
  return platform;
}

function checkNames(object: JsonObject, fields: FieldNames, where: Where): void {
  const found = fields.misspelled(object);
  if (found) throw broken(where, quote(found.key), `must be written ${quote(found.field)}`);
}

function optional(object: JsonObject, field: string, where: Where): string | undefined {
  const value = object[field];
  if (value == null) return undefined;
  if (typeof value === "string") return value;
  throw broken(where, field, `must be a string, not ${kindOf(value)}`);
}

function strings(object: JsonObject, field: string, where: Where): string[] | undefined {
  const value = object[field];
  if (value == null) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw broken(where, field, "must be an array of strings");
  }
  // A copy: whoever gave it may change it.
  return value.length === 0 ? undefined : [...value];
}

function broken(
  where: Where,
  field: string,
  why: string,
  options?: ErrorOptions,
): InvalidDescriptorError {
  return new InvalidDescriptorError(
    typeof where === "string" ? where : where(),
    field,
    why,
    options,
  );
}
