/**
 * `drain.ts PEER LAYOUT`: reads the archive that a library makes to its end, and tells how long that
 * took, without the start of the runtime and the loading of the library.
 */
import process from "node:process";
import type { LibraryPeer } from "../peers/library_peer.ts";

const [file, layout] = process.argv.slice(2) as [string, string];
const peer = (await import(file)).default as LibraryPeer;
const started = performance.now();
const { chunks, done = () => {} } = await peer.archive(layout);
if (chunks instanceof ReadableStream) {
  const reader = chunks.getReader();
  for (;;) {
    const { done: ended, value } = await reader.read();
    if (ended) break;
    done(value);
  }
} else for await (const chunk of chunks) done(chunk);
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000 }));
