import { create } from "@bufbuild/protobuf";
import {
  type ClientInfo as ClientInfoMessage,
  ClientInfoSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientInfo } from "../../core/client-info.ts";

/** What is known of a client, as the API's message. */
export function clientInfoMessage({ user, client, connInfo, chanInfo }: ClientInfo): ClientInfoMessage {
  const message = create(ClientInfoSchema, { user, client });
  if (connInfo !== undefined) message.connInfo = connInfo;
  if (chanInfo !== undefined) message.chanInfo = chanInfo;
  return message;
}
