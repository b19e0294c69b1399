import { test } from "node:test";
import assert from "node:assert/strict";
import {
  formatPlatform,
  InvalidPlatformError,
  matchPlatforms,
  normalizePlatform,
  parsePlatform,
  type Platform,
} from "../../mod.ts";

// Expected values are those of github.com/containerd/platforms, run on the same words.

test("parsePlatform() reads os/architecture[/variant]", () => {
  const cases: [specifier: string, platform: Platform][] = [
    ["linux/amd64", { os: "linux", architecture: "amd64" }],
    ["Linux/x86_64", { os: "linux", architecture: "amd64" }],
    ["linux/x86-64", { os: "linux", architecture: "amd64" }],
    ["linux/amd64/v1", { os: "linux", architecture: "amd64" }],
    ["linux/amd64/V2", { os: "linux", architecture: "amd64", variant: "v2" }],
    ["linux/i386", { os: "linux", architecture: "386" }],
    ["linux/arm64", { os: "linux", architecture: "arm64" }],
    ["linux/AArch64", { os: "linux", architecture: "arm64" }],
    ["linux/arm64/v8", { os: "linux", architecture: "arm64" }],
    ["linux/arm64/8", { os: "linux", architecture: "arm64" }],
    ["linux/arm64/9.0", { os: "linux", architecture: "arm64", variant: "v9" }],
    ["linux/arm64/v9.0", { os: "linux", architecture: "arm64", variant: "v9" }],
    ["linux/arm64/v8.1", { os: "linux", architecture: "arm64", variant: "v8.1" }],
    ["linux/arm", { os: "linux", architecture: "arm", variant: "v7" }],
    ["linux/arm/7", { os: "linux", architecture: "arm", variant: "v7" }],
    ["linux/arm/8", { os: "linux", architecture: "arm", variant: "v8" }],
    ["linux/armhf/v5", { os: "linux", architecture: "arm", variant: "v7" }],
    ["linux/armel/v5", { os: "linux", architecture: "arm", variant: "v6" }],
    ["linux/arm/v6", { os: "linux", architecture: "arm", variant: "v6" }],
    ["linux/armhf", { os: "linux", architecture: "arm", variant: "v7" }],
    ["linux/armel", { os: "linux", architecture: "arm", variant: "v6" }],
    ["macOS/arm64", { os: "darwin", architecture: "arm64" }],
    ["linux/s390x", { os: "linux", architecture: "s390x" }],
    ["plan-10/quantum", { os: "plan-10", architecture: "quantum" }],
  ];
  for (const [specifier, platform] of cases) {
    assert.deepEqual(parsePlatform(specifier), platform, specifier);
  }
});

test("parsePlatform() takes an architecture alone for Linux", () => {
  for (
    const [specifier, platform] of [
      ["amd64", { os: "linux", architecture: "amd64" }],
      ["Aarch64", { os: "linux", architecture: "arm64" }],
      ["armel", { os: "linux", architecture: "arm", variant: "v6" }],
      ["riscv64", { os: "linux", architecture: "riscv64" }],
    ] as const
  ) {
    assert.deepEqual(parsePlatform(specifier), platform, specifier);
  }
});

test("parsePlatform() reads the operating system's version and features", () => {
  const cases: [specifier: string, platform: Platform][] = [
    ["windows(10.0.17763)/amd64", {
      os: "windows",
      architecture: "amd64",
      "os.version": "10.0.17763",
    }],
    ["windows(10.0.17763+win32k)/amd64", {
      os: "windows",
      architecture: "amd64",
      "os.version": "10.0.17763",
      "os.features": ["win32k"],
    }],
    ["linux(+unsorted+erofs)/amd64", {
      os: "linux",
      architecture: "amd64",
      "os.features": ["unsorted", "erofs"],
    }],
    ["linux()/amd64", { os: "linux", architecture: "amd64" }],
    ["windows(10.0.17763%2Bbuild.42)/amd64", {
      os: "windows",
      architecture: "amd64",
      "os.version": "10.0.17763+build.42",
    }],
    ["windows(50%25done)/amd64", {
      os: "windows",
      architecture: "amd64",
      "os.version": "50%done",
    }],
  ];
  for (const [specifier, platform] of cases) {
    assert.deepEqual(parsePlatform(specifier), platform, specifier);
  }
});

