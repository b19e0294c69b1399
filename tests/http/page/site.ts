/** The page in a browser, served by a process of its own. */
import { after, before, describe } from "node:test";
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { lacks } from "../../helpers/program.ts";
import { type Server, startServer } from "../servers/start.ts";
import { launchBrowser, noBrowser, openPage, type OpenPageOptions } from "./browser.ts";

const SERVER = new URL("server.ts", import.meta.url).pathname;

/** What to open: an image, or the list alone. */
export interface Target {
  name?: string;
  /** The options in the address. */
  query?: string;
  /** @default {"/"} */
  path?: string;
}

/** The server's side of a test, and the browser's. */
export class Site {
  #server: Server | undefined;
  #browser: Browser | undefined;

  async start(): Promise<void> {
    this.#server = await startServer("deno", ["run", "--no-check", "-A", SERVER]);
    this.#browser = await launchBrowser();
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    this.#server?.stop();
  }

  get origin(): string {
    return this.#server!.origin;
  }

  /** Opens the page, does something there, and sees that nothing went wrong. */
  async visit(
    { name, query = "", path = "/" }: Target,
    act: (page: Page) => Promise<void>,
    options?: OpenPageOptions,
  ): Promise<void> {
    const fragment = name ? `#/${encodeURIComponent(name)}${query}` : "";
    const opened = await openPage(this.#browser!, `${this.origin}${path}${fragment}`, options);
    opened.page.setDefaultTimeout(15_000);
    try {
      await act(opened.page);
      assert.deepEqual(opened.errors, []);
    } finally {
      await opened.close();
    }
  }

  /** Asks the server for an archive, as no browser does. */
  fetchArchive(name: string, query = "", init?: RequestInit): Promise<Response> {
    return fetch(`${this.origin}/archives/${encodeURIComponent(name)}.tar${query}`, init);
  }

  /** Which layers and configs have been opened since it was asked last. */
  async opened(): Promise<string[]> {
    return await (await fetch(`${this.origin}/control/opened`)).json();
  }

  /** Stalls every layer from now on, or no longer. */
  async stall(on: boolean): Promise<void> {
    await (await fetch(`${this.origin}/control/stall${on ? "?on" : ""}`)).body?.cancel();
  }
}

/** Describes the page with a site that is there while the tests run. */
export function describePage(title: string, tests: (site: Site) => void): void {
  describe(title, { skip: noBrowser || lacks("deno") }, () => {
    const site = new Site();
    before(() => site.start());
    after(() => site.stop());
    tests(site);
  });
}
