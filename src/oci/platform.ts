/**
 * Platforms: read from text, brought to one form, matched and ranked as containerd does it
 * (github.com/containerd/platforms), so that the same words choose the same image.
 *
 * @module
 */
import { InvalidPlatformError } from "../errors.ts";
import type { Platform } from "./descriptor.ts";

const COMPONENT = /^[A-Za-z0-9_.-]+$/;
const OS = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/;
const ARCHITECTURES = new Set(
  ("386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le " +
    "mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm").split(" "),
);

/**
 * Reads a platform specifier: `os/architecture[/variant]`, or an architecture alone, which means
 * Linux. The operating system may carry its version and features: `windows(10.0.17763+win32k)/amd64`.
 *
 * Unlike containerd it never asks which machine it runs on: the same words give the same archive
 * everywhere, so an operating system alone is an error.
 *
 * @throws {InvalidPlatformError}
 *
 * @example
 * ```ts
 * import { parsePlatform } from "@oci/archive";
 *
 * console.log(parsePlatform("linux/aarch64")); // { os: "linux", architecture: "arm64" }
 * ```
 */
export function parsePlatform(specifier: string): Platform {
  const expected = "expected os/architecture[/variant], such as linux/arm64 or linux/arm/v7";
  const parts = specifier.split("/");
  const [first = "", ...rest] = parts;
  const match = OS.exec(first);
  if (!match || parts.length > 3 || !rest.every((part) => COMPONENT.test(part))) {
    throw new InvalidPlatformError(specifier, expected);
  }
  if (parts.length === 1) {
    const alone = normalizeArchitecture(first, "");
    if (!ARCHITECTURES.has(alone.architecture)) {
      throw new InvalidPlatformError(specifier, expected);
    }
    return { os: "linux", ...alone };
  }
  const platform: Platform = {
    os: normalizeOs(match[1]!),
    ...normalizeArchitecture(parts[1]!, parts[2] ?? ""),
  };
  try {
    if (match[2]) platform["os.version"] = decodeURIComponent(match[2]);
    if (match[3]) {
      platform["os.features"] = match[3].slice(1).split("+").map(decodeURIComponent);
    }
  } catch {
    throw new InvalidPlatformError(specifier, "its operating system has a broken % escape");
  }
  return platform;
}

/**
 * Writes a platform as a specifier that {@linkcode parsePlatform} reads.
 *
 * @example
 * ```ts
 * import { formatPlatform } from "@oci/archive";
 *
 * console.log(formatPlatform({ os: "linux", architecture: "arm", variant: "v7" })); // linux/arm/v7
 * ```
 */
export function formatPlatform(platform: Platform): string {
  const version = encodeOption(platform["os.version"] ?? "");
  const features = (platform["os.features"] ?? []).map((feature) => `+${encodeOption(feature)}`);
  const options = version + features.join("");
  return [
    (platform.os || "unknown") + (options && `(${options})`),
    platform.architecture,
    platform.variant,
  ].filter(Boolean).join("/");
}

