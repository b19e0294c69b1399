/** A command that people can copy. */
export interface Command {
  tool: string;
  text: string;
  /** What to know before it runs. */
  hint: string;
}

/** An archive as its commands need it. */
export interface CommandTarget {
  url: string;
  filename: string;
  /** Those chosen; none for all. */
  platforms: readonly string[];
  /** Whether it may have more than one platform. */
  isIndex: boolean;
  /** Whether `docker load` of old finds its manifest.json. */
  hasManifestJson: boolean;
}

/** The commands that fetch or load an archive. */
export function commandsFor(target: CommandTarget): Command[] {
  const { url, filename, platforms, isIndex, hasManifestJson } = target;
  const only = platforms.length === 1 ? ` --platform ${quoteShell(platforms[0]!)}` : "";
  const fetched = `curl -f ${quoteShell(url)}`;
  return [
    {
      tool: "curl",
      text: `curl -f -C - -o ${quoteShell(filename)} ${quoteShell(url)}`,
      hint: "Run it again to go on after a break.",
    },
    {
      tool: "ctr",
      text: `${fetched} | sudo ctr images import${only} -`,
      hint: only || !isIndex
        ? ""
        : "Imports the platform of the host; for all add --all-platforms.",
    },
    {
      tool: "docker",
      text: `${fetched} | docker load`,
      hint: hasManifestJson ? "" : "Needs Docker 25 or later: there is no manifest.json inside.",
    },
    { tool: "podman", text: `${fetched} | podman load`, hint: "" },
  ];
}

/** A word for a POSIX shell, whatever is in it. */
export function quoteShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) && !word.startsWith("-")
    ? word
    : `'${word.replaceAll("'", `'\\''`)}'`;
}
