import { type CaseReport, isMeasured, type Measured, type Missing, type Report } from "./report.ts";

/** The lines above the tables: on what this was measured. */
export function heading({ machine, rounds, scale }: Omit<Report, "cases">): string {
  const { cpu, cores, memory, kernel } = machine;
  const size = scale === 1 ? "" : `, sizes scaled by ${scale}`;
  return `${cpu}, ${cores} cores, ${gigabytes(memory)} of memory, ${kernel}
Median of ${rounds} rounds after a warm-up${size}; the ratio is the median of each round's own.
`;
}

/** One question's answers as a table of text. */
export function caseTable({ name, title, bytes, reference, rows }: CaseReport): string {
  const measured = rows.filter(isMeasured);
  const columns: Column[] = [
    { title: "peer", cell: ({ peer }) => peer, left: true },
    { title: "version", cell: ({ version }) => version, left: true },
    { title: "median", cell: ({ median }) => duration(median) },
    { title: "min - max", cell: ({ min, max }) => `${duration(min)} - ${duration(max)}` },
    { title: "peak MB", cell: ({ peakMemory }) => megabytes(peakMemory) },
  ];
  if (bytes !== undefined) {
    columns.push({ title: "MB/s", cell: ({ bytesPerSecond }) => megabytes(bytesPerSecond) });
  }
  if (measured.some(({ ratio }) => ratio !== undefined)) {
    columns.push({ title: "ratio", cell: ({ ratio }) => ratio?.toFixed(2) ?? "" });
  }
  if (measured.some(({ atMost }) => atMost !== undefined)) {
    columns.push({ title: "at most", cell: goal });
  }
  const missing = rows.filter((row): row is Missing => !isMeasured(row)).map((row) =>
    `  ${row.failed ? "failed" : "missing"}: ${row.peer} (${row.missing})\n`
  );
  const to = reference === undefined ? "" : `, ratios to: ${reference}`;
  return `${name}: ${title}${to}\n${align(columns, measured)}${missing.join("")}`;
}

interface Column {
  title: string;
  cell(row: Measured): string;
  left?: boolean;
}

function align(columns: readonly Column[], rows: readonly Measured[]): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map((line) => {
    const cells = line.map((cell, i) =>
      columns[i]!.left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    );
    return `  ${cells.join("  ").trimEnd()}\n`;
  }).join("");
}

function goal({ ratio, atMost }: Measured): string {
  if (atMost === undefined || ratio === undefined) return "";
  return `${atMost.toFixed(2)} ${ratio <= atMost ? "ok" : "NO"}`;
}

/** Seconds as people read them. */
export function duration(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  if (seconds >= 0.001) return `${(seconds * 1000).toPrecision(3)} ms`;
  return `${(seconds * 1e6).toPrecision(3)} µs`;
}

/** Millions of bytes, without the unit. */
export function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "-" : (bytes / 1e6).toFixed(0);
}

/** Memory of a machine, which is sold in GiB. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(0)} GiB`;
}
