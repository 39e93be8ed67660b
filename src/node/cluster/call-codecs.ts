import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type Connection,
  ConnectionsAnswerSchema,
  type LabelFilter as LabelFilterMessage,
  type SessionTarget as SessionTargetMessage,
  type SubscriptionOverride as OverrideMessage,
} from "../../../gen/millrace/cluster/v1/cluster_pb.ts";
import type { SubscriptionOverride } from "../../core/channel-options.ts";
import type { ConnectionInfo, ConnectionPage, SessionTarget } from "../../core/commands.ts";
import { type FilterNode, LabelFilter } from "../../core/label-filter.ts";
import { SUBSCRIPTION_SOURCE, type SubscriptionSource } from "../../core/token-verifier.ts";

/** How one kind of value travels. */
export interface WireCodec<Value> {
  encode(value: Value): Uint8Array;
  /** @throws where the bytes are none of a value */
  decode(bytes: Uint8Array): Value;
}

/** The codec of values that travel as a message of the schema. */
export function codecOf<Value, Schema extends DescMessage>(
  schema: Schema,
  toMessage: (value: Value) => MessageInitShape<Schema>,
  fromMessage: (message: MessageShape<Schema>) => Value,
): WireCodec<Value> {
  return {
    encode: (value) => toBinary(schema, create(schema, toMessage(value))),
    decode: (bytes) => fromMessage(fromBinary(schema, bytes)),
  };
}

type TargetInit = Omit<SessionTargetMessage, "$typeName" | "$unknown" | "labelFilter"> & {
  readonly labelFilter?: FilterInit;
};
type FilterInit = Omit<LabelFilterMessage, "$typeName" | "$unknown" | "nodes"> & {
  readonly nodes: FilterInit[];
};

export function targetToMessage(target: SessionTarget): TargetInit {
  const { user, allUsers = false, client, session } = target;
  return { user, allUsers, client, session, ...filterToField(target.labelFilter) };
}

export function targetFromMessage(message: SessionTargetMessage | undefined): SessionTarget {
  if (message === undefined) throw new Error("a command without a target");
  const { user, allUsers, client, session, labelFilter } = message;
  return { user, allUsers, client, session, labelFilter: filterFromMessage(labelFilter) };
}

/** The field of a filter, which is left out where there is none. */
export function filterToField(filter: LabelFilter | undefined): { readonly labelFilter?: FilterInit } {
  return filter === undefined ? {} : { labelFilter: filterToMessage(filter.node) };
}

export function filterFromMessage(message: LabelFilterMessage | undefined): LabelFilter | undefined {
  return message === undefined ? undefined : new LabelFilter(message);
}

function filterToMessage({ op, key, cmp, val, vals, nodes }: FilterNode): FilterInit {
  return { op, key, cmp, val, vals: [...vals], nodes: nodes.map(filterToMessage) };
}

/** The override again; what is not in the message is not in it either. */
export function overrideFromMessage(message: OverrideMessage | undefined): SubscriptionOverride {
  const { presence, joinLeave, forcePushJoinLeave, forcePositioning, forceRecovery } = message ?? {};
  return {
    ...(presence === undefined ? {} : { presence }),
    ...(joinLeave === undefined ? {} : { joinLeave }),
    ...(forcePushJoinLeave === undefined ? {} : { forcePushJoinLeave }),
    ...(forcePositioning === undefined ? {} : { forcePositioning }),
    ...(forceRecovery === undefined ? {} : { forceRecovery }),
  };
}

export const connectionPageCodec: WireCodec<ConnectionPage> = codecOf(
  ConnectionsAnswerSchema,
  ({ connections, nextCursor }) => ({ connections: connections.map(connectionToMessage), nextCursor }),
  ({ connections, nextCursor }) => ({ connections: connections.map(connectionFromMessage), nextCursor }),
);

function connectionToMessage(info: ConnectionInfo) {
  const { channels, labels, meta, issuedAtSec, ...rest } = info;
  return {
    ...rest,
    issuedAt: issuedAtSec,
    channels: [...channels].map(([channel, source]) => ({ channel, source })),
    labels: [...labels].map(([key, value]) => ({ key, value })),
    ...(meta === undefined ? {} : { meta }),
  };
}

function connectionFromMessage(message: Connection): ConnectionInfo {
  const { client, user, appName, appVersion, transport, protocol, tokenId, connectedAtMs, latencyMs } =
    message;
  return {
    ...{ client, user, appName, appVersion, transport, protocol, tokenId, connectedAtMs, latencyMs },
    issuedAtSec: message.issuedAt,
    meta: message.meta,
    channels: new Map(message.channels.map(({ channel, source }) => [channel, sourceOf(source)])),
    labels: new Map(message.labels.map(({ key, value }) => [key, value])),
  };
}

const SOURCES: ReadonlyMap<number, SubscriptionSource> = new Map(
  Object.values(SUBSCRIPTION_SOURCE).map((source) => [source, source]),
);

/** A newer node may know sources that this one does not. */
function sourceOf(number: number): SubscriptionSource {
  return SOURCES.get(number) ?? SUBSCRIPTION_SOURCE.unknown;
}

/** Numbers as bytes: doubles, little-endian. */
export function doublesToBytes(numbers: Float64Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(numbers.length * Float64Array.BYTES_PER_ELEMENT);
  let at = 0;
  for (const number of numbers) at = bytes.writeDoubleLE(number, at);
  return bytes;
}

export function doublesFromBytes(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Float64Array.BYTES_PER_ELEMENT;
  return Float64Array.from({ length: bytes.byteLength / size }, (_, at) => view.getFloat64(at * size, true));
}
