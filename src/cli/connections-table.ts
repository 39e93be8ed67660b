import type { Connection } from "./api-client.ts";

const HEADINGS = ["CLIENT", "USER", "APP", "TRANSPORT", "CONNECTED", "CHANNELS"];
/** Characters of a cell; the last one of a row may be longer. */
const MAX_CELL_LENGTH = 40;
const MAX_CHANNELS = 5;
// oxlint-disable-next-line no-control-regex -- exactly these must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** Connections as a table, the ones that came first at the top. */
export function formatConnections(connections: readonly Connection[], nowMs: number): string {
  const rows = connections
    .toSorted((a, b) => a.connected_at_ms - b.connected_at_ms)
    .map((connection) => rowOf(connection, nowMs));
  const table = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const count = connections.length === 1 ? "1 connection" : `${connections.length} connections`;
  return `${lines.join("\n")}\n${count}\n`;
}

function rowOf(connection: Connection, nowMs: number): readonly string[] {
  const { client, user, app_name: name, app_version: version, transport, protocol } = connection;
  const cells = [
    client,
    user === "" ? "-" : user,
    [name, version].filter((part) => part !== "").join(" ") || "-",
    protocol === "json" ? transport : `${transport} ${protocol}`,
    formatAge(nowMs - connection.connected_at_ms),
  ].map((cell) => cut(printable(cell)));
  return [...cells, printable(formatChannels(connection))];
}

function formatChannels({ state }: Connection): string {
  const channels = state?.channels ?? [];
  const names = Array.isArray(channels) ? channels : Object.keys(channels);
  const shown = names.slice(0, MAX_CHANNELS).join(" ");
  const more = names.length - MAX_CHANNELS;
  return more > 0 ? `${shown} and ${more} more` : shown || "-";
}

/** The largest two units: `5s`, `3m20s`, `2h5m`, `4d1h`. */
function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${Math.floor((seconds % 86_400) / 3_600)}h`;
}

function cut(text: string): string {
  return text.length <= MAX_CELL_LENGTH ? text : `${text.slice(0, MAX_CELL_LENGTH - 1)}…`;
}

/** What users call themselves must not steer the terminal. */
function printable(text: string): string {
  return text.replaceAll(CONTROL, "?");
}
