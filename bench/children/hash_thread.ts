/** A worker: hashes the buffers that it is given and gives them back. */
import { createHash } from "node:crypto";
import { parentPort } from "node:worker_threads";

let hash = createHash("sha256");

parentPort!.on("message", (message: Uint8Array<ArrayBuffer> | "digest") => {
  if (message === "digest") {
    parentPort!.postMessage(hash.digest("hex"));
    hash = createHash("sha256");
    return;
  }
  hash.update(message);
  parentPort!.postMessage(message, [message.buffer]);
});
