import { describe, expect, it } from "vitest";
import { CliBench } from "./fake-io.ts";
import { type Import, importFrom } from "./importing.ts";

const APP = { app_id: "507201", key: "app-key", secret: "app-secret", allowed_origins: ["*"] };

/** What Laravel prints of a configuration that is left as it comes. */
const STOCK_APP = {
  ...APP,
  options: { host: "localhost", port: "8080", scheme: "http", useTLS: false },
  ping_interval: 60,
  activity_timeout: 30,
  max_connections: null,
  max_message_size: 10_000,
  accept_client_events_from: "members",
  rate_limiting: { enabled: false, max_attempts: 60, decay_seconds: 60, terminate_on_limit: false },
};
const STOCK_SERVER = {
  host: "0.0.0.0",
  port: 8080,
  path: "",
  hostname: "localhost",
  options: { tls: [] },
  max_request_size: 10_000,
  scaling: { enabled: false, channel: "reverb", server: { url: null, host: "127.0.0.1", timeout: 60 } },
  pulse_ingest_interval: 15,
  telescope_ingest_interval: 15,
};

/** What becomes of the stock configuration with other options of the server and of its app. */
function read(server: object, app: object = {}, ...more: object[]): Promise<Import> {
  const apps = { provider: "config", apps: [{ ...STOCK_APP, ...app }, ...more] };
  return importFrom("reverb", {
    default: "reverb",
    servers: { reverb: { ...STOCK_SERVER, ...server } },
    apps,
  });
}

