import type { Answer, Sending } from "./send.ts";

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
  on(event: "drain" | "close", listener: () => void): void;
  write(chunk: Uint8Array): boolean;
  end(): void;
  destroy(): void;
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

/** Sends a stream; stops reading it as soon as an answer comes. */
export function sendByNode(
  http: NodeHttp,
  url: URL,
  { method, headers, body, signal }: Sending,
  answerLimit: number,
): Promise<Answer> {
  const { promise, resolve, reject } = settle<Answer>();
  const request = http.request(url, {
    method,
    headers: Object.fromEntries(headers),
    agent: false,
  });
  let over = false;
  let wake = () => {};
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
  request.on("error", fail);
  request.on("close", stop);
  request.on("drain", () => wake());
  request.on("response", (response) => {
    stop();
    readAnswer(response, answerLimit).then(resolve, reject).finally(() => request.destroy());
  });
  pump().catch(fail);
  return promise.finally(() => signal.removeEventListener("abort", abort));

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
  for await (const chunk of response) {
    const fitting = chunk.subarray(0, limit - length);
    some.set(fitting, length);
    length += fitting.length;
    if (length === limit) break;
  }
  return { status: response.statusCode ?? 0, headers, body: some.slice(0, length) };
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
