import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { printable, visible } from "../../src/cli/visible.ts";
import { text } from "../helpers/bytes.ts";
import { command } from "../helpers/command.ts";
import { inFolder } from "../helpers/folder.ts";
import { addImage } from "../helpers/image.ts";
import { LayoutFolder } from "../helpers/layout_folder.ts";
import { tarEntry, tarOf } from "../helpers/tar.ts";

/** Would clear the screen, and then tell that all is well. */
const EVIL = "evil\x1b[2J\u009b31m\rx\nok: 5 entries, 3 blobs, 100 bytes";
const QUOTED = '"evil\\u001b[2J\\u009b31m\\rx\\nok: 5 entries, 3 blobs, 100 bytes"';
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}]/u;

describe("printable()", () => {
  test("leaves names as they are", () => {
    for (
      const name of ["docker.io/library/app:1.0", "a b", "größe", "映像", 'say "hi"', "🐳", ""]
    ) {
      assert.equal(printable(name), name);
    }
  });

  test("quotes what holds anything that a terminal would obey or hide", () => {
    assert.equal(printable(EVIL), QUOTED);
    for (
      const [name, quoted] of Object.entries({
        "a\x7f": "a\\u007f",
        "a\u202egpj": "a\\u202egpj",
        "a\u2028b": "a\\u2028b",
        "a\ud800": "a\\ud800",
        "a\u{e0041}": "a\\udb40\\udc41",
      })
    ) assert.equal(printable(name), `"${quoted}"`);
  });
});

test("visible() escapes only what cannot be seen", () => {
  assert.equal(visible('layer "a\tb"\x1b'), 'layer "a\\u0009b"\\u001b');
});

describe("names out of an image cannot take over the terminal", () => {
  test("in what verify says", async () => {
    await inFolder(async (folder) => {
      const archive = join(folder, "evil.tar");
      const index = {
        schemaVersion: 2,
        manifests: [{
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          digest: `sha256:${"0".repeat(64)}`,
          size: 2,
          annotations: { "io.containerd.image.name": EVIL },
        }],
      };
      await writeFile(
        archive,
        tarOf(
          tarEntry(EVIL, "stray"),
          tarEntry(`../${EVIL}`, "outside"),
          tarEntry("index.json", JSON.stringify(index)),
        ),
      );
      const { status, stdout, stderr } = await command(["verify", archive]);
      assert.equal(status, 1);
      assert.doesNotMatch(text(stdout) + stderr, UNSEEN);
      assert.doesNotMatch(text(stdout), /^ok/m);
      assert.ok(text(stdout).includes(`warning  ${QUOTED}: `), text(stdout));
      assert.equal(stderr.split("\n").length, 2);
    });
  });

  test("in what inspect says, but for JSON, which has its own way", async () => {
    await inFolder(async (folder) => {
      const layout = new LayoutFolder(folder);
      const { manifest } = await addImage(layout, { layers: ["layer"] });
      const annotations = { "io.containerd.image.name": EVIL };
      await layout.list([{ ...manifest, annotations }]);
      const { status, stdout, stderr } = await command(["inspect", `oci:${folder}`]);
      assert.doesNotMatch(text(stdout) + stderr, UNSEEN);
      if (status === 0) assert.ok(text(stdout).includes(QUOTED), text(stdout));
      else assert.match(stderr, /evil\\u001b/);
    });
  });

  test("in an error", async () => {
    const { stderr } = await command(["inspect", `oci:/no/such\x1b[2J/layout\u009b`, "--debug"]);
    assert.doesNotMatch(stderr, UNSEEN);
    assert.match(stderr, /^oci-archive: Cannot read \/no\/such\\u001b/);
  });
});