describe("import-config --from reverb", () => {
  it("takes over the stock configuration without a word", async () => {
    const { status, config, notes } = await read({});
    expect([status, notes]).toEqual([0, []]);
    expect(config.http_server).toMatchObject({ address: "0.0.0.0", port: 8080 });
    expect(config.pusher).toMatchObject({
      enabled: true,
      path_prefix: "",
      activity_timeout: 30_000,
      message_size_limit: 10_000,
      request_body_limit: 10_000,
    });
    expect(config.pusher.apps).toMatchObject([
      {
        id: "507201",
        key: "app-key",
        secret: "app-secret",
        allowed_origins: [],
        enable_client_messages: true,
        max_connections: 0,
        max_client_events_per_second: 0,
        max_event_payload_in_kb: 0,
      },
    ]);
  });

  it("takes over what is written", async () => {
    const rate = { enabled: true, max_attempts: 5, decay_seconds: 2, terminate_on_limit: true };
    const { config, notes } = await read(
      {
        host: "127.0.0.1",
        port: "9000",
        path: "/reverb",
        max_request_size: 50_000,
        options: { tls: { local_cert: "/etc/cert.pem", local_pk: "/etc/key.pem" } },
      },
      { max_connections: "10", accept_client_events_from: "none", rate_limiting: rate },
    );
    expect(config.http_server).toMatchObject({
      address: "127.0.0.1",
      port: 9000,
      tls: { enabled: true, cert_pem: "/etc/cert.pem", key_pem: "/etc/key.pem" },
    });
    expect(config.pusher).toMatchObject({ path_prefix: "/reverb", request_body_limit: 50_000 });
    expect(config.pusher.apps).toMatchObject([
      {
        max_connections: 10,
        enable_client_messages: false,
        max_client_events_per_second: 5,
        decay_seconds: 2,
        terminate_on_limit: true,
      },
    ]);
    expect(notes).toEqual([
      "apps.apps[0].rate_limiting.enabled: client events are counted, and no other messages",
    ]);
  });

  it("reads hosts as origins of any scheme and port", async () => {
    const { config } = await read({}, { allowed_origins: ["laravel.com", "*.Example.com"] });
    expect(config.pusher.apps[0]?.allowed_origins).toEqual([
      "*://laravel.com",
      "*://laravel.com:*",
      "*://*.example.com",
      "*://*.example.com:*",
    ]);
  });

  it("opens nothing where no page is admitted", async () => {
    const { config, notes } = await read({}, { allowed_origins: [] });
    expect(config.pusher.apps[0]?.allowed_origins).toEqual(["https://none.invalid"]);
    expect(notes).toEqual([expect.stringMatching(/^apps\.apps\[0\]\.allowed_origins: is empty/u)]);
  });

  it("tells what is another thing here, and what is not there", async () => {
    const { config, notes } = await read(
      {
        scaling: { enabled: true, server: { url: "redis://r" } },
        options: { tls: { local_cert: "c", passphrase: "p" } },
        name: "x",
      },
      { ping_interval: 10, accept_client_events_from: null },
      { ...STOCK_APP, app_id: "2", key: "k2", activity_timeout: 20, max_message_size: 20_000, foo: 1 },
    );
    expect(config.pusher).toMatchObject({ activity_timeout: 20_000, message_size_limit: 20_000 });
    expect(config.http_server.tls).toMatchObject({ cert_pem: "c", key_pem: "c" });
    expect(notes).toEqual([
      "servers.reverb.scaling.enabled: servers that share their channels by Redis are not there yet: this is for one",
      "apps.apps[0].activity_timeout: is the same for all apps here: 20",
      "apps.apps[0].max_message_size: is the same for all apps here: 20000",
      "apps.apps[0].ping_interval: the server pings after activity_timeout, like the clients",
      "apps.apps[0].accept_client_events_from: all: here a client must be in the channel that it sends to",
      "not taken over: servers.reverb.options.tls.passphrase",
      "not taken over: servers.reverb.name",
      "not taken over: apps.apps[1].foo",
    ]);
  });

  it("finds it in the configuration of a whole application, and apps that are elsewhere", async () => {
    const { notes } = await importFrom("reverb", {
      app: { name: "Laravel" },
      reverb: { apps: { provider: "database" } },
    });
    expect(notes).toEqual(["apps.provider: the apps are not in the configuration: add them to pusher.apps"]);
  });

  it("takes over an application's .env", async () => {
    const env = [
      "APP_NAME=Laravel",
      'APP_SECRET="s#1"',
      "REVERB_APP_ID=0507201",
      "REVERB_APP_KEY=app-key",
      'REVERB_APP_SECRET="${APP_SECRET}"',
      'REVERB_HOST="localhost"',
      "REVERB_PORT=8080",
      "REVERB_SCHEME=http",
      "REVERB_SERVER_PORT=8081",
      "REVERB_APP_MAX_CONNECTIONS=null",
      "REVERB_SERVER_PATH=",
      "REVERB_APP_RATE_LIMITING_ENABLED=(true)",
      "REVERB_COLOUR=red",
      'VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"',
    ].join("\n");
    for (const file of [".env", ".env.production", "prod.env"]) {
      const { status, config, notes } = await importFrom("reverb", env, {}, file);
      expect(status).toBe(0);
      expect(config.http_server).toMatchObject({ address: "0.0.0.0", port: 8081 });
      expect(config.pusher.apps).toMatchObject([
        {
          id: "0507201",
          key: "app-key",
          secret: "s#1",
          allowed_origins: [],
          enable_client_messages: true,
          max_connections: 0,
          max_client_events_per_second: 60,
          decay_seconds: 60,
        },
      ]);
      expect(notes).toEqual([
        expect.stringContaining("an environment has one app; what config/reverb.php says itself"),
        "apps.apps[0].rate_limiting.enabled: client events are counted, and no other messages",
        "not taken over: REVERB_COLOUR",
      ]);
    }
  });

  it("says how to get at what a PHP file comes to", async () => {
    using bench = new CliBench();
    bench.write("reverb.php", "<?php return [];");
    const { status, stdout, stderr } = await bench.run("import-config", "--from", "reverb", "reverb.php");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(
      `php artisan tinker --execute 'echo json_encode(config("reverb"));' > reverb.json`,
    );
  });

  it("an app without a key has to be corrected", async () => {
    using bench = new CliBench();
    bench.write(".env", "REVERB_APP_ID=1\n");
    const { status, stderr } = await bench.run("import-config", "--from", "reverb", ".env");
    expect(status).toBe(1);
    expect(stderr).toContain("to be corrected before it can be used: pusher.apps[0].key: cannot be empty");
  });
});
