import { LabelFilter } from "../../../core/label-filter.ts";
import { APP_LABEL } from "../app.ts";
import { pusherClose } from "../close.ts";
import type { Endpoint } from "./endpoint.ts";
import { badRequest } from "./refusal.ts";

/** Ends all connections on which the user has signed in. */
export const terminateConnections: Endpoint = {
  method: "POST",
  path: "users/*/terminate_connections",
  async run({ node, app, subject: user, spend }) {
    // The connections of nobody are those that have not signed in.
    if (user === "") throw badRequest("The path names no user");
    spend("event", 1);
    const labelFilter = new LabelFilter({
      op: "",
      key: APP_LABEL,
      cmp: "eq",
      val: app.config.id,
      vals: [],
      nodes: [],
    });
    const reason = pusherClose("unauthorized", "The user's connections have been terminated");
    await node.disconnect({ user, client: "", session: "", labelFilter }, reason, []);
    return {};
  },
};