test("parsePlatform() throws an InvalidPlatformError where it cannot", () => {
  for (
    const specifier of [
      "",
      "/",
      "/linux/arm",
      "linux/arm/",
      "linux//v7",
      "linux /arm",
      " linux/arm",
      "linux/&arm",
      "linux/arm/foo/bar",
      "*",
      "linux/*",
      "*/arm64",
      "unheard-of",
      "lin.ux/amd64",
      "linux(/amd64",
      "linux(+)/amd64",
      "linux(++a)/amd64",
      "windows(50%zz)/amd64",
      "linux/amd64,linux/arm64",
      "linux/é",
    ]
  ) {
    assert.throws(() => parsePlatform(specifier), (error) => {
      assert.ok(error instanceof InvalidPlatformError, `${specifier}: ${error}`);
      assert.equal(error.name, "InvalidPlatformError");
      assert.equal(error.platform, specifier);
      return true;
    });
  }
});

test("parsePlatform() never asks which machine it runs on", () => {
  for (const specifier of ["linux", "windows", "macos", "windows(10.0.17763)"]) {
    assert.throws(() => parsePlatform(specifier), InvalidPlatformError);
  }
});

test("formatPlatform() writes what parsePlatform() reads", () => {
  const cases: [platform: Platform, specifier: string][] = [
    [{ os: "linux", architecture: "amd64" }, "linux/amd64"],
    [{ os: "linux", architecture: "arm", variant: "v6" }, "linux/arm/v6"],
    [{ os: "", architecture: "" }, "unknown"],
    [
      { os: "windows", architecture: "amd64", "os.version": "10.0.17763" },
      "windows(10.0.17763)/amd64",
    ],
    [
      {
        os: "windows",
        architecture: "amd64",
        "os.version": "10.0+build",
        "os.features": ["feat+1"],
      },
      "windows(10.0%2Bbuild+feat%2B1)/amd64",
    ],
    [
      { os: "windows", architecture: "amd64", "os.version": "1.0(beta)" },
      "windows(1.0%28beta%29)/amd64",
    ],
    [{ os: "windows", architecture: "amd64", "os.version": "a/b" }, "windows(a%2Fb)/amd64"],
    [
      { os: "linux", architecture: "amd64", "os.features": ["100%gpu", "simd"] },
      "linux(+100%25gpu+simd)/amd64",
    ],
  ];
  for (const [platform, specifier] of cases) {
    assert.equal(formatPlatform(platform), specifier);
    if (platform.os && !specifier.includes("%2F")) {
      assert.deepEqual(parsePlatform(specifier), platform);
    }
  }
});

test("normalizePlatform() brings a platform to its one form", () => {
  const cases: [given: Platform, normal: Platform][] = [
    [{ os: "LINUX", architecture: "X86_64", variant: "V1" }, {
      os: "linux",
      architecture: "amd64",
    }],
    [{ os: "", architecture: "arm64", variant: "v8.0" }, { os: "linux", architecture: "arm64" }],
    [{ os: "macos", architecture: "arm64", variant: "9" }, {
      os: "darwin",
      architecture: "arm64",
      variant: "v9",
    }],
    [{ os: "linux", architecture: "arm" }, { os: "linux", architecture: "arm", variant: "v7" }],
    [{ os: "linux", architecture: "arm", variant: "5" }, {
      os: "linux",
      architecture: "arm",
      variant: "v5",
    }],
    [{ os: "linux", architecture: "i386", variant: "v2" }, { os: "linux", architecture: "386" }],
    [
      {
        os: "windows",
        architecture: "amd64",
        "os.version": "10.0.1",
        "os.features": ["b", "a", "b"],
      },
      { os: "windows", architecture: "amd64", "os.version": "10.0.1", "os.features": ["a", "b"] },
    ],
    [{ os: "linux", architecture: "amd64", "os.version": "", "os.features": [] }, {
      os: "linux",
      architecture: "amd64",
    }],
  ];
  for (const [given, normal] of cases) {
    const before = structuredClone(given);
    assert.deepEqual(normalizePlatform(given), normal);
    assert.deepEqual(given, before, "what was given is left alone");
  }
});

/** Which of these specifiers a matcher for the wanted ones takes. */
function taken(wanted: string[], candidates: string[]): string[] {
  const { matches } = matchPlatforms(wanted.map(parsePlatform));
  return candidates.filter((candidate) => matches(parsePlatform(candidate)));
}

test("matchPlatforms() takes each platform exactly, in any of its forms", () => {
  const candidates = [
    "linux/amd64",
    "linux/amd64/v2",
    "linux/386",
    "linux/arm64",
    "linux/arm64/v8",
    "linux/arm64/v9",
    "linux/arm",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm/v8",
    "windows/amd64",
    "windows(10.0.17763)/amd64",
  ];
  for (
    const [wanted, takes] of [
      ["linux/amd64", ["linux/amd64"]],
      ["linux/amd64/v2", ["linux/amd64/v2"]],
      ["linux/arm64", ["linux/arm64", "linux/arm64/v8"]],
      ["linux/arm64/v8", ["linux/arm64", "linux/arm64/v8"]],
      ["linux/arm64/v9", ["linux/arm64/v9"]],
      ["linux/arm", ["linux/arm", "linux/arm/v7"]],
      ["linux/armhf", ["linux/arm", "linux/arm/v7"]],
      ["linux/armel", ["linux/arm/v6"]],
      ["windows/amd64", ["windows/amd64", "windows(10.0.17763)/amd64"]],
      ["darwin/arm64", []],
    ] as const
  ) {
    assert.deepEqual(taken([wanted], candidates), takes, wanted);
  }
  assert.deepEqual(taken(["linux/386", "linux/amd64"], candidates), ["linux/amd64", "linux/386"]);
});

