import { ClientError } from "../core/client-error.ts";
import type { NodeCallArgs, NodeCallName } from "../core/controller.ts";
import { Disconnect } from "../core/disconnect.ts";
import { type FilterNode, LabelFilter } from "../core/label-filter.ts";
import { Publication } from "../core/publication.ts";
import type { WirePublication } from "./calls.ts";

/** What structured cloning would make a plain object of, marked. */
type Marked =
  | { readonly $: "filter"; readonly node: FilterNode }
  | { readonly $: "disconnect"; readonly code: number; readonly reason: string }
  | {
      readonly $: "clientError";
      readonly code: number;
      readonly message: string;
      readonly temporary: boolean;
    };

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

/** An error as it travels: its code, or what it says. */
export function encodeError(error: unknown): unknown {
  if (error instanceof ClientError || error instanceof Disconnect) return encodeValue(error);
  return error instanceof Error ? error : new Error(String(error));
}

export function decodeError(wire: unknown): Error {
  const error = decodeValue(wire);
  return error instanceof Error ? error : new Error("an error that cannot be read");
}

export function encodePublication(publication: Publication): WirePublication {
  const { data, tags, info, offset, epoch, knownJson } = publication;
  return { data, tags, info, offset, epoch, knownJson };
}

export function decodePublication(wire: WirePublication): Publication {
  return new Publication(wire, wire.offset, wire.epoch);
}

function encodeValue(value: unknown): unknown {
  if (value instanceof Disconnect) {
    return { $: "disconnect", code: value.code, reason: value.reason } satisfies Marked;
  }
  if (value instanceof ClientError) {
    const { code, message, temporary } = value;
    return { $: "clientError", code, message, temporary } satisfies Marked;
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
      return new Disconnect(value.code, value.reason);
    case "clientError":
      return new ClientError(value.code, value.message, value.temporary);
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
