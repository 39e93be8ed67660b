import { ClientError } from "../core/client-error.ts";
import type { NodeCallArgs, NodeCallName } from "../core/controller.ts";
import { Disconnect } from "../core/disconnect.ts";
import type { LogFields } from "../core/logger.ts";
import { type FilterNode, LabelFilter } from "../core/label-filter.ts";
import { Publication } from "../core/publication.ts";
import type { WirePublication } from "./calls.ts";

/** What structured cloning would make a plain object of, marked. */
type Marked =
  | { readonly $: "filter"; readonly node: FilterNode }
  | {
      readonly $: "disconnect";
      readonly code: number;
      readonly reason: string;
      readonly cause: unknown;
    }
  | {
      readonly $: "clientError";
      readonly code: number;
      readonly message: string;
      readonly temporary: boolean;
      readonly cause: unknown;
    }
  | ({ readonly $: "error" } & WireError);

/** An error that is no answer to a client, as far as those who handle it look at it. */
interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** What the system says, such as EADDRINUSE, and of which port. */
  readonly code: unknown;
  readonly port: unknown;
  /** Encoded itself; undefined for none. */
  readonly cause: unknown;
}

/** Arguments of a call between nodes, as they travel. */
export function encodeArgs(args: readonly unknown[]): readonly unknown[] {
  return args.map((arg) => encodeValue(isObject(arg) && "labelFilter" in arg ? encodeFilterOf(arg) : arg));
}

/** The arguments again. They are those of the call that they were made for. */
export function decodeArgs<Name extends NodeCallName>(args: readonly unknown[]): NodeCallArgs<Name> {
  const decoded = args.map((arg) =>
    decodeValue(isObject(arg) && "labelFilter" in arg ? decodeFilterOf(arg) : arg),
  );
  // What one node has encoded for a call is what the other one calls it with.
  return decoded as NodeCallArgs<Name>;
}

/** An error as it travels: its code, or what it says, with the errors behind it. */
export function encodeError(error: unknown): unknown {
  if (error instanceof ClientError || error instanceof Disconnect) return encodeValue(error);
  if (!(error instanceof Error)) return encodeError(new Error(String(error)));
  const { name, message, stack, cause } = error;
  const { code, port } = error as { readonly code?: unknown; readonly port?: unknown };
  return {
    $: "error",
    name,
    message,
    stack,
    code: primitiveOf(code),
    port: primitiveOf(port),
    cause: encodeCause(cause),
  } satisfies Marked;
}

function encodeCause(cause: unknown): unknown {
  return cause === undefined ? undefined : encodeError(cause);
}

function decodeCause(cause: unknown): ErrorOptions | undefined {
  return cause === undefined ? undefined : { cause: decodeError(cause) };
}

export function decodeError(wire: unknown): Error {
  const error = decodeValue(wire);
  return error instanceof Error ? error : new Error("an error that cannot be read");
}

function errorOf({ name, message, stack, code, port, cause }: WireError): Error {
  const error = new Error(message, decodeCause(cause));
  const own = Object.entries({ stack, code, port }).filter(([, value]) => value !== undefined);
  return Object.assign(error, { name }, Object.fromEntries(own));
}

function primitiveOf(value: unknown): unknown {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

/** Fields of a log line as they travel. */
export function encodeLogFields({ err, ...fields }: LogFields): LogFields {
  return err === undefined ? fields : { ...fields, err: encodeError(err) };
}

export function decodeLogFields({ err, ...fields }: LogFields): LogFields {
  return err === undefined ? fields : { ...fields, err: decodeError(err) };
}

export function encodePublication(publication: Publication): WirePublication {
  const { data, tags, info, version, offset, epoch, knownJson } = publication;
  return { data, tags, info, version, offset, epoch, knownJson };
}

export function decodePublication(wire: WirePublication): Publication {
  return new Publication(wire, wire.offset, wire.epoch);
}

function encodeValue(value: unknown): unknown {
  if (value instanceof Disconnect) {
    const { code, reason, cause } = value;
    return { $: "disconnect", code, reason, cause: encodeCause(cause) } satisfies Marked;
  }
  if (value instanceof ClientError) {
    const { code, message, temporary, cause } = value;
    return { $: "clientError", code, message, temporary, cause: encodeCause(cause) } satisfies Marked;
  }
  if (value instanceof LabelFilter) return { $: "filter", node: value.node } satisfies Marked;
  return value;
}

function decodeValue(value: unknown): unknown {
  if (!isMarked(value)) return value;
  switch (value.$) {
    case "filter":
      return new LabelFilter(value.node);
    case "disconnect":
      return new Disconnect(value.code, value.reason, decodeCause(value.cause));
    case "clientError":
      return new ClientError(value.code, value.message, value.temporary, decodeCause(value.cause));
    case "error":
      return errorOf(value);
  }
}

function encodeFilterOf(arg: object & { labelFilter: unknown }): unknown {
  return { ...arg, labelFilter: encodeValue(arg.labelFilter) };
}

function decodeFilterOf(arg: object & { labelFilter: unknown }): unknown {
  return { ...arg, labelFilter: decodeValue(arg.labelFilter) };
}

function isMarked(value: unknown): value is Marked {
  return isObject(value) && "$" in value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