test("matchPlatforms() takes no platform where none is wanted", () => {
  assert.equal(matchPlatforms([]).matches({ os: "linux", architecture: "amd64" }), false);
});

test("matchPlatforms() asks that all of an image's features are wanted", () => {
  const candidates = ["linux/amd64", "linux(+gpu)/amd64", "linux(+gpu+simd)/amd64"];
  assert.deepEqual(taken(["linux/amd64"], candidates), ["linux/amd64"]);
  assert.deepEqual(taken(["linux(+gpu)/amd64"], candidates), ["linux/amd64", "linux(+gpu)/amd64"]);
  assert.deepEqual(taken(["linux(+simd+gpu)/amd64"], candidates), candidates);
});

test("matchPlatforms() asks no version of Linux, and no win32k of Windows", () => {
  assert.deepEqual(taken(["linux(6.1)/amd64"], ["linux(5.4)/amd64"]), ["linux(5.4)/amd64"]);
  assert.deepEqual(
    taken(["windows/amd64"], ["windows(+win32k)/amd64", "windows(+other)/amd64"]),
    ["windows(+win32k)/amd64"],
  );
});

test("matchPlatforms() asks for a win32k that is named a second time, as containerd does", () => {
  const twice = "windows(+win32k+win32k)/amd64";
  assert.deepEqual(taken(["windows/amd64"], [twice]), []);
  assert.deepEqual(taken(["windows(+win32k)/amd64"], [twice]), [twice]);
});

test("matchPlatforms() takes the Windows versions that run on the wanted one", () => {
  const images = [
    "windows/amd64",
    "windows(10.0.17763)/amd64",
    "windows(10.0.17763.1397)/amd64",
    "windows(10.0.20348.1)/amd64",
    "windows(10.0.25398)/amd64",
    "windows(10.0.26100)/amd64",
    "windows(10.0.26200)/amd64",
    "windows(11.0.20348)/amd64",
  ];
  const builds = (wanted: string) =>
    taken([wanted], images).map((image) => /\(([^)]*)\)/.exec(image)?.[1] ?? "any");
  assert.deepEqual(builds("windows(10.0.17763)/amd64"), ["any", "10.0.17763", "10.0.17763.1397"]);
  assert.deepEqual(builds("windows(10.0.14393)/amd64"), ["any"]);
  assert.deepEqual(builds("windows(10.0.20348)/amd64"), ["any", "10.0.20348.1"]);
  assert.deepEqual(builds("windows(10.0.25398)/amd64"), ["any", "10.0.20348.1", "10.0.25398"]);
  assert.deepEqual(builds("windows(10.0.26200)/amd64"), [
    "any",
    "10.0.20348.1",
    "10.0.25398",
    "10.0.26100",
    "10.0.26200",
  ]);
  assert.equal(builds("windows/amd64").length, 8);
  assert.equal(builds("windows(nonsense)/amd64").length, 8);
});

test("matchPlatforms() ranks by the order of the wanted ones, then by features", () => {
  const { compare } = matchPlatforms(
    ["linux/arm64", "linux(+gpu)/amd64", "linux/arm/v7"].map(parsePlatform),
  );
  const sorted = ["linux/arm/v7", "linux/amd64", "linux/arm64/v8", "linux(+gpu)/amd64"]
    .toSorted((a, b) => compare(parsePlatform(a), parsePlatform(b)));
  assert.deepEqual(sorted, ["linux/arm64/v8", "linux(+gpu)/amd64", "linux/amd64", "linux/arm/v7"]);
  assert.equal(compare(parsePlatform("linux/arm64"), parsePlatform("linux/arm64/v8")), 0);
});

test("what is Windows' own counts for no other system", () => {
  const wanted = matchPlatforms([parsePlatform("linux(10.0.17763)/amd64")]);
  const candidate = { os: "linux", architecture: "amd64" };
  assert.equal(wanted.matches({ ...candidate, "os.version": "10.0.20348" }), true);
  assert.equal(wanted.matches({ ...candidate, "os.features": ["win32k"] }), false);
});
