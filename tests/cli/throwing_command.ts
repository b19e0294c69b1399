// The command, in a process where something throws half a second later what THROWN says.
import process from "node:process";
import { main } from "../../src/cli/main.ts";

setTimeout(() => {
  throw new Error(process.env.THROWN);
}, 500);
process.exit(await main(process.argv.slice(2)));
