import { create } from "@bufbuild/protobuf";
import { ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import { MessageEncoder } from "../../lib/json/encode-message.ts";

/** Fields that are printed even when they are zero or empty (server-api §2.2). */
const ALWAYS_PRINTED: ReadonlySet<string> = new Set([
  "ClientInfo.user",
  "ClientInfo.client",
  "PresenceResult.presence",
  "PresenceStatsResult.num_clients",
  "PresenceStatsResult.num_users",
  "HistoryResult.publications",
  "HistoryResult.epoch",
  "HistoryResult.offset",
  "NodeResult.uid",
  "NodeResult.name",
  "NodeResult.version",
  "NodeResult.num_clients",
  "NodeResult.num_users",
  "NodeResult.num_channels",
  "NodeResult.num_subs",
  "ChannelsResult.channels",
  "ConnectionsResult.connections",
  "GetUserStatusResult.statuses",
  "DeviceListResult.items",
  "DeviceTopicListResult.items",
  "UserTopicListResult.items",
]);

/** Writes messages of the API. */
export const apiEncoder: MessageEncoder = new MessageEncoder(ALWAYS_PRINTED);

/** The JSON of an API error. */
export function errorJson({ code, message }: ClientError): string {
  return apiEncoder.encode(ErrorSchema, create(ErrorSchema, { code, message }));
}
