import { promisify } from "node:util";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { LoadTarget } from "../clients/load-connection.ts";
import type { Contender } from "../figures.ts";
import {
  API_KEY,
  type Door,
  publishBody,
  publishMessage,
  publishMessageJson,
  PUBLISH_ANSWER,
  PUBLISH_METHOD,
  PUBLISH_PATH,
} from "../wire/publish-request.ts";
import { LOOPBACK } from "../wire/transport.ts";

const PAYLOAD_BYTES = 128;

/** A request to a door, without its port. */
export type DoorTarget = Omit<LoadTarget, "port">;

/** A way to publish, and what it is compared with. */
export interface DoorSpec {
  readonly target: DoorTarget;
  readonly baseline: {
    readonly contender: Contender;
    readonly module: string;
    /** What is asked of it. */
    readonly target: DoorTarget;
  };
  readonly connections: number;
  /** Makes one request with a client that looks at the answer, as the load generator does not. */
  readonly tryOnce: (target: LoadTarget) => Promise<void>;
}

const JSON_ANSWER = Buffer.from('{"result":{}}');
const json = { "Content-Type": "application/json", "X-API-Key": API_KEY };
const proto = { "Content-Type": "application/proto", "X-API-Key": API_KEY };

const httpTarget: DoorTarget = { path: PUBLISH_PATH, headers: json, body: publishBody(PAYLOAD_BYTES) };
const grpcTarget: DoorTarget = {
  path: PUBLISH_METHOD,
  headers: { authorization: `apikey ${API_KEY}` },
  body: publishMessage(PAYLOAD_BYTES),
};

/** Every door. */
export const doors: Readonly<Record<Door, DoorSpec>> = {
  http: {
    target: httpTarget,
    baseline: { contender: "echo", module: "servers/echo.ts", target: httpTarget },
    connections: 64,
    tryOnce: (target) => tryPost(target, JSON_ANSWER),
  },
  grpc: {
    target: grpcTarget,
    baseline: { contender: "empty", module: "servers/empty-grpc.ts", target: grpcTarget },
    connections: 8,
    tryOnce: tryCall,
  },
  connect_json: connectDoor(json, publishMessageJson(PAYLOAD_BYTES), JSON_ANSWER),
  connect_proto: connectDoor(proto, publishMessage(PAYLOAD_BYTES), PUBLISH_ANSWER),
};

/** Unary Connect (connectrpc.com/docs/protocol): a POST to the method's name. */
function connectDoor(headers: DoorTarget["headers"], body: Buffer, answer: Buffer): DoorSpec {
  return {
    target: { path: PUBLISH_METHOD, headers, body },
    baseline: { contender: "json", module: "servers/millrace-api.ts", target: httpTarget },
    connections: 64,
    tryOnce: (target) => tryPost(target, answer),
  };
}

async function tryPost({ port, path, headers, body }: LoadTarget, expected: Buffer): Promise<void> {
  const url = `http://${LOOPBACK}:${port}${path}`;
  const response = await fetch(url, { method: "POST", headers, body: Buffer.from(body) });
  const answer = Buffer.from(await response.arrayBuffer());
  if (answer.equals(expected)) return;
  throw new Error(`publishing fails: ${response.status} ${answer.toString("latin1").slice(0, 300)}`);
}

async function tryCall({ port, path, headers, body }: LoadTarget): Promise<void> {
  const client = new Client(`${LOOPBACK}:${port}`, credentials.createInsecure());
  const metadata = Metadata.fromHttp2Headers({ ...headers });
  const sameBytes = (bytes: Buffer): Buffer => bytes;
  const call = promisify<Buffer | undefined>((done) => {
    client.makeUnaryRequest(path, sameBytes, sameBytes, Buffer.from(body), metadata, done);
  });
  const answer = await call();
  client.close();
  if (answer?.[0] !== PUBLISH_ANSWER[0]) throw new Error(`publishing fails: ${answer?.toString("latin1")}`);
}
