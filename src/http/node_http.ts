import type { Answer, WatchedSending } from "./send.ts";

/** The parts of node:http that are used. */
interface NodeHttp {
  request(
    url: URL,
    options: { method: string; headers: Record<string, string>; agent: false },
  ): ClientRequest;
}

interface ClientRequest {
  on(event: "response", listener: (response: IncomingMessage) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "socket", listener: (socket: Socket) => void): void;
  on(event: "drain" | "close", listener: () => void): void;
  write(chunk: Uint8Array): boolean;
  end(): void;
  destroy(): void;
}

type Written = (error?: Error | null) => void;

/** What a socket writes with, several chunks at once or one. */
interface Socket {
  _write?(chunk: Uint8Array, encoding: string, written: Written): void;
  _writev?(chunks: unknown[], written: Written): void;
}

interface IncomingMessage extends AsyncIterable<Uint8Array> {
  statusCode?: number;
  headers: Record<string, string | string[] | undefined>;
}

const runtime = globalThis as unknown as {
  process?: { getBuiltinModule?(name: string): NodeHttp | undefined };
};

/** Node's HTTP client for `http:` or `https:`, where the runtime has one worth using. */
export function nodeHttp(protocol: string): NodeHttp | undefined {
  // Where fetch takes a stream's length from the stream, node:http is only a coat over fetch.
  if ("FixedLengthStream" in globalThis) return undefined;
  return runtime.process?.getBuiltinModule?.(`node:${protocol.slice(0, -1)}`);
}

/** How long an answer may take to be read once the connection is broken, in milliseconds. */
const LAST_WORDS = 2000;

/** Sends a stream; stops reading it as soon as an answer comes. */
export function sendByNode(
  http: NodeHttp,
  url: URL,
  { method, headers, body, signal }: WatchedSending,
  answerLimit: number,
): Promise<Answer> {
  const { promise, resolve, reject } = settle<Answer>();
  const request = http.request(url, {
    method,
    headers: Object.fromEntries(headers),
    agent: false,
  });
  let over = false;
  let answered = false;
  let wake = () => {};
  let lastWords: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    over = true;
    wake();
  };
  const fail = (error: unknown) => {
    stop();
    reject(error);
    request.destroy();
  };
  const abort = () => fail(signal.reason);
  signal.addEventListener("abort", abort);
  // What fails behind the answer's head is a matter of reading its body.
  request.on("error", (error) => answered || fail(error));
  request.on("close", stop);
  request.on("socket", (socket) => {
    hearOut(socket, (error) => {
      if (over) return;
      stop();
      lastWords = setTimeout(fail, LAST_WORDS, error);
    });
  });
  request.on("drain", () => wake());
  request.on("response", (response) => {
    answered = true;
    stop();
    readAnswer(response, answerLimit).then(resolve, reject).finally(() => request.destroy());
  });
  pump().catch(fail);
  return promise.finally(() => {
    clearTimeout(lastWords);
    signal.removeEventListener("abort", abort);
  });

  async function pump() {
    const reader = body.getReader();
    try {
      while (!over) {
        const { done, value } = await reader.read();
        if (over) return;
        if (done) return request.end();
        if (!request.write(value)) await new Promise<void>((resolve) => wake = resolve);
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }
}

/**
 * Keeps a socket open for reading when it cannot be written to any more. A server that refuses a
 * body may close at once: its answer lies in the socket, which would be destroyed with it unread.
 */
function hearOut(socket: Socket, broken: (error: Error) => void): void {
  const unlessBroken = (written: Written): Written => (error) => error ? broken(error) : written();
  const { _write: write, _writev: writeSeveral } = socket;
  if (write) {
    socket._write = (chunk, encoding, written) =>
      write.call(socket, chunk, encoding, unlessBroken(written));
  }
  if (writeSeveral) {
    socket._writev = (chunks, written) => writeSeveral.call(socket, chunks, unlessBroken(written));
  }
}

async function readAnswer(
  response: IncomingMessage,
  limit: number,
): Promise<Answer> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const some = new Uint8Array(limit);
  let length = 0;
  const { statusCode: status = 0 } = response;
  try {
    for await (const chunk of response) {
      const fitting = chunk.subarray(0, limit - length);
      some.set(fitting, length);
      length += fitting.length;
      if (length === limit) break;
    }
  } catch (error) {
    // A refusal is one without its last words too.
    if (status < 300) throw error;
  }
  return { status, headers, body: some.slice(0, length) };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function settle<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
