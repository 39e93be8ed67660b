import { create } from "@bufbuild/protobuf";
import {
  CentrifugoApi,
  type ConnectionInfo as ConnectionInfoMessage,
  ConnectionInfoSchema,
  ConnectionsResultSchema,
  type ConnectionState,
  ConnectionStateSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ConnectionInfo, ConnectionPage, ConnectionQuery } from "../../core/connection-info.ts";
import { apiError, badRequest } from "../api-error.ts";
import { type ApiCall, type ApiMethod, defineMethod } from "../method.ts";
import { readLabelFilter } from "./session-target.ts";

/** Connections by user, expression and labels (server-api §3). At least one of them must be given. */
export const connections: ApiMethod = defineMethod({
  name: "connections",
  rpc: CentrifugoApi.method.connections,
  result: ConnectionsResultSchema,
  async run(call, { user, expression, labelFilter, limit, cursor }) {
    if (user === "" && expression === "" && labelFilter === undefined) throw apiError("badRequest");
    if (limit < 0) throw badRequest("limit is negative");
    const query = { user, expression, labelFilter: readLabelFilter(labelFilter), limit, cursor };
    const { connections: found, nextCursor } = await findConnections(call, query);
    const entries = found.map((info) => [info.client, connectionMessage(info)] as const);
    return create(ConnectionsResultSchema, { connections: Object.fromEntries(entries), nextCursor });
  },
});

/** What is not found in time is an error as a whole. */
async function findConnections(call: ApiCall, query: ConnectionQuery): Promise<ConnectionPage> {
  const signal = call.signal();
  try {
    return await call.node.connections(query, signal);
  } catch (error) {
    // A caller that has left is nobody's fault and nothing for the log.
    if (signal.aborted && error === signal.reason) {
      const isLate = error instanceof DOMException && error.name === "TimeoutError";
      throw apiError("internal", isLate ? error : undefined);
    }
    throw error;
  }
}

function connectionMessage(info: ConnectionInfo): ConnectionInfoMessage {
  const { appName, appVersion, transport, protocol, user, labels } = info;
  const state = stateMessage(info);
  return create(ConnectionInfoSchema, {
    appName,
    appVersion,
    transport,
    protocol,
    user,
    ...(state === undefined ? {} : { state }),
    connectedAtMs: BigInt(info.connectedAtMs),
    pingPongLatencyMs: BigInt(info.latencyMs),
    labels: Object.fromEntries(labels),
  });
}

/** Undefined where nothing is attached to the connection. */
function stateMessage({ channels, tokenId, issuedAtSec, meta }: ConnectionInfo): ConnectionState | undefined {
  const hasToken = tokenId !== "" || issuedAtSec !== 0;
  if (channels.size === 0 && !hasToken && meta === undefined) return undefined;
  const entries = [...channels].map(([channel, source]) => [channel, { source }] as const);
  return create(ConnectionStateSchema, {
    channels: Object.fromEntries(entries),
    ...(hasToken ? { connectionToken: { uid: tokenId, issuedAt: BigInt(issuedAtSec) } } : {}),
    ...(meta === undefined ? {} : { meta }),
  });
}
