/**
 * `hash_worker.ts WORKERS LAYOUT OUT`: copies a layout's blobs to a file one after the other and
 * hashes them, in this thread where WORKERS is 0, or else blob by blob in one worker or the next.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { layoutBlobs } from "../peers/layout_blobs.ts";

const BUFFERS = 16;
const SIZE = 1 << 20;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a worker answers: the buffer that it has hashed, or the digest. */
interface Answer {
  buffer?: ArrayBuffer;
  length?: number;
  digest?: string;
}

interface Hasher {
  /** Resolves with the bytes once they have been hashed. */
  update(bytes: Bytes): Promise<Bytes>;
  digest(): Promise<string>;
  end(): void;
}

/** Buffers that go round; who wants one waits until there is one. */
class Buffers {
  #free = Array.from({ length: BUFFERS }, () => new Uint8Array(SIZE));
  #waiting?: (buffer: Bytes) => void;

  take(): Promise<Bytes> {
    const buffer = this.#free.pop();
    if (buffer) return Promise.resolve(buffer);
    return new Promise((resolve) => this.#waiting = resolve);
  }

  give({ buffer }: Bytes): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(new Uint8Array(buffer));
    else this.#free.push(new Uint8Array(buffer));
  }
}

function inThisThread(): Hasher {
  let hash = createHash("sha256");
  return {
    update(bytes) {
      hash.update(bytes);
      return Promise.resolve(bytes);
    },
    digest() {
      const digest = hash.digest("hex");
      hash = createHash("sha256");
      return Promise.resolve(digest);
    },
    end: () => {},
  };
}

function inWorker(): Hasher {
  const worker = new Worker(new URL("hash_thread.ts", import.meta.url));
  const waiting: ((answer: Answer) => void)[] = [];
  worker.on("message", (answer: Answer) => waiting.shift()!(answer));
  // Not the array itself: Deno takes 600 ms for one of 1 MiB, and 0.3 ms for its buffer.
  const ask = (question: Omit<Answer, "digest">) => {
    worker.postMessage(question, question.buffer ? [question.buffer] : []);
    return new Promise<Answer>((resolve) => waiting.push(resolve));
  };
  return {
    async update({ buffer, length }) {
      const hashed = await ask({ buffer, length });
      return new Uint8Array(hashed.buffer!, 0, length);
    },
    digest: async () => (await ask({})).digest!,
    end: () => void worker.terminate(),
  };
}

const [workers, layout, out] = process.argv.slice(2) as [string, string, string];
const hashers = workers === "0"
  ? [inThisThread()]
  : Array.from({ length: Number(workers) }, inWorker);
const output = await open(out, "w");
const buffers = new Buffers();
let written: Promise<unknown> = Promise.resolve();

for (const [i, { name, path, size }] of (await layoutBlobs(layout)).entries()) {
  const hasher = hashers[i % hashers.length]!;
  const file = await open(path);
  for (let at = 0; at < size;) {
    const buffer = await buffers.take();
    const { bytesRead } = await file.read(buffer, 0, SIZE, at);
    if (bytesRead === 0) throw new Error(`${name} is too short`);
    at += bytesRead;
    const hashed = hasher.update(buffer.subarray(0, bytesRead));
    written = written.then(async () => {
      const bytes = await hashed;
      for (let done = 0; done < bytes.length;) {
        done += (await output.write(bytes, done, bytes.length - done)).bytesWritten;
      }
      buffers.give(bytes);
    });
  }
  await file.close();
  const digest = hasher.digest();
  written = written.then(async () => {
    if (!name.endsWith(await digest)) throw new Error(`${name} is damaged`);
  });
}
await written;
await output.close();
for (const hasher of hashers) hasher.end();
