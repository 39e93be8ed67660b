import { promisify } from "node:util";
import { Server, ServerCredentials, type handleUnaryCall } from "@grpc/grpc-js";
import { PUBLISH_ANSWER, PUBLISH_METHOD } from "../wire/publish-request.ts";
import { LOOPBACK } from "../wire/transport.ts";
import { serveUnary } from "./unary-host.ts";

const answer: handleUnaryCall<Buffer, Buffer> = (_call, callback) => callback(null, PUBLISH_ANSWER);
const sameBytes = (bytes: Buffer): Buffer => bytes;

/** The least that grpc-js can do: take bytes, answer with ready-made ones. */
serveUnary(async () => {
  const server = new Server();
  server.register(PUBLISH_METHOD, answer, sameBytes, sameBytes, "unary");
  const bind = promisify(server.bindAsync.bind(server));
  return bind(`${LOOPBACK}:0`, ServerCredentials.createInsecure());
});
