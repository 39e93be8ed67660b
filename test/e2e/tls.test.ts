import { request } from "node:https";
import { describe, expect, it } from "vitest";
import { API_CONFIG, API_KEY } from "../support/api-client.ts";
import type { ConfigInput } from "../support/running-server.ts";
import { freePort } from "../support/free-port.ts";
import { parseLog, ServerProcess, Workplace } from "../support/server-process.ts";
import { certificateOf, createIdentity } from "../support/tls-identity.ts";

const LOOPBACK = { address: "127.0.0.1", port: 0 };

/** Certificate and key in files of a workplace, to be renewed there. */
class TlsFiles {
  readonly #workplace: Workplace;

  constructor(workplace: Workplace) {
    this.#workplace = workplace;
  }

  /** Writes another identity into the files, and returns its certificate. */
  renew(): string {
    const { cert, key } = createIdentity();
    this.#workplace.write("cert.pem", cert);
    this.#workplace.write("key.pem", key);
    return cert;
  }

  get config() {
    return { enabled: true, cert_pem: "cert.pem", key_pem: "key.pem" };
  }
}

/** Status of a request over TLS with HTTP/1.1. */
function statusOf(port: number, path: string, method = "GET"): Promise<number | undefined> {
  const options = { host: "127.0.0.1", port, path, method, headers: { "X-API-Key": API_KEY } };
  return new Promise((resolve, reject) => {
    request({ ...options, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once("error", reject)
      .end(method === "POST" ? "{}" : undefined);
  });
}

describe("internal_tls", () => {
  it("serves the API over TLS, and the transports as they are", async () => {
    using workplace = new Workplace();
    const files = new TlsFiles(workplace);
    const cert = files.renew();
    const internal = await freePort();
    await using server = await ServerProcess.start({
      workplace,
      config: {
        http_server: { ...LOOPBACK, internal_port: internal, internal_tls: files.config },
        http_api: API_CONFIG,
        uni_sse: { enabled: true },
      },
    });
    expect(await certificateOf(internal)).toBe(cert);
    expect(await statusOf(internal, "/api/info", "POST")).toBe(200);
    const plain = await fetch(`http://127.0.0.1:${internal}/api/info`, { method: "POST" });
    expect([plain.status, await plain.text()]).toEqual([400, expect.stringContaining("takes TLS only")]);
    const onMain = await fetch(server.url("uni_sse", {}));
    expect(onMain.status).toBe(200);
    await onMain.body?.cancel();
  });

  it("without an internal listener ends the start, instead of serving the API in plain text", async () => {
    using workplace = new Workplace();
    const files = new TlsFiles(workplace);
    files.renew();
    workplace.write("config.json", { http_server: { ...LOOPBACK, internal_tls: files.config } });
    for (const command of ["serve", "checkconfig"]) {
      const { status, stderr } = await workplace.millrace([command]);
      expect(status).toBe(1);
      expect(stderr).toContain("http_server.internal_tls: there is no internal listener to serve over TLS");
    }
  });
});

describe("certificates that cannot be used", () => {
  it.each(["1", "2"])(
    "name option and file at the start and in checkconfig (%s processes)",
    async (workers) => {
      using workplace = new Workplace();
      new TlsFiles(workplace).renew();
      const tls = { enabled: true, cert_pem: "cert.pem", key_pem: "missing.pem" };
      workplace.write("config.json", { http_server: { ...LOOPBACK, tls }, node: { workers } });
      for (const command of ["serve", "checkconfig"]) {
        const { status, stderr } = await workplace.millrace([command]);
        expect(status).toBe(1);
        expect(stderr).toContain("http_server.tls.key_pem: there is no file missing.pem");
      }
    },
  );

  it("do not stand in the way of commands that do not listen", async () => {
    using workplace = new Workplace();
    const tls = { enabled: true, cert_pem: "cert.pem", key_pem: "missing.pem" };
    workplace.write("config.json", { http_server: { tls }, client: { token: { hmac_secret_key: "k" } } });
    expect((await workplace.millrace(["gentoken", "-u", "42"])).status).toBe(0);
  });
});

describe("SIGHUP", () => {
  it.each(["1", "2"])(
    "serves a renewed certificate on every port, and keeps the old one where the new one is broken (%s processes)",
    async (workers) => {
      using workplace = new Workplace();
      const files = new TlsFiles(workplace);
      const before = files.renew();
      const tls = files.config;
      const internal = await freePort();
      const config: ConfigInput = {
        http_server: { ...LOOPBACK, tls, internal_port: internal, internal_tls: tls },
        uni_grpc: { ...LOOPBACK, enabled: true, tls },
        grpc_api: { ...LOOPBACK, enabled: true, tls },
        node: { workers },
      };
      await using server = await ServerProcess.start({ workplace, config });
      const { http, uniGrpc, grpcApi } = server.ports;
      const ports = [http, internal, uniGrpc, grpcApi];
      const shown = (): Promise<readonly string[]> =>
        // Often enough to meet both workers.
        Promise.all([...ports, ...ports, ...ports].map(certificateOf));
      expect(new Set(await shown())).toEqual(new Set([before]));

      workplace.write("cert.pem", "no certificate");
      server.kill("SIGHUP");
      await server.untilLogged("configuration not reloaded");
      expect(JSON.stringify(parseLog(server.stderr).at(-1))).toContain(
        "http_server.tls.cert_pem: file cert.pem holds no certificate in PEM",
      );
      expect(new Set(await shown())).toEqual(new Set([before]));

      const after = files.renew();
      server.kill("SIGHUP");
      await server.untilLogged("configuration reloaded");
      expect(new Set(await shown())).toEqual(new Set([after]));
      expect((await server.stop()).status).toBe(0);
    },
  );
});
