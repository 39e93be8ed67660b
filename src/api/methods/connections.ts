import { create } from "@bufbuild/protobuf";
import {
  CentrifugoApi,
  type ChannelContext,
  ChannelContextSchema,
  type ConnectionInfo as ConnectionInfoMessage,
  ConnectionInfoSchema,
  ConnectionsResultSchema,
  type ConnectionState,
  ConnectionStateSchema,
  ConnectionTokenInfoSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { badRequest, clientError } from "../../core/client-error.ts";
import type { ConnectionInfo, ConnectionPage, ConnectionQuery } from "../../core/commands.ts";
import { type ApiCall, type ApiMethod, defineMethod } from "../method.ts";
import { readLabelFilter } from "./sessions.ts";

/** Connections by user, expression and labels (docs/protocols/server-api.md §3). At least one of them must be given. */
export const connections: ApiMethod = defineMethod({
  name: "connections",
  rpc: CentrifugoApi.method.connections,
  result: ConnectionsResultSchema,
  async run(call, { user, expression, labelFilter, limit, cursor }) {
    if (user === "" && expression === "" && labelFilter === undefined) {
      throw badRequest("user", "missing, and so are expression and label_filter: one of them is needed");
    }
    if (limit < 0) throw badRequest("limit", "negative");
    const query = { user, expression, labelFilter: readLabelFilter(labelFilter), limit, cursor };
    const { connections: found, nextCursor } = await findConnections(call, query);
    // Init objects are copied deeply, at several times the cost.
    const result = create(ConnectionsResultSchema);
    result.nextCursor = nextCursor;
    for (const info of found) result.connections[info.client] = connectionMessage(info);
    return result;
  },
});

/** What is not found in time is an error as a whole. */
async function findConnections(call: ApiCall, query: ConnectionQuery): Promise<ConnectionPage> {
  const signal = call.signal();
  try {
    return await call.node.sessions.list(query, signal);
  } catch (error) {
    // A caller that has left is nobody's fault and nothing for the log.
    if (signal.aborted && error === signal.reason) {
      const isLate = error instanceof DOMException && error.name === "TimeoutError";
      throw clientError("internal", isLate ? error : undefined);
    }
    throw error;
  }
}

function connectionMessage(info: ConnectionInfo): ConnectionInfoMessage {
  const message = create(ConnectionInfoSchema);
  message.appName = info.appName;
  message.appVersion = info.appVersion;
  message.transport = info.transport;
  message.protocol = info.protocol;
  message.user = info.user;
  message.connectedAtMs = BigInt(info.connectedAtMs);
  message.pingPongLatencyMs = BigInt(info.latencyMs);
  if (info.labels.size > 0) message.labels = Object.fromEntries(info.labels);
  const state = stateMessage(info);
  if (state !== undefined) message.state = state;
  return message;
}

/** Undefined where nothing is attached to the connection. */
function stateMessage({ channels, tokenId, issuedAtSec, meta }: ConnectionInfo): ConnectionState | undefined {
  const hasToken = tokenId !== "" || issuedAtSec !== 0;
  if (channels.size === 0 && !hasToken && meta === undefined) return undefined;
  const state = create(ConnectionStateSchema);
  // Not by assignment, which would not make a property of a channel named __proto__.
  state.channels = Object.fromEntries([...channels].map(([channel, source]) => [channel, contextOf(source)]));
  if (hasToken) {
    state.connectionToken = create(ConnectionTokenInfoSchema, {
      uid: tokenId,
      issuedAt: BigInt(issuedAtSec),
    });
  }
  if (meta !== undefined) state.meta = meta;
  return state;
}

function contextOf(source: number): ChannelContext {
  const context = create(ChannelContextSchema);
  context.source = source;
  return context;
}
