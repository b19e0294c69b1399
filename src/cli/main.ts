/**
 * The command `oci-archive`: images out of layouts, archives, registries and containerd as OCI archives.
 *
 * @module
 */
import process from "node:process";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { enableCompileCache } from "./compile_cache.ts";
import type { ExportFlags } from "./export.ts";
import type { InspectFlags } from "./inspect.ts";
import type { ServeFlags } from "./serve.ts";
import type { SourceFlags } from "./source.ts";
import { UsageError } from "./usage.ts";
import type { VerifyFlags } from "./verify.ts";
import { VERSION } from "./version.ts";

const SOURCES = `
Sources:
  oci:DIR[:REF|@DIGEST]              an OCI image layout; without REF all its images
  oci-archive:FILE[:REF|@DIGEST]     an OCI archive, also behind http(s)://
  docker://HOST/NAME[:TAG|@DIGEST]   a registry
  containerd:NAME                    a running containerd, where CONTAINERD_ADDRESS and
                                     CONTAINERD_NAMESPACE say
`;

const SERVES = "Archives over HTTP, with their length, ETag and ranges; nothing is stored.";

/** @param answer takes what the help and the version are */
function program(signal: AbortSignal, answer: (text: string) => void): Command {
  const program = new Command("oci-archive")
    .description("Container images as OCI archives, to the byte as containerd writes them.")
    .version(VERSION)
    // For the help: main() takes it out.
    .option("--debug", "show the stack of what fails, with any command")
    .exitOverride()
    // What goes wrong is told in one line, by main().
    .configureOutput({ outputError: () => {}, writeErr: () => {}, writeOut: answer });
  sourceOptions(exportOptions(program.command("export")))
    .description("Make the archive.")
    .argument("<source...>", "what to export")
    .option("-o, --output <file|-|url>", "where to", "-")
    .addOption(
      new Option("--progress <how>", "how to tell how far it is")
        .choices(["auto", "plain", "json", "none"]).default("auto"),
    )
    .option("-q, --quiet", "tell nothing but errors")
    .option("--resume", "go on with FILE.part, and leave it when interrupted")
    .addHelpText(
      "after",
      `${SOURCES}
Examples:
  oci-archive export oci:layout -o image.tar
  oci-archive export docker://alpine:3.20 -o alpine.tar
  oci-archive export oci:layout:1.0 --platform linux/arm64 --name docker.io/library/app:1.0 | ctr images import -

--progress json writes lines to stderr: {"bytes", "total", "entry": its name}
`,
    )
    .action(async (sources: string[], flags: ExportFlags & SourceFlags) => {
      await (await import("./export.ts")).exportCommand(sources, flags, signal);
    });
  sourceOptions(exportOptions(program.command("inspect")))
    .description("Show the plan: every entry with offset and size. No layer is read.")
    .argument("<source...>", "what to plan")
    .option("--json", "answer in JSON")
    .addHelpText(
      "after",
      `${SOURCES}
Examples:
  oci-archive inspect oci:layout
  oci-archive inspect oci-archive:image.tar --platform linux/amd64 --json
  oci-archive inspect docker://ghcr.io/org/app:1.0

JSON, in bytes: {"roots": [what index.json lists], "entries": [{"name", "type", "mode", "size",
"offset", "bodyOffset", of a blob "mediaType" and "digest"}, ...], "size", "etag"}
`,
    )
    .action(async (sources: string[], flags: InspectFlags & SourceFlags) => {
      await (await import("./inspect.ts")).inspectCommand(sources, flags, signal);
    });
  program.command("verify")
    .description("Read an archive back: every digest, every reference, every header.")
    .argument("<file|-|url>", "the archive")
    .option("--json", "answer in JSON")
    .addHelpText(
      "after",
      `
Examples:
  oci-archive verify image.tar
  ctr images export - docker.io/library/alpine:3.20 | oci-archive verify -

JSON: {"ok", "size": bytes read, "entries" and "blobs": how many, "images": [names], "problems" and
"warnings": [{"code", "name", "message"}, ...]}
`,
    )
    .action(async (archive: string, flags: VerifyFlags) => {
      await (await import("./verify.ts")).verifyCommand(archive, flags, signal);
    });
  sourceOptions(program.command("serve"))
    .summary(SERVES)
    .description(`${SERVES} Each blob is verified before its last byte leaves, in a range too.`)
    .argument("<source...>", "what to serve")
    .option("--port <n>", "where to listen; 0 takes a free one", port, 8080)
    .option("--hostname <host>", "who can reach it: 0.0.0.0 lets everybody", "127.0.0.1")
    .option("--allow-host <host>", "on loopback, answer to this name too; repeatable", append)
    .addHelpText(
      "after",
      `${SOURCES}
Examples:
  oci-archive serve oci:layout --port 8080
  curl http://127.0.0.1:8080/archives
  curl -OJ 'http://127.0.0.1:8080/archives/docker.io/library/app:1.0.tar?platform=linux/arm64'
`,
    )
    .action(async (sources: string[], flags: ServeFlags) => {
      await (await import("./serve.ts")).serveCommand(sources, flags, signal);
    });
  return program;
}

