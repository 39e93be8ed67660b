import { format } from "prettier";
import { configSchema } from "../src/app/config.ts";
import { listFlatNames } from "../src/config/flat-names.ts";
import { outlineOf, type Outline, type SectionOutline, type ValueOutline } from "../src/config/outline.ts";

const INTRODUCTION = `# Configuration

<!-- Generated from the schema by scripts/generate-config-docs.ts: edit the sections' config.ts instead. -->

Millrace reads one file (\`-c config.json\`; JSON, YAML or TOML by its extension), environment variables and
flags. A flag wins over the environment, that over the file, and that over the default. A file that is named must be
there; without \`-c\`, \`config.json\` in the working directory is read if there is one.

| Where           | How an option is written there                                                       |
| --------------- | ------------------------------------------------------------------------------------ |
| File            | \`{"http_server": {"port": 8001}}\`, in any case                                       |
| Environment     | \`MILLRACE_HTTP_SERVER_PORT=8001\`; \`CENTRIFUGO_HTTP_SERVER_PORT\` is understood too    |
| \`.env\`          | the same, in the working directory of \`serve\`; the real environment wins             |
| Flag of \`serve\` | \`--http_server.port 8001\` (secrets are no flags: other users see the process list)   |
| Code            | \`createServer({ config: { http_server: { port: 8001 } } })\`, with the same names                 |

Types are read loosely: \`"8001"\` is a number where one is wanted, \`1\` is true, a lone text is a list of one. A text
is what is written, also where it looks like a number: \`key: 007\`. \`null\`, an empty environment variable, and empty
text in place of a number or truth value mean unset. Otherwise **zero and empty text are taken literally**, as "none"
or "no limit" where the option says so; they do not stand for the default.

- **Durations** are written like \`25s\`, \`1m30s\`, \`300ms\` or \`720h\`. A number without a unit is refused; only \`0\` needs none.
- **Lists** in the environment are words with spaces between them, lists of objects JSON. \`MILLRACE_CHANNEL_NAMESPACES\`
  takes JSON, which replaces the namespaces of the file, or names, which adds to them; then
  \`MILLRACE_CHANNEL_NAMESPACES_<NAME>_<OPTION>\` sets an option of one of them. \`MILLRACE_PUSHER_APPS\` takes JSON,
  and \`MILLRACE_PUSHER_APPS_<ID>_<OPTION>\` (such as \`…_SECRET\`) an option of one app.
- **Unknown keys** are warnings that name the nearest known key; in code and in sections about TLS they are errors, with
  \`millrace checkconfig --strict\` everywhere.
- **Options of Centrifugo for what Millrace does not have** end the start, unless they are off or at their default.
- **Wrong values** are errors that name the path of the key, its file and line (or variable, or flag), and all at once.
- **Older flat names**, from before version 6 of Centrifugo, are accepted in files and environment; a current name
  wins over an older one. They stand beside each option below.

\`millrace defaultconfig --dry-run\` prints the whole configuration.

A running server reads it again on \`SIGHUP\` and follows the options that have **yes** under *Reload*, with any number of
workers; it names in the log those that have changed and need a restart. What has been granted stays granted: connections,
their subscriptions, and messages on their way are as they were.
The PEM files of TLS are read again, too, whether or not an option has changed: new connections see the new certificate.
`;

/** The reference of all options, as Markdown the way the repository formats it. */
export function renderConfigDocs(): Promise<string> {
  const root = outlineOf(configSchema);
  const older = listOlderNames(root);
  const lines = [INTRODUCTION];
  const loose: [string, Outline][] = [];
  for (const [key, member] of root.members) {
    if (member.type === "section") renderSection(key, member, older, lines);
    else loose.push([key, member]);
  }
  lines.push("", "## Other options", "", ...renderTable("", loose, older));
  return format(lines.join("\n"), { parser: "markdown", printWidth: 110 });
}

/** The shortest older name of each option that has one, by path. */
type OlderNames = ReadonlyMap<string, string>;

function listOlderNames(root: SectionOutline): OlderNames {
  const older = new Map<string, string>();
  for (const [name, { path, outline, isCurrent }] of listFlatNames(root)) {
    if (isCurrent || (outline.type === "section" && !outline.members.has("enabled"))) continue;
    const target = outline.type === "section" ? [...path, "enabled"].join(".") : path.join(".");
    const known = older.get(target);
    if (known === undefined || name.length < known.length) older.set(target, name);
  }
  return older;
}

function renderSection(path: string, section: SectionOutline, older: OlderNames, lines: string[]): void {
  lines.push("", `## \`${path}\``, "", section.description, "");
  const options: [string, Outline][] = [];
  const nested: [string, SectionOutline][] = [];
  for (const [key, member] of section.members) {
    if (member.type === "section") nested.push([`${path}.${key}`, member]);
    else options.push([`${path}.${key}`, member]);
    if (member.type === "list") nested.push([`${path}.${key}[]`, member.entry]);
  }
  if (options.length > 0) lines.push(...renderTable(`${path}.`, options, older));
  for (const [nestedPath, member] of nested) renderSection(nestedPath, member, older, lines);
}

function renderTable(prefix: string, options: readonly [string, Outline][], older: OlderNames): string[] {
  return [
    "| Option | Type | Default | Reload | Meaning |",
    "| --- | --- | --- | --- | --- |",
    ...options.map(([path, option]) => {
      const olderName = older.get(path);
      const formerly = olderName === undefined ? "" : ` Formerly \`${olderName}\`.`;
      const meaning = escapeCell(option.description + formerly);
      const reload = option.isReloadable ? "yes" : "";
      const cells = [`\`${path.slice(prefix.length)}\``, typeOf(option), defaultOf(option), reload, meaning];
      return `| ${cells.join(" | ")} |`;
    }),
  ];
}

function typeOf(option: Outline): string {
  if (option.type !== "value") return "list of objects";
  const names: Readonly<Record<ValueOutline["kind"], string>> = {
    boolean: "boolean",
    integer: "integer",
    text: "text",
    texts: "list of texts",
    mapping: "texts by name",
    duration: "duration",
    choice: option.choices.map((choice) => `\`${JSON.stringify(choice)}\``).join(", "),
  };
  return names[option.kind] + (option.isSecret ? ", secret" : "");
}

function defaultOf(option: Outline): string {
  if (option.type === "list") return "`[]`";
  if (option.type === "section" || option.default === undefined) return "required";
  const isDuration = option.kind === "duration" && typeof option.default === "string";
  return `\`${isDuration ? option.default : JSON.stringify(option.default)}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
