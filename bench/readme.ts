/**
 * Puts a report of `deno task bench --only export --json` into README.md as a table.
 *
 *     deno task bench --only export --json > bench.json && deno run -A bench/readme.ts bench.json
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { installed } from "./machine.ts";
import { GO_REFERENCE } from "./peers/go_reference.ts";
import { type CaseReport, isMeasured, type Measured, type Report } from "./report.ts";
import { duration, gigabytes, megabytes } from "./table.ts";

const START = "<!-- bench:start -->";
const END = "<!-- bench:end -->";

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new TypeError("Expected the file with the report");
  const report = JSON.parse(await readFile(file, "utf8")) as Report;
  const path = fileURLToPath(new URL("../README.md", import.meta.url));
  await writeFile(path, replaceTable(await readFile(path, "utf8"), markdown(report)));
  // Which also aligns the table's columns.
  execFileSync(installed("deno"), ["fmt", "--quiet", path]);
}

/** The text with this between its two markers. @throws {Error} where it lacks them */
export function replaceTable(text: string, table: string): string {
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`Cannot find ${START} and ${END}, in this order`);
  return `${text.slice(0, start)}${START}\n\n${table}\n${text.slice(end)}`;
}

/** Every case that is held against the Go reference as a line, every peer as a column. */
export function markdown({ machine, rounds, scale, cases }: Report): string {
  if (scale !== 1) {
    throw new RangeError(`This report is of sizes scaled by ${scale}: run it in full`);
  }
  const shown = cases.filter(({ reference }) => reference === GO_REFERENCE);
  const measured = shown.flatMap(({ rows }) => rows.filter(isMeasured));
  const versions = new Map(measured.map(({ peer, version }) => [peer, version]));
  const peers = [...versions.keys()];
  const lines = [
    ["", ...peers],
    ["---", ...peers.map(() => "---:")],
    ...shown.map((question) => [question.title, ...peers.map((peer) => cell(question, peer))]),
    ["peak memory", ...peers.map((peer) => peakMemory(measured, peer))],
  ];
  const versionList = peers.map((peer) => `${peer} ${versions.get(peer)}`).join(", ");
  return `${lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("")}
Medians of ${rounds} rounds, whole commands from start to exit; in brackets the median of each round's
own ratio to the time of the Go reference, which is containerd's algorithm on Go's standard library.
Measured by \`deno task bench --only export --json\` on ${machine.date}: ${machine.cpu}, ${machine.cores} cores,
${gigabytes(machine.memory)}, ${machine.kernel}; ${versionList}.
`;
}

function cell({ rows }: CaseReport, wanted: string): string {
  const row = rows.filter(isMeasured).find(({ peer }) => peer === wanted);
  if (!row) return "–";
  const { median, ratio } = row;
  return ratio === undefined || wanted === GO_REFERENCE
    ? duration(median)
    : `${duration(median)} (${ratio.toFixed(2)})`;
}

function peakMemory(measured: readonly Measured[], wanted: string): string {
  const peaks = measured.filter(({ peer }) => peer === wanted)
    .flatMap(({ peakMemory }) => peakMemory ?? []);
  return peaks.length === 0 ? "–" : `${megabytes(Math.max(...peaks))} MB`;
}
