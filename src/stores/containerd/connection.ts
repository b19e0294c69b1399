import { Buffer } from "node:buffer";
import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { quote } from "../../errors.ts";
import { ContainerdError } from "../../errors/remote.ts";
import type { StoreOptions } from "../../content/store.ts";

/**
 * Bytes that containerd may send ahead of who reads, for each call. With gRPC's own 64 KiB it waits
 * most of the time: 1 GiB takes 5 s instead of 3, and more than a MiB gains nothing.
 */
const WINDOW = 1 << 20;
/** The most bytes of one message: blobs come in 1 MiB at most, and lists of images whole. */
const MAX_MESSAGE = 64 << 20;

/** A gRPC connection to containerd, made with the first call. */
export class Connection {
  /** Where containerd listens: a path, or `host:port`. */
  readonly address: string;
  #client: Client;
  #metadata = new Metadata();

  /** @throws {TypeError} where gRPC could not even ask */
  constructor(address: string, namespace: string) {
    this.address = address.replace(/^unix:(\/\/)?/, "");
    if (this.address === "") {
      throw new TypeError(
        `Cannot use address ${quote(address)}: expected a socket's path, or host:port`,
      );
    }
    if (!/^[\w.-]+$/.test(namespace)) {
      throw new TypeError(
        `Cannot use namespace ${quote(namespace)}: expected letters, digits, ".", "_" and "-"`,
      );
    }
    const target = this.address.startsWith("/") ? `unix:${this.address}` : this.address;
    this.#client = new Client(target, credentials.createInsecure(), {
      "grpc-node.flow_control_window": WINDOW,
      "grpc.max_receive_message_length": MAX_MESSAGE,
      // It is on this machine.
      "grpc.enable_http_proxy": 0,
    });
    this.#metadata.set("containerd-namespace", namespace);
  }

  /** @throws {ContainerdError} */
  call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    { signal }: StoreOptions = {},
  ): Promise<MessageShape<Output>> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const { path, serialize, deserialize } = wire(method);
      const call = this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        create(method.input, request),
        this.#metadata,
        (error, answer) => {
          signal?.removeEventListener("abort", abort);
          if (error) reject(signal?.aborted ? signal.reason : this.#error(error));
          else resolve(answer!);
        },
      );
      const abort = () => call.cancel();
      signal?.addEventListener("abort", abort);
    });
  }

  /** Messages as they are asked for; cancelling the call ends them, even one that is waited for. */
  stream<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodServerStreaming<Input, Output>,
    request: MessageInitShape<Input>,
  ): Messages<MessageShape<Output>> {
    const { path, serialize, deserialize } = wire(method);
    const call = this.#client.makeServerStreamRequest(
      path,
      serialize,
      deserialize,
      create(method.input, request),
      this.#metadata,
    );
    return new Messages(call, (error) => this.#error(error));
  }

  close(): void {
    this.#client.close();
  }

  #error(error: unknown): ContainerdError {
    const { code, details, message } = error as ServiceError;
    const why = code === status.UNAVAILABLE
      ? `it cannot be reached (${connectError(details)}); does it run, and may you open its socket?`
      : details || message;
    const name = status[code] ?? "UNKNOWN";
    return new ContainerdError(this.address, why, { code: name, cause: error });
  }
}

/** What a streaming call gives. */
export class Messages<Message> {
  #call: ClientReadableStream<Message>;
  #messages: AsyncIterator<Message>;
  #asError: (error: unknown) => ContainerdError;

  constructor(call: ClientReadableStream<Message>, asError: (error: unknown) => ContainerdError) {
    this.#call = call;
    this.#messages = call[Symbol.asyncIterator]();
    this.#asError = asError;
    // Of a call that was cancelled nobody asks any more.
    call.on("error", () => {});
  }

  /**
   * The next one; undefined at the end.
   *
   * @throws {ContainerdError}
   */
  async next(): Promise<Message | undefined> {
    try {
      const { done, value } = await this.#messages.next();
      return done ? undefined : value;
    } catch (error) {
      throw this.#asError(error);
    }
  }

  cancel(): void {
    this.#call.cancel();
  }
}

/** What the system said, out of what gRPC makes of it. */
function connectError(details: string): string {
  return /Last error: (?:Error: )?(.+?)\. Resolution note/.exec(details)?.[1] ?? details;
}

/** How a method goes over the wire. */
interface Wire<Input extends DescMessage, Output extends DescMessage> {
  path: string;
  serialize(message: MessageShape<Input>): Buffer;
  deserialize(bytes: Uint8Array): MessageShape<Output>;
}

function wire<Input extends DescMessage, Output extends DescMessage>(
  { parent, name, input, output }:
    | DescMethodUnary<Input, Output>
    | DescMethodServerStreaming<Input, Output>,
): Wire<Input, Output> {
  return {
    path: `/${parent.typeName}/${name}`,
    serialize: (message) => Buffer.from(toBinary(input, message)),
    deserialize: (bytes) => fromBinary(output, bytes),
  };
}
