import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { assemble, type Claims, signerOf } from "../tokens.ts";

/** A key pair with its published half. */
export interface TestKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  /** As it stands in a key set, with `use` "sig" and no `alg`. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Makes a key pair; P-256 where no type is given, since these are made quickly. */
export function makeKey(
  id: string,
  type: "P-256" | "P-384" | "P-521" | "RSA" | "Ed25519" = "P-256",
): TestKey {
  const { publicKey, privateKey } = generatePair(type);
  return { id, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid: id, use: "sig" } };
}

function generatePair(type: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (type === "RSA") return generateKeyPairSync("rsa", { modulusLength: 2048 });
  if (type === "Ed25519") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("ec", { namedCurve: type });
}

/** A token signed with a key, which its header names unless `more` says otherwise. */
export function tokenBy(
  key: TestKey,
  claims: Claims = { sub: "42" },
  algorithm = "ES256",
  more: Readonly<Record<string, unknown>> = { kid: key.id },
): string {
  return assemble(algorithm, claims, signerOf(key.privateKey, algorithm), more);
}

/** The document that publishes keys. */
export function keySetOf(...keys: readonly (TestKey | Readonly<Record<string, unknown>>)[]): string {
  return JSON.stringify({ keys: keys.map((key) => ("jwk" in key ? key.jwk : key)) });
}

/** An HTTP server on a free port that publishes a key set, or whatever else a test wants. */
export class KeyServer implements AsyncDisposable {
  /** Paths asked for. */
  readonly requests: string[] = [];
  /** Answers a request. */
  answer: RequestListener;
  readonly #server: Server;

  private constructor(document: string) {
    this.answer = (_request, response) => response.end(document);
    this.#server = createServer((request, response) => {
      this.requests.push(request.url ?? "");
      this.answer(request, response);
    });
  }

  static async publish(...keys: readonly TestKey[]): Promise<KeyServer> {
    const server = new KeyServer(keySetOf(...keys));
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  /** Answers with a document from now on. */
  serve(document: string | Uint8Array, status = 200, headers: Readonly<Record<string, string>> = {}): void {
    this.answer = (_request, response) => response.writeHead(status, headers).end(document);
  }

  get origin(): string {
    // A server that listens on TCP has such an address.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
