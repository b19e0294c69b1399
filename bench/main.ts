/**
 * How fast, against the peers that are installed.
 *
 *     deno task bench --only export-1g,startup --rounds 3
 *     deno task bench --only export --json > bench.json && deno run -A bench/readme.ts bench.json
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { containerd } from "./containerd.ts";
import type { Case, Context } from "./contestant.ts";
import { exportCommand } from "./export_command.ts";
import { runCase } from "./harness.ts";
import { hashWorker } from "./hash_worker.ts";
import { http } from "./http.ts";
import { inProcess } from "./in_process.ts";
import { thisMachine } from "./machine.ts";
import { planGrowth } from "./plan_growth.ts";
import { registryLookAhead } from "./registry_lookahead.ts";
import { type CaseReport, isMeasured, type Report } from "./report.ts";
import { startup } from "./startup.ts";
import { caseTable, heading } from "./table.ts";

const QUESTIONS: readonly ((context: Context) => Case[])[] = [
  exportCommand,
  inProcess,
  http,
  registryLookAhead,
  containerd,
  planGrowth,
  startup,
  hashWorker,
];

const USAGE = `deno task bench [options]
  --only CASE[,...]   these cases, by name or the beginning of several
  --peer NAME[,...]   these peers, by a part of their names; references always run
  --rounds N          rounds that count, after one that warms up (5)
  --scale F           sizes times F, for a quick look (1)
  --json              the report as JSON on stdout
  --list              the names of all cases
  --clean             remove the fixtures, which are kept between runs
`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    peer: { type: "string" },
    rounds: { type: "string", default: "5" },
    scale: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    clean: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const folder = join(tmpdir(), "oci-archive-bench");
const rounds = positive("--rounds", flags.rounds);
const scale = positive("--scale", flags.scale);

if (flags.help) console.log(USAGE);
else if (flags.clean) await rm(folder, { recursive: true, force: true });
else if (flags.list) { for (const { name, title } of wanted()) console.log(`${name}: ${title}`); }
else await bench();

async function bench(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const report: Report = { machine: thisMachine(), rounds, scale, cases: [] };
  const print = flags.json ? () => {} : (text: string) => console.log(text);
  const log = (line: string) => process.stderr.write(`${line}\n`);
  print(heading(report));
  for (const question of wanted()) {
    const answers = await runCase(question, { rounds, peers: flags.peer?.split(","), log });
    report.cases.push(answers);
    print(caseTable(answers));
  }
  if (flags.json) console.log(JSON.stringify(report, undefined, 2));
  if (report.cases.some(hasFailed)) process.exitCode = 1;
}

function hasFailed({ rows }: CaseReport): boolean {
  return rows.some((row) => !isMeasured(row) && row.failed);
}

function wanted(): Case[] {
  const cases = QUESTIONS.flatMap((question) => question({ folder, scale }));
  const chosen = flags.only === undefined ? cases : flags.only.split(",").flatMap((wanted) => {
    const exact = cases.filter(({ name }) => name === wanted);
    return exact.length > 0 ? exact : cases.filter(({ name }) => name.startsWith(wanted));
  });
  if (chosen.length > 0) return chosen;
  throw new RangeError(`No case is named ${flags.only}: --list names them all`);
}

function positive(flag: string, value: string): number {
  const number = Number(value);
  if (number > 0 && (flag !== "--rounds" || Number.isInteger(number))) return number;
  throw new RangeError(`${flag} ${value}: expected a positive number`);
}
