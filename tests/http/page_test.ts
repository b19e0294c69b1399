import { test } from "node:test";
import assert from "node:assert/strict";
import { poorContrast } from "./page/contrast.ts";
import { NAMES } from "./page/images.ts";
import { describePage } from "./page/site.ts";

describePage("archivePage()", (site) => {
  test("lists the images, and filters them by words in any order", async () => {
    await site.visit({}, async (page) => {
      const links = page.locator("nav a");
      await page.getByText("15 images").waitFor();
      assert.equal(await links.count(), 15);
      await page.getByRole("searchbox").fill("1.1 LIBRARY/p");
      assert.deepEqual(
        await links.evaluateAll((all) => all.map((link) => link.dataset.name)),
        ["docker.io/library/postgres:1.1", "docker.io/library/python:1.1"],
      );
      await page.getByText("2 of 15 images").first().waitFor();
      await links.last().click();
      await page.getByRole("heading", { name: "python" }).waitFor();
      assert.equal(await page.title(), "docker.io/library/python:1.1 – Images");
    });
  });

  test("asks the server for a name that is not listed, and shows its refusal", async () => {
    await site.visit({}, async (page) => {
      await page.getByRole("searchbox").fill("nowhere:1");
      await page.getByRole("link", { name: "Ask the server for nowhere:1" }).click();
      await page.getByRole("alert").getByText('Cannot find "nowhere:1"').waitFor();
    });
  });

  test("says so where there are no images", async () => {
    await site.visit({ path: "/empty/" }, async (page) => {
      await page.getByText("There are no images here yet.").waitFor();
    });
  });

  test("shows the tree: index, platforms, manifests, layers and referrers with sizes", async () => {
    await site.visit({ name: NAMES.multi }, async (page) => {
      const tree = page.locator(".tree");
      const titles = () => tree.locator("summary, li > .row").locator(".title").allInnerTexts();
      await tree.waitFor();
      assert.deepEqual((await titles()).map((title) => title.trim().split(/\s{2,}|\n/)[0]), [
        "Image index",
        "linux/amd64",
        "linux/arm64",
        "linux/arm/v7",
        "Attestation",
        "Signature left out",
      ]);
      await tree.locator("summary", { hasText: "linux/amd64" }).click();
      const below = tree.locator("details details").first();
      // What is below comes with an event, and the referrers last.
      await below.getByText("SBOM").waitFor();
      const sizes = await below.locator("ul .size").allInnerTexts();
      assert.deepEqual(sizes, ["37 B", "332.0 KiB", "87.9 KiB", "3.91 KiB", "648 B"]);
    });
  });

  test("shows the exact size and ETag for the options, before a layer is read", async () => {
    await site.visit({ name: NAMES.multi }, async (page) => {
      await site.opened();
      const facts = page.locator(".plan");
      const shown = async () => ({
        bytes: (await facts.locator(".total span").innerText()).replace(/\D/g, ""),
        etag: await facts.locator(".etag code").innerText(),
      });
      const real = async (query: string) => {
        const { headers } = await site.fetchArchive(NAMES.multi, query, { method: "HEAD" });
        return { bytes: headers.get("content-length"), etag: headers.get("etag") };
      };
      const change = async (label: string) => {
        const { etag } = await shown();
        await page.getByLabel(label).check();
        await facts.locator(".etag code", { hasNotText: etag }).waitFor();
      };
      await facts.waitFor();
      assert.deepEqual(await shown(), await real(""));
      await change("linux/arm64");
      assert.deepEqual(await shown(), await real("?platform=linux/arm64"));
      assert.equal(await page.locator(".tree .out", { hasText: "linux/amd64" }).count(), 1);
      await change("Signatures and other referrers");
      assert.deepEqual(await shown(), await real("?platform=linux/arm64&referrers"));
      assert.equal(await page.locator(".tree .out", { hasText: "Signature" }).count(), 0);
      assert.deepEqual(await site.opened(), []);
      // The address leads back to the same choice.
      const before = await shown();
      await page.reload();
      await facts.waitFor();
      assert.deepEqual(await shown(), before);
      assert.ok(await page.getByLabel("linux/arm64").isChecked());
    });
  });

  test("tells why there is no archive, and what would help brings one", async () => {
    await site.visit({ name: NAMES.incomplete }, async (page) => {
      await page.getByRole("alert").getByText("Cannot find blob sha256:dddd").waitFor();
      await page.getByLabel("windows/amd64 missing").waitFor();
      await page.getByRole("button", { name: "Leave out what the store lacks" }).click();
      assert.ok(await page.getByLabel("Leave out what the store lacks").isChecked());
      await page.locator(".plan .total").waitFor();
      assert.equal(await page.getByRole("alert").count(), 0);
    });
  });

  test("copies the curl, ctr, docker and podman commands", async () => {
    const permissions = ["clipboard-read", "clipboard-write"];
    const target = { name: NAMES.multi, query: "?platform=linux/arm64" };
    await site.visit(target, async (page) => {
      const url = `${site.origin}/archives/${NAMES.multi}.tar?platform=linux/arm64`;
      const expected = {
        curl: `curl -f -C - -o alpine-3.22.tar '${url}'`,
        ctr: `curl -f '${url}' | sudo ctr images import --platform linux/arm64 -`,
        docker: `curl -f '${url}' | docker load`,
        podman: `curl -f '${url}' | podman load`,
      };
      for (const [tool, command] of Object.entries(expected)) {
        await page.getByRole("button", { name: `Copy the ${tool} command` }).click();
        await page.getByRole("status").getByText(`Copied: the ${tool} command`).waitFor();
        const copied = await page.evaluate("navigator.clipboard.readText()");
        assert.equal(copied, command);
      }
    }, { permissions });
  });

  test("shows names from outside as text, and quotes them for the shell", async () => {
    await site.visit({ name: NAMES.hostile }, async (page) => {
      await page.locator(".plan").waitFor();
      assert.equal(await page.locator("img").count(), 0);
      assert.equal(await page.locator("h2").getAttribute("title"), NAMES.hostile);
      const command = await page.getByRole("group", { name: "docker command" }).innerText();
      const encoded = encodeURIComponent(NAMES.hostile).replaceAll("'", "%27");
      assert.ok(command.includes(encoded) || command.includes(`'\\''`), command);
    });
  });

  test("can be used by keyboard alone", async () => {
    await site.visit({}, async (page) => {
      await page.getByText("15 images").waitFor();
      const focused = () => page.evaluate("document.activeElement.innerText.trim()");
      const tabTo = async (text: string) => {
        for (let i = 0; i < 40; i++) {
          await page.keyboard.press("Tab");
          const label = await page.evaluate(() => {
            // deno-lint-ignore no-explicit-any
            const { activeElement: element } = (globalThis as any).document;
            return `${element.getAttribute("aria-label") ?? ""} ${element.value ?? ""} ` +
              element.innerText;
          });
          if (label.includes(text)) return;
        }
        assert.fail(`Tab does not lead to ${text}`);
      };
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "Skip to the image");
      await page.keyboard.press("Tab");
      await page.keyboard.type("alpine");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.locator(".plan").waitFor();
      assert.match(String(await focused()), /alpine\s*:?\s*3\.22/);
      await tabTo("linux/arm64");
      await page.keyboard.press("Space");
      await page.locator(".tree .out", { hasText: "linux/amd64" }).waitFor();
      await tabTo("Download and verify");
      await page.keyboard.press("Enter");
      await page.getByText("Verified: ").first().waitFor();
      assert.match(String(await focused()), /^Verified/);
      await tabTo("Image index");
      await tabTo("linux/arm64");
      await page.keyboard.press("Enter");
      await page.locator(".tree details details[open]", { hasText: "Layer 3" }).waitFor();
    });
  });

  test("fits 400 pixels: the list, then the image, and back", async () => {
    await site.visit({}, async (page) => {
      const overflow = () =>
        page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
      await page.getByText("15 images").waitFor();
      assert.equal(await overflow(), 0);
      await page.locator("nav a").first().click();
      await page.locator(".plan").waitFor();
      await page.locator(".tree summary").nth(1).click();
      assert.equal(await overflow(), 0);
      assert.ok(!await page.getByRole("searchbox").isVisible());
      await page.getByRole("link", { name: "All images" }).click();
      await page.getByRole("searchbox").waitFor();
    }, { viewport: { width: 400, height: 800 } });
  });

  const grounds = { light: "rgb(245, 245, 243)", dark: "rgb(19, 20, 23)" };
  for (const colorScheme of ["light", "dark"] as const) {
    test(`has text of enough contrast in ${colorScheme} colours`, async () => {
      await site.visit({ name: NAMES.multi, query: "?platform=linux/amd64" }, async (page) => {
        await page.locator(".plan").waitFor();
        const ground = "getComputedStyle(document.documentElement).backgroundColor";
        assert.equal(await page.evaluate(ground), grounds[colorScheme]);
        assert.deepEqual(await page.evaluate(`(${poorContrast})()`), []);
      }, { colorScheme });
    });
  }
});
