/** A worker: hashes what it is given and gives it back; given nothing, it answers the digest. */
import { createHash } from "node:crypto";
import { parentPort } from "node:worker_threads";

let hash = createHash("sha256");

parentPort!.on("message", ({ buffer, length }: { buffer?: ArrayBuffer; length?: number }) => {
  if (buffer) {
    hash.update(new Uint8Array(buffer, 0, length));
    parentPort!.postMessage({ buffer, length }, [buffer]);
  } else {
    parentPort!.postMessage({ digest: hash.digest("hex") });
    hash = createHash("sha256");
  }
});
