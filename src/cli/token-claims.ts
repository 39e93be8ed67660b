import { type Command, InvalidArgumentError } from "commander";
import type { FurtherClaims } from "../auth/token-issuer.ts";

/** What a token says besides whom it is for and how long it lasts. */
export interface ClaimOptions {
  readonly info?: unknown;
  readonly claims?: FurtherClaims;
}

/** What a connection token may say besides. */
export interface ConnectionClaimOptions extends ClaimOptions {
  readonly meta?: unknown;
  readonly labels?: FurtherClaims;
  readonly channels?: readonly unknown[];
  readonly subs?: FurtherClaims;
}

/** Gives a command the options of claims that all tokens may have. */
export function addClaimOptions(command: Command, infoSubject: string): Command {
  return command
    .option("--info <json>", `what others are shown of ${infoSubject}: claim info`, parseJson)
    .option("--claims <json>", "further claims as a JSON object; they win", parseObject);
}

/** Gives a command the options of claims that connection tokens may have. */
export function addConnectionClaimOptions(command: Command): Command {
  return addClaimOptions(command, "the user")
    .option("--meta <json>", "what only the server sees of the connection: claim meta", parseJson)
    .option("--labels <labels>", "labels of the connection: name=value,… or a JSON object", parseLabels)
    .option("--channels <names>", "channels to subscribe to: name,… or a JSON array", parseNames)
    .option(
      "--subs <subs>",
      "the same with options: a JSON object, or name,…; wins over --channels",
      parseSubs,
    );
}

/** The claims in the order of the documentation; those that were not asked for are left out. */
export function claimsOf({
  info,
  meta,
  labels,
  channels,
  subs,
  claims,
}: ConnectionClaimOptions): FurtherClaims {
  const named = { info, meta, labels, channels, subs };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...claims };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`It is no JSON (text needs quotes of its own: '"text"'): ${reason}.`);
  }
}

function parseObject(text: string): FurtherClaims {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError("It is no JSON object.");
  }
  return { ...value };
}

function parseLabels(text: string): FurtherClaims {
  if (text.startsWith("{")) return parseObject(text);
  const labels = text.split(",").map((label) => label.split(/=(.*)/s, 2));
  if (labels.some(([, value]) => value === undefined)) {
    throw new InvalidArgumentError("Labels are name=value,… or a JSON object.");
  }
  return Object.fromEntries(labels);
}

function parseNames(text: string): readonly unknown[] {
  if (!text.startsWith("[")) return text.split(",");
  const names = parseJson(text);
  if (!Array.isArray(names)) throw new InvalidArgumentError("It is no JSON array.");
  return names;
}

function parseSubs(text: string): FurtherClaims {
  if (text.startsWith("{")) return parseObject(text);
  return Object.fromEntries(text.split(",").map((name) => [name, {}]));
}
