/** A headless Chromium, and what the tests of the page do with it. */
import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Why there is no browser, for a visible skip; false in CI, where there has to be one. */
export const noBrowser: string | false = !existsSync(EXECUTABLE) && !process.env.CI &&
  `${EXECUTABLE} is not installed`;

/** Starts the browser, with a profile of its own and without talk to the world. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      "--no-sandbox",
      "--headless",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** An open page, and what went wrong in it. */
export interface OpenPage {
  page: Page;
  /** Errors of scripts and breaches of the Content-Security-Policy. */
  errors: string[];
  close(): Promise<void>;
}

/** How to open the page. */
export interface OpenPageOptions extends BrowserContextOptions {
  /**
   * Where downloads go: to a file of the browser's private file system, which takes the place of
   * the dialog that no test can use, or to the browser's own downloads.
   * @default {"picked"}
   */
  save?: "picked" | "download";
  /** By how much the page's own waits are shorter. */
  haste?: number;
}

/** Opens an address in a context of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  { save = "picked", haste, ...options }: OpenPageOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (message) => {
    if (/Content.Security.Policy|TrustedHTML/i.test(message.text())) errors.push(message.text());
  });
  await page.addInitScript(save === "picked" ? PICK_PRIVATE_FILE : NO_PICKER);
  if (haste) await page.addInitScript(hurry, haste);
  await page.goto(url);
  return { page, errors, close: () => context.close() };
}

function hurry(haste: number): void {
  const { setTimeout } = globalThis;
  Object.assign(globalThis, {
    setTimeout: (task: () => void, wait = 0) => setTimeout(task, wait / haste),
  });
}

const NO_PICKER = "delete globalThis.showSaveFilePicker;";

const PICK_PRIVATE_FILE = `globalThis.showSaveFilePicker = async ({ suggestedName }) => {
  const folder = await navigator.storage.getDirectory();
  return await folder.getFileHandle(suggestedName, { create: true });
};`;

/** The SHA-256 of the files that were saved, by name. */
export function savedFiles(page: Page): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    const files: Record<string, string> = {};
    // deno-lint-ignore no-explicit-any
    const folder: any = await (globalThis as any).navigator.storage.getDirectory();
    for await (const [name, handle] of folder.entries()) {
      const bytes = await (await handle.getFile()).arrayBuffer();
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      files[name] = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    return files;
  });
}
