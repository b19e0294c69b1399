import type { Case, Contestant } from "./contestant.ts";
import { MissingError, type Sample } from "./contestant.ts";
import type { CaseReport, Measured, Missing, Row } from "./report.ts";
import { median, pairwiseRatio } from "./statistics.ts";

/** How often to measure, and whom. */
export interface RunOptions {
  /** Rounds that count. */
  rounds: number;
  /** Names of peers, or parts of them; the reference runs in any case. */
  peers?: readonly string[];
  /** Told what is being done. */
  log(line: string): void;
}

interface Entrant {
  contestant: Contestant;
  version: string;
  samples: Sample[];
  failure?: string;
}

/**
 * Answers one question: every round runs each contestant once, so that those of a round are pairs.
 * The first round warms up caches and is not counted.
 */
export async function runCase(
  question: Case,
  { rounds, peers, log }: RunOptions,
): Promise<CaseReport> {
  const { name, title, bytes, reference } = question;
  const missing: Missing[] = [];
  const entrants: Entrant[] = [];
  for (const contestant of question.contestants) {
    if (!isWanted(contestant, reference, peers)) continue;
    try {
      const version = await contestant.version();
      await contestant.prepare?.();
      entrants.push({ contestant, version, samples: [] });
    } catch (error) {
      missing.push(absence(contestant, error));
      await contestant.close?.();
    }
  }
  try {
    for (let round = 0; round <= rounds; round++) {
      // There and back, so that none always runs in the wake of the same other one.
      const order = round % 2 === 0 ? entrants : entrants.toReversed();
      for (const entrant of order) {
        log(`${name}: ${entrant.contestant.name}, ${round === 0 ? "warm-up" : `round ${round}`}`);
        await measure(entrant, round === 0);
      }
    }
  } finally {
    for (const { contestant } of entrants) await contestant.close?.();
  }
  const first = entrants.find(({ contestant }) => contestant.name === reference);
  const rows: Row[] = entrants.map((entrant) => row(entrant, first, bytes));
  return { name, title, bytes, reference, rows: [...rows, ...missing] };
}

function isWanted(
  { name }: Contestant,
  reference: string | undefined,
  peers: readonly string[] | undefined,
): boolean {
  if (!peers || name === reference) return true;
  return peers.some((peer) => name.toLowerCase().includes(peer.toLowerCase()));
}

async function measure(entrant: Entrant, warmUp: boolean): Promise<void> {
  if (entrant.failure !== undefined) return;
  try {
    const sample = await entrant.contestant.measure();
    if (!warmUp) entrant.samples.push(sample);
  } catch (error) {
    entrant.failure = (error as Error).message;
  }
}

function row(
  { contestant, version, samples, failure }: Entrant,
  reference: Entrant | undefined,
  bytes: number | undefined,
): Row {
  const { name: peer, atMost } = contestant;
  if (failure !== undefined) return { peer, missing: failure, failed: true };
  const seconds = samples.map(({ seconds }) => seconds);
  const peaks = samples.flatMap(({ peakMemory }) => peakMemory ?? []);
  const measured: Measured = {
    peer,
    version,
    seconds,
    median: median(seconds),
    min: Math.min(...seconds),
    max: Math.max(...seconds),
  };
  if (bytes !== undefined) measured.bytesPerSecond = bytes / measured.median;
  if (peaks.length > 0) measured.peakMemory = Math.max(...peaks);
  if (reference && reference.failure === undefined) {
    measured.ratio = pairwiseRatio(seconds, reference.samples.map(({ seconds }) => seconds));
  }
  if (atMost !== undefined) measured.atMost = atMost;
  return measured;
}

function absence({ name }: Contestant, error: unknown): Missing {
  return {
    peer: name,
    missing: (error as Error).message,
    failed: !(error instanceof MissingError),
  };
}
