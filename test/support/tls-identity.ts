import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import type { TlsCredentials } from "../../src/lib/tls-credentials.ts";
import { selfSignedCertificate } from "../unit/auth/self-signed-certificate.ts";

/** A new key with a certificate that it has signed itself. */
export function createIdentity(): TlsCredentials {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const cert = new X509Certificate(selfSignedCertificate(publicKey, privateKey)).toString();
  return { cert, key, clientCa: undefined };
}

/** The certificate that a server on this machine shows to a new connection, as PEM text. */
export async function certificateOf(port: number | undefined): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const shown = socket.getPeerX509Certificate()?.toString() ?? "";
  socket.destroy();
  return shown;
}
