import { CommandSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { JsonDecodeError } from "../../lib/json/json-decode-error.ts";
import { rawMembers } from "../../lib/json/raw-json.ts";

/** One object of a legacy request. */
export interface LegacyCommand {
  /** Echoed in the reply; 0 for none. */
  readonly id: number;
  /** snake_case name; undefined for a number that stands for nothing. */
  readonly method: string | undefined;
  /** Raw JSON; undefined when missing. */
  readonly params: Uint8Array | undefined;
}

/**
 * Names by their numbers (docs/protocols/server-api.md §1.6): an order of their own, then that of the fields of a
 * command.
 */
const METHOD_BY_NUMBER: ReadonlyMap<number, string> = new Map([
  ...[
    "publish",
    "broadcast",
    "unsubscribe",
    "disconnect",
    "presence",
    "presence_stats",
    "history",
    "history_remove",
    "channels",
    "info",
    "rpc",
    "subscribe",
    "refresh",
  ].map((name, at) => [at, name] as const),
  ...CommandSchema.fields
    .filter(({ number }) => number >= 17)
    .map(({ number, name }) => [number - 3, name] as const),
]);
const METHODS: ReadonlySet<string> = new Set(METHOD_BY_NUMBER.values());

const INTEGER = /^-?\d{1,10}$/;
const ID_MAX = 2 ** 32 - 1;
const UTF8 = new TextDecoder();

/**
 * Reads one object of a legacy request.
 * @throws JsonDecodeError where the whole request is to be refused
 */
export function readLegacyCommand(json: Uint8Array): LegacyCommand {
  const members = membersOf(json);
  return {
    id: readId(members.get("id")),
    method: readMethod(members.get("method")),
    params: members.get("params"),
  };
}

/** Members by their names in lower case. */
function membersOf(json: Uint8Array): Map<string, Uint8Array> {
  if (UTF8.decode(json) === "null") return new Map();
  return new Map([...rawMembers(json)].map(([name, value]) => [name.toLowerCase(), value]));
}

function readId(json: Uint8Array | undefined): number {
  const token = json === undefined ? "null" : UTF8.decode(json);
  if (token === "null") return 0;
  const id = INTEGER.test(token) ? Number(token) : Number.NaN;
  if (!(id >= 0 && id <= ID_MAX)) throw new JsonDecodeError("expected an unsigned integer", "id");
  return id;
}

function readMethod(json: Uint8Array | undefined): string | undefined {
  const token = json === undefined ? "0" : UTF8.decode(json);
  if (INTEGER.test(token)) return METHOD_BY_NUMBER.get(Number(token));
  const value: unknown = JSON.parse(token);
  const name = typeof value === "string" ? value.toLowerCase() : "";
  if (!METHODS.has(name)) throw new JsonDecodeError("unknown method", "method");
  return name;
}
