import type { Edge } from "../../config/edge.ts";
import { quoteForShell } from "../../lib/shell.ts";
import { namespaceOf, type PusherConfig, pusherConfig } from "./config.ts";

/** The Pusher Channels protocol, and its HTTP API. */
export const pusherEdge: Edge<"pusher", PusherConfig> = {
  name: "pusher",
  section: pusherConfig,
  role: "transport",
  isEnabled: ({ enabled }) => enabled,
  /** Not `/up`, which gives way to a health check of the server's own. */
  paths: ({ path_prefix: prefix }) => [`${prefix}/app/`, `${prefix}/apps/`],
  devDefaults: ({ pusherSecret, openNamespace }) => ({
    enabled: true,
    apps: [
      {
        // Pusher's SDK for Python takes digits only.
        id: "1001",
        key: "app-key",
        secret: pusherSecret,
        namespace: openNamespace,
        enable_client_messages: true,
      },
    ],
  }),
  /** In the first app. */
  tryLines({ enabled, path_prefix: prefix, apps }, { http, channel, data, publishCommand }) {
    const app = enabled ? apps.find((candidate) => candidate.enabled) : undefined;
    if (app === undefined || http === undefined) return [];
    const url = `${http.replace(/^http/u, "ws")}${prefix}/app/${app.key}?protocol=7`;
    const subscribe = `{"event":"pusher:subscribe","data":{"channel":"${channel}"}}`;
    const listen = `npx wscat -c ${quoteForShell(url)} -w -1 -x ${quoteForShell(subscribe)}`;
    const elsewhere = `${namespaceOf(app)}:${channel}`;
    const publish = publishCommand(`{"channel":"${elsewhere}","tags":{"event":"greeting"},"data":${data}}`);
    return [
      { label: `listen to "${channel}", as pusher-js does`, command: listen },
      ...(publish === undefined
        ? []
        : [{ label: `publish to it, "${elsewhere}" elsewhere`, command: publish }]),
    ];
  },
};
