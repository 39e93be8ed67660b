import type { SessionTarget } from "../../../core/commands.ts";
import type { Disconnect } from "../../../core/disconnect.ts";
import { LabelFilter } from "../../../core/label-filter.ts";
import { APP_LABEL, type PusherApp } from "../app.ts";
import { pusherClose } from "../frames.ts";
import { type ApiCall, badRequest, type Endpoint } from "./endpoint.ts";

/** How many connections the app has. */
export const countConnections: Endpoint = {
  method: "GET",
  path: "connections",
  async run({ node, app, spend }) {
    spend("read", 1);
    return { connections: await node.sessions.countMatching({ ...connectionsOf(app, ""), allUsers: true }) };
  },
};

/** Ends all connections on which the user has signed in, for good. */
export const terminateConnections: Endpoint = {
  method: "POST",
  path: "users/*/terminate_connections",
  run: (call) =>
    endConnections(call, pusherClose("unauthorized", "The user's connections have been terminated")),
};

/** The same, but their clients are to connect again at once. */
export const forceReconnect: Endpoint = {
  method: "POST",
  path: "users/*/force_reconnect",
  run: (call) => endConnections(call, pusherClose("reconnect", "The user's connections are to be made anew")),
};

async function endConnections(
  { node, app, subject: user, spend }: ApiCall,
  reason: Disconnect,
): Promise<object> {
  // The connections of nobody are those that have not signed in.
  if (user === "") throw badRequest("The path names no user");
  spend("event", 1);
  await node.sessions.disconnect(connectionsOf(app, user), reason, []);
  return {};
}

function connectionsOf({ config }: PusherApp, user: string): SessionTarget {
  const ofApp = { op: "", key: APP_LABEL, cmp: "eq", val: config.id, vals: [], nodes: [] };
  return { user, client: "", session: "", labelFilter: new LabelFilter(ofApp) };
}