function encodeOption(text: string): string {
  return text.replace(/[%+()/]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The one form of a platform that has several: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` is
 * `arm/v7`. A missing operating system is `linux`.
 *
 * @example
 * ```ts
 * import { normalizePlatform } from "@oci/archive";
 *
 * console.log(normalizePlatform({ os: "linux", architecture: "x86_64" }).architecture); // amd64
 * ```
 */
export function normalizePlatform(platform: Platform): Platform {
  const features = platform["os.features"];
  const normal: Platform = {
    ...normalizeArchitecture(platform.architecture, platform.variant ?? ""),
    os: normalizeOs(platform.os || "linux"),
  };
  if (platform["os.version"]) normal["os.version"] = platform["os.version"];
  if (features?.length) normal["os.features"] = [...new Set(features)].sort();
  return normal;
}

function normalizeOs(os: string): string {
  const lower = os.toLowerCase();
  return lower === "macos" ? "darwin" : lower;
}

function normalizeArchitecture(
  architecture: string,
  variant: string,
): { architecture: string; variant?: string } {
  const arch = architecture.toLowerCase();
  const v = variant.toLowerCase();
  const form = (architecture: string, variant: string) =>
    variant === "" ? { architecture } : { architecture, variant };
  switch (arch) {
    case "i386":
      return form("386", "");
    case "x86_64":
    case "x86-64":
    case "amd64":
      return form("amd64", v === "v1" ? "" : v);
    case "aarch64":
    case "arm64":
      return form(
        "arm64",
        ["8", "v8", "v8.0"].includes(v) ? "" : ["9", "9.0", "v9.0"].includes(v) ? "v9" : v,
      );
    case "armhf":
      return form("arm", "v7");
    case "armel":
      return form("arm", "v6");
    case "arm":
      return form("arm", v === "" ? "v7" : ["5", "6", "7", "8"].includes(v) ? `v${v}` : v);
    default:
      return form(arch, v);
  }
}

/** Says whether a platform is wanted; and of two that are, compares how well they fit. */
export interface PlatformMatcher {
  /** Whether any of the wanted platforms takes this one. */
  matches(platform: Platform): boolean;
  /** Negative where `a` fits better than `b`, positive where worse, 0 where alike. */
  compare(a: Platform, b: Platform): number;
}

/**
 * Matches platforms against an ordered list, the best first. Each is matched exactly after
 * normalising: `linux/amd64` does not take `linux/amd64/v2`. All of a platform's features must be
 * wanted; of two that fit the same entry, the one with more features fits better.
 *
 * @example
 * ```ts
 * import { matchPlatforms, parsePlatform } from "@oci/archive";
 *
 * const wanted = matchPlatforms(["linux/arm64", "linux/arm/v7"].map(parsePlatform));
 * console.log(wanted.matches({ os: "linux", architecture: "arm64", variant: "v8" })); // true
 * console.log(wanted.matches({ os: "linux", architecture: "amd64" })); // false
 * ```
 */
export function matchPlatforms(wanted: readonly Platform[]): PlatformMatcher {
  const takers = wanted.map(taker);
  const rank = (platform: Platform) => takers.findIndex((takes) => takes(platform));
  const features = (platform: Platform) => platform["os.features"]?.length ?? 0;
  return {
    matches: (platform) => rank(platform) >= 0,
    compare: (a, b) => rank(a) - rank(b) || features(b) - features(a),
  };
}

function taker(platform: Platform): (candidate: Platform) => boolean {
  const wanted = normalizePlatform(platform);
  const windows = wanted.os === "windows";
  const features = new Set(wanted["os.features"]);
  return (candidate) => {
    const { os, architecture, variant, "os.features": needed = [] } = normalizePlatform(
      windows ? withoutWin32k(candidate) : candidate,
    );
    return os === wanted.os && architecture === wanted.architecture &&
      variant === wanted.variant &&
      (!windows || isWindowsCompatible(wanted["os.version"], candidate["os.version"])) &&
      needed.every((feature) => features.has(feature));
  };
}

/**
 * Windows images name win32k for old times' sake; it never told them apart. As containerd has it,
 * that goes for the first time it is named.
 */
function withoutWin32k(platform: Platform): Platform {
  const features = platform["os.features"] ?? [];
  const first = features.indexOf("win32k");
  return { ...platform, "os.features": features.filter((_, at) => at !== first) };
}

/** The first build with a stable ABI: Windows Server 2022. */
const LTSC_2022 = 20348;

/**
 * Whether a Windows host of one version runs a container of another: before Server 2022 only the
 * very build, from then on the last two long-term generations.
 * Source: https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility
 */
function isWindowsCompatible(host: string | undefined, container: string | undefined): boolean {
  const [major, minor, build] = windowsVersion(host ?? "");
  if (!container || (major === 0 && minor === 0 && build === 0)) return true;
  const other = windowsVersion(container);
  if (major !== other[0] || minor !== other[1]) return false;
  if (build < LTSC_2022) return build === other[2];
  // Even the generation after 2025 goes back only to 2022, as containerd has it.
  return LTSC_2022 <= other[2] && other[2] <= build;
}

function windowsVersion(version: string): [major: number, minor: number, build: number] {
  const [, major, minor, build] = /^([0-9]+)\.([0-9]+)\.([0-9]+)(?:\.|$)/.exec(version) ?? [];
  const numbers = [Number(major), Number(minor), Number(build)] as [number, number, number];
  return numbers[0] <= 0xff && numbers[1] <= 0xff && numbers[2] <= 0xffff ? numbers : [0, 0, 0];
}
