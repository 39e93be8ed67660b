import { formatDuration } from "../../config/duration.ts";
import { isTree, type Tree } from "../../config/tree.ts";
import { escapeGlob } from "../../lib/glob.ts";
import { ForeignTree, type ImportLog, readPositive } from "./foreign-tree.ts";

/** What Laravel Reverb limits by the size of a request alone. */
const UNLIMITED = {
  max_presence_members_per_channel: 0,
  max_presence_member_size_in_kb: 0,
  max_channel_name_length: 0,
  max_event_channels_at_once: 0,
  max_event_name_length: 0,
  max_event_payload_in_kb: 0,
  max_event_batch_size: 0,
};

/** What Laravel Reverb 1.9 does by its configuration, as `config("reverb")` has it, as a configuration of Millrace. */
export function importReverb(written: Tree, log: ImportLog): Tree {
  const root = new ForeignTree(written, log);
  root.expect("default", "reverb");
  const server = root.section("servers").section("reverb");
  // Of them, one names a certificate on a developer's machine, and the others are for Laravel's own monitors.
  server.value("hostname", "pulse_ingest_interval", "telescope_ingest_interval");
  checkScaling(server.section("scaling"));
  const apps = appsOf(root.section("apps"));
  return {
    http_server: {
      address: server.text(["host"], "0.0.0.0"),
      port: server.number(["port"], 8080),
      ...tlsOf(server.section("options").section("tls")),
    },
    pusher: {
      enabled: true,
      path_prefix: server.text(["path"], ""),
      activity_timeout: formatDuration(1000 * common(apps, "activity_timeout", 30, Math.min)),
      message_size_limit: common(apps, "max_message_size", 10_000, Math.max),
      request_body_limit: readPositive(server, ["max_request_size"], 10_000),
      max_channels_per_connection: 0,
      apps: apps.map(appOf),
    },
  };
}

/** The configuration of Reverb in that of a whole application, or by itself. */
export function findReverb(written: Tree): Tree {
  return isTree(written["reverb"]) ? written["reverb"] : written;
}

function checkScaling(scaling: ForeignTree): void {
  scaling.value("channel", "server");
  if (scaling.flag(["enabled"], false)) {
    scaling.note("enabled", "servers that share their channels by Redis are not there yet: this is for one");
  }
}

function tlsOf(tls: ForeignTree): Tree {
  const certificate = tls.text(["local_cert"], "");
  if (certificate === "") return {};
  // Without a key of its own, the file of the certificate has it.
  return { tls: { enabled: true, cert_pem: certificate, key_pem: tls.text(["local_pk"], certificate) } };
}

function appsOf(apps: ForeignTree): readonly ForeignTree[] {
  if (apps.text(["provider"], "config") !== "config") {
    apps.note("provider", "the apps are not in the configuration: add them to pusher.apps");
  }
  return apps.sections("apps") ?? [];
}

/** What is an app's there and holds for all of them here. */
function common(
  apps: readonly ForeignTree[],
  key: string,
  fallback: number,
  choose: (...numbers: number[]) => number,
): number {
  const numbers = apps.map((app) => readPositive(app, [key], fallback));
  const chosen = numbers.length === 0 ? fallback : choose(...numbers);
  for (const [index, app] of apps.entries()) {
    if (numbers[index] !== chosen) app.note(key, `is the same for all apps here: ${chosen}`);
  }
  return chosen;
}

function appOf(app: ForeignTree): Tree {
  // How Laravel reaches the server.
  app.value("options");
  if (app.number(["ping_interval"], 60) !== 60) {
    app.note("ping_interval", "the server pings after activity_timeout, like the clients");
  }
  return {
    id: app.text(["app_id"], ""),
    key: app.text(["key"], ""),
    secret: app.text(["secret"], ""),
    allowed_origins: originsOf(app),
    enable_client_messages: acceptsClientEvents(app),
    max_connections: app.has("max_connections") ? readPositive(app, ["max_connections"], 1) : 0,
    ...rateOf(app.section("rate_limiting")),
    ...UNLIMITED,
  };
}

function acceptsClientEvents(app: ForeignTree): boolean {
  const from = app.text(["accept_client_events_from"], "all");
  if (from === "all") {
    app.note("accept_client_events_from", "all: here a client must be in the channel that it sends to");
  }
  return from === "all" || from === "members";
}

/** Reverb counts all messages of a connection. */
function rateOf(limit: ForeignTree): Tree {
  const isOn = limit.flag(["enabled"], false);
  const count = readPositive(limit, ["max_attempts"], 60);
  const seconds = readPositive(limit, ["decay_seconds"], 1);
  const isTerminal = limit.flag(["terminate_on_limit"], false);
  if (!isOn) return { max_client_events_per_second: 0 };
  limit.note("enabled", "client events are counted, and no other messages");
  return {
    max_client_events_per_second: count,
    decay_seconds: seconds,
    terminate_on_limit: isTerminal,
  };
}

/** Reverb's are patterns for the host, in which `*` stands for anything. */
function originsOf(app: ForeignTree): readonly string[] {
  const hosts = app.texts("allowed_origins");
  if (hosts.includes("*")) return [];
  if (hosts.length === 0) {
    app.note("allowed_origins", "is empty, which admits no page; here that is an origin that no page has");
    return ["https://none.invalid"];
  }
  return hosts.flatMap((host) => {
    const glob = escapeGlob(host.toLowerCase());
    return [`*://${glob}`, `*://${glob}:*`];
  });
}
