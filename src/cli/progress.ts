import process from "node:process";
import type { Progress } from "../archive/stream.ts";
import { formatBytes } from "./format.ts";

/** How to tell how far an export is. */
export type ProgressStyle = "auto" | "plain" | "json" | "none";

/** Tells how far an export is, on stderr. */
export interface Reporter {
  update(progress: Progress): void;
  /** @param done whether the archive is whole */
  end(done: boolean): void;
}

const SILENT: Reporter = { update() {}, end() {} };
/** Milliseconds between two messages. */
const INTERVAL = { bar: 100, lines: 1000 };

/** Makes the reporter; a bar only where stderr is a terminal. */
export async function makeReporter(style: ProgressStyle, title: string): Promise<Reporter> {
  if (style === "none" || (style === "auto" && !process.stderr.isTTY)) return SILENT;
  if (style === "auto") return await bar(title);
  const line = style === "json"
    ? (progress: Progress) => JSON.stringify(progress)
    : ({ bytes, total, entry }: Progress) =>
      `${percent(bytes, total)} ${formatBytes(bytes)} of ${formatBytes(total)} ${entry}`;
  return lines((progress) => process.stderr.write(`${line(progress)}\n`));
}

function lines(write: (progress: Progress) => void): Reporter {
  let next = 0;
  return {
    update(progress) {
      const now = performance.now();
      if (now < next && progress.bytes < progress.total) return;
      next = now + INTERVAL.lines;
      write(progress);
    },
    end() {},
  };
}

async function bar(sources: string): Promise<Reporter> {
  const { progress } = await import("@clack/prompts");
  const { withoutSecrets } = await import("./secrets.ts");
  const title = withoutSecrets(sources);
  let shown: ReturnType<typeof progress> | undefined;
  let told = 0;
  let next = 0;
  let size = "";
  return {
    update({ bytes, total }) {
      if (!shown) {
        shown = progress({ output: process.stderr, max: total, style: "heavy" });
        shown.start(title);
      }
      const now = performance.now();
      if (now < next) return;
      next = now + INTERVAL.bar;
      size = formatBytes(total);
      shown.advance(bytes - told, `${percent(bytes, total)} of ${size}`);
      told = bytes;
    },
    end(done) {
      if (done) shown?.stop(`${title} ${size}`);
      else shown?.error(title);
    },
  };
}

function percent(bytes: number, total: number): string {
  return `${Math.floor(total === 0 ? 100 : bytes / total * 100)} %`;
}
