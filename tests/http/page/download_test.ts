import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { sha256 } from "../../helpers/bytes.ts";
import { savedFiles } from "./browser.ts";
import { NAMES } from "./images.ts";
import { describePage } from "./site.ts";

describePage("a download by the page", (site) => {
  const fetchTar = async (name: string) =>
    new Uint8Array(await (await site.fetchArchive(name)).arrayBuffer());

  test("saves a download whose every digest it has verified, byte for byte", async () => {
    await site.visit({ name: NAMES.single }, async (page) => {
      await page.getByRole("button", { name: "Download and verify" }).click();
      await page.getByText("Verified: 7 blobs, every digest right").first().waitFor();
      assert.deepEqual(await savedFiles(page), {
        "api-server-1.4.2.tar": await sha256(await fetchTar(NAMES.single)),
      });
      assert.equal(await page.locator(".tree .verified").count(), 7);
    });
  });

  test("hands the download to a browser that has no file picker", async () => {
    await site.visit({ name: NAMES.single }, async (page) => {
      const coming = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download and verify" }).click();
      const download = await coming;
      assert.equal(download.suggestedFilename(), "api-server-1.4.2.tar");
      const saved = await readFile(await download.path());
      assert.deepEqual(new Uint8Array(saved), await fetchTar(NAMES.single));
    }, { save: "download" });
  });

  test("goes on where the connection broke", async () => {
    await site.visit({ name: NAMES.single }, async (page) => {
      let breaks = 0;
      await page.route("**/*.tar", async (route) => {
        if (breaks++ < 2) await route.abort("connectionreset");
        else await route.continue();
      });
      await page.getByRole("button", { name: "Download and verify" }).click();
      await page.getByText("Verified: 7 blobs").first().waitFor();
      const saved = Object.values(await savedFiles(page));
      assert.deepEqual(saved, [await sha256(await fetchTar(NAMES.single))]);
      assert.ok(breaks > 2);
    }, { haste: 20 });
  });

  for (const save of ["picked", "download"] as const) {
    test(`names a damaged blob and keeps no file, ${save}`, async () => {
      await site.visit({ name: NAMES.damaged }, async (page) => {
        let downloads = 0;
        page.on("download", () => downloads++);
        await page.getByRole("button", { name: "Download and verify" }).click();
        const alert = page.getByRole("alert");
        await alert.getByText("The archive is damaged").waitFor();
        await alert.getByText("No file was kept.").waitFor();
        const row = page.locator(".tree .damaged");
        assert.match(await alert.innerText(), new RegExp(await row.locator("code").innerText()));
        assert.deepEqual(await savedFiles(page), {});
        assert.equal(downloads, 0);
      }, { save, haste: 20 });
    });
  }

  test("keeps no file of a download that is cancelled", async () => {
    await site.stall(true);
    try {
      await site.visit({ name: NAMES.single }, async (page) => {
        await page.getByRole("button", { name: "Download and verify" }).click();
        await page.getByRole("progressbar").waitFor();
        await page.getByRole("button", { name: "Cancel" }).click();
        await page.getByText("Cancelled. No file was kept.").first().waitFor();
        assert.deepEqual(await savedFiles(page), {});
      });
    } finally {
      await site.stall(false);
    }
  });
});
