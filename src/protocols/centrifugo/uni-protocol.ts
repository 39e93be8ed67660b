import type { Transport } from "../../core/transport.ts";
import type { UniConnection, UniProtocol } from "../../core/uni-protocol.ts";
import { Connector } from "../../node/connecting/connector.ts";
import { jsonEncoding, protobufEncoding, protoJsonEncoding } from "./encodings.ts";
import { type UniContext, UniConversation } from "./uni-conversation.ts";

/** Centrifugo's unidirectional protocol over a node. */
export function createUniProtocol(context: UniContext): UniProtocol {
  const connector = new Connector(context);
  return {
    json: jsonEncoding,
    protobuf: protobufEncoding,
    protoJson: protoJsonEncoding,
    accept: (transport: Transport): UniConnection =>
      new UniConversation(context.node.sessions.open(transport), context, connector),
  };
}
