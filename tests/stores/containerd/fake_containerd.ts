// A containerd that holds what a test says, and fails as a test says, behind a real gRPC socket.
import { Buffer } from "node:buffer";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
} from "@grpc/grpc-js";
import type { Descriptor } from "../../../mod.ts";
import { Content } from "../../../src/stores/containerd/api/content_pb.ts";
import { Images } from "../../../src/stores/containerd/api/images_pb.ts";

/** What it holds, and how it answers. */
export interface FakeContents {
  blobs: readonly { descriptor: Descriptor; bytes: Uint8Array; labels?: Record<string, string> }[];
  images: readonly { name: string; target: Descriptor }[];
  /** Bytes of each message of a blob. @default {1048576, as containerd 1.7} */
  messageSize?: number;
  /** After so many messages of a blob: an error, or silence. */
  trouble?: { after: number; kind: "error" | "stall" };
}

export interface FakeContainerd {
  address: string;
  /** The namespaces that were asked for, a call each. */
  readonly namespaces: string[];
  /** Calls of Read that the client has cancelled. */
  readonly cancelled: string[];
  stop(): Promise<void>;
}

/** Starts one on a socket in a folder of its own. */
export async function startFakeContainerd(contents: FakeContents): Promise<FakeContainerd> {
  const { images, messageSize = 1 << 20, trouble } = contents;
  const blobs = new Map(contents.blobs.map((blob) => [blob.descriptor.digest, blob]));
  const namespaces: string[] = [];
  const cancelled: string[] = [];
  const missing = (details: string) => ({ code: status.NOT_FOUND, details });
  const server = new Server();
  const unary = <Input extends DescMessage, Output extends DescMessage>(
    { input, output }: DescMethod & { input: Input; output: Output },
    answer: (request: MessageShape<Input>) => MessageInitShape<Output> | undefined,
  ): handleUnaryCall<MessageShape<Input>, MessageShape<Output>> =>
  ({ request, metadata }, callback) => {
    namespaces.push(String(metadata.get("containerd-namespace")[0]));
    const found = answer(request);
    if (found) callback(null, create(output, found));
    else callback(missing(`${input.name}: not found`));
  };
  const read: handleServerStreamingCall<
    MessageShape<typeof Content.method.read.input>,
    MessageShape<typeof Content.method.read.output>
  > = async (call) => {
    const { digest, offset, size } = call.request;
    namespaces.push(String(call.metadata.get("containerd-namespace")[0]));
    call.on("cancelled", () => cancelled.push(digest));
    const bytes = blobs.get(digest)?.bytes;
    if (!bytes) return call.emit("error", missing(`content ${digest}: not found`));
    const start = Number(offset);
    if (start > bytes.length) {
      return call.emit("error", { code: status.OUT_OF_RANGE, details: "past object length" });
    }
    const wanted = bytes.subarray(start, size > 0n ? start + Number(size) : undefined);
    let sent = 0;
    for (let at = 0; at < wanted.length; at += messageSize) {
      if (sent++ === trouble?.after) {
        if (trouble.kind === "stall") return;
        return call.emit("error", { code: status.INTERNAL, details: "the disk is on fire" });
      }
      const data = wanted.slice(at, at + messageSize);
      if (!call.write(create(Content.method.read.output, { offset: BigInt(at), data }))) {
        await new Promise((resolve) => call.once("drain", resolve));
      }
    }
    call.end();
  };
  server.addService({
    info: definition(Content.method.info),
    read: definition(Content.method.read),
  }, {
    info: unary(Content.method.info, ({ digest }) => {
      const blob = blobs.get(digest);
      const labels = blob?.labels;
      return blob && { info: { digest, size: BigInt(blob.bytes.length), labels } };
    }),
    read,
  });
  const asImage = ({ name, target }: FakeContents["images"][number]) => ({
    name,
    target: { ...target, size: BigInt(target.size) },
  });
  server.addService({
    get: definition(Images.method.get),
    list: definition(Images.method.list),
  }, {
    get: unary(Images.method.get, ({ name }) => {
      const image = images.find((image) => image.name === name);
      return image && { image: asImage(image) };
    }),
    list: unary(Images.method.list, () => ({ images: images.map(asImage) })),
  });
  const folder = await mkdtemp(join(tmpdir(), "fake-containerd-"));
  const address = join(folder, "sock");
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(
      `unix:${address}`,
      ServerCredentials.createInsecure(),
      (error) => error ? reject(error) : resolve(),
    )
  );
  return {
    address,
    namespaces,
    cancelled,
    async stop() {
      server.forceShutdown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function definition<Input extends DescMessage, Output extends DescMessage>(
  { parent, name, methodKind, input, output }: DescMethod & { input: Input; output: Output },
) {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: false,
    responseStream: methodKind === "server_streaming",
    requestSerialize: (message: MessageShape<Input>) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
    responseSerialize: (message: MessageShape<Output>) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
  };
}