/** The options that decide what the archive holds; the first seven are those of `ctr`. */
function exportOptions(command: Command): Command {
  return command
    .option(
      "--platform <os/arch[/variant],...>",
      "platforms wanted, best first; repeatable",
      list,
    )
    .option("--all-platforms", "the other platforms too")
    .option("--skip-manifest-json", "leave out manifest.json")
    .option("--skip-non-distributable", "leave out layers that must not be given away")
    .option("--skip-missing", "leave out what the source lacks")
    .option("--name <name>", "the image's full name; repeatable", append)
    .option("--referrers", "signatures, SBOMs and the like too")
    .option("--concurrency <n>", "how many manifests to read at a time", count);
}

/** How to reach a registry, and how to read a layout. */
function sourceOptions(command: Command): Command {
  return command
    .option("--plain-http", "speak http to the registry")
    .option("--ca <file>", "trust the registry's own certificate authority too, in PEM")
    .option("--authfile <file>", "the registry's credentials, instead of Docker's and Podman's")
    .option("--follow-links", "follow links that lead out of a layout, as Bazel's do");
}

function append(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function list(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(",")];
}

function count(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("expected a whole number from 1.");
}

function port(value: string): number {
  const number = Number(value);
  if (value !== "" && Number.isInteger(number) && number >= 0 && number < 65536) return number;
  throw new InvalidArgumentError("expected a whole number from 0 to 65535.");
}

/**
 * Milliseconds that an interrupted command has to tidy up. A write to a pipe that nobody reads, or
 * opens, waits for ever, and nothing can end it but the process's end.
 */
const PATIENCE = 3000;

/** Does what the command line says. */
async function run(args: string[], signal: AbortSignal): Promise<void> {
  // It is what no runtime could decode, and as a path it would be another file's.
  if (args.some((arg) => arg.includes("\uFFFD"))) {
    throw new UsageError("an argument is not UTF-8: rename what it names, or link to it");
  }
  let answer = "";
  try {
    await program(signal, (text) => answer += text).parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.help" && args[0] === "help") {
      throw new UsageError(`unknown command '${args[1]}'`);
    }
    if (error.exitCode !== 0) throw error;
    // As any other answer: to its end, and a failure where it cannot be written.
    const { print } = await import("./output.ts");
    await print(answer);
  }
}

/**
 * Runs the command.
 *
 * @param args what stands behind its name
 * @returns the exit status: 0 done, 1 it failed, 2 wrong usage, 130 interrupted, 141 broken pipe,
 *   143 terminated
 */
export async function main(args: string[]): Promise<number> {
  const interrupt = new AbortController();
  let interrupted = 130;
  let giveUp: ReturnType<typeof setTimeout> | undefined;
  const onInterrupt = (signal: string) => {
    if (signal === "SIGTERM") interrupted = 143;
    interrupt.abort(new Error(`Got ${signal}`));
    // Not by process.exit(), which on Node waits for what waits.
    giveUp ??= setTimeout(() => {
      process.off(signal, onInterrupt);
      process.kill(process.pid, signal);
    }, PATIENCE);
  };
  // What nobody can catch ends the command as any failure does: nothing half-written is left.
  let uncaught: { error: unknown } | undefined;
  const onUncaught = (thrown: unknown) => {
    const error = faultOf(thrown, args);
    if (error === undefined) return;
    uncaught ??= { error };
    interrupt.abort(error);
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onInterrupt);
  process.on("uncaughtException", onUncaught);
  const debug = args.includes("--debug");
  try {
    await run(args.filter((arg) => arg !== "--debug"), interrupt.signal);
    return 0;
  } catch (caught) {
    const { error } = uncaught ?? { error: caught };
    if (interrupt.signal.aborted && !uncaught) return interrupted;
    if ((error as { code?: string }).code === "EPIPE") return 141;
    const { describe, describeInFull } = await import("./describe.ts");
    process.stderr.write(`oci-archive: ${describe(error)}\n`);
    if (debug) process.stderr.write(`${await describeInFull(error)}\n`);
    return error instanceof UsageError || error instanceof CommanderError ? 2 : 1;
  } finally {
    clearTimeout(giveUp);
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
    process.off("uncaughtException", onUncaught);
  }
}

/**
 * What becomes of an error that nobody could catch; undefined where the command goes on.
 *
 * Node's fetch throws one where a server closes the connection of a body that waits to be read, and
 * that body never ends: https://github.com/nodejs/undici/issues/5360. A registry's goes on from its
 * byte when nothing has come for long enough; that of another URL would fail then, so it may at once.
 */
function faultOf(thrown: unknown, args: readonly string[]): unknown {
  if (!String(thrown).includes("assert(!this.paused)")) return thrown;
  if (!args.some((arg) => /^(?:oci-archive:)?https?:/i.test(arg))) return undefined;
  return new Error(
    "Cannot read on: a connection was closed where Node's fetch cannot say which " +
      "(https://github.com/nodejs/undici/issues/5360); try again, or use Deno or Bun",
    { cause: thrown },
  );
}

/** Runs the command with this process's arguments, and ends the process with its exit status. */
export async function start(): Promise<never> {
  enableCompileCache();
  // A file over its limit fails its write. Only Deno would let it end the process instead, before
  // the half of it is removed; also at its end, when it writes what is left for stdout. On Windows,
  // which has no such signal, Deno would refuse to listen.
  if (process.platform !== "win32") process.on("SIGXFSZ", () => {});
  // Whatever still waits, such as a connection kept alive, must not keep the command.
  process.exit(await main(process.argv.slice(2)));
}

if (import.meta.main) await start();
