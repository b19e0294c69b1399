// The command, in a process where something throws out of the blue half a second later.
import process from "node:process";
import { main } from "../../src/cli/main.ts";

setTimeout(() => {
  throw new Error("out of the blue");
}, 500);
process.exit(await main(process.argv.slice(2)));
