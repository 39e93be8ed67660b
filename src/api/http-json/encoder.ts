import { create } from "@bufbuild/protobuf";
import { ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import { MessageEncoder } from "../../lib/json/encode-message.ts";

/** Fields that are printed even when they are zero or empty (docs/protocols/server-api.md §2.2). */
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

/** Writes messages of the API; `channelsAsArray` gives the channels of connections the shape they had in v4.0.0. */
export function createApiEncoder(channelsAsArray: boolean): MessageEncoder {
  return new MessageEncoder(ALWAYS_PRINTED, new Set(channelsAsArray ? ["ConnectionState.channels"] : []));
}

const errorEncoder = createApiEncoder(false);

/** The JSON of an API error. */
export function errorJson({ code, message }: ClientError): string {
  return errorEncoder.encode(ErrorSchema, create(ErrorSchema, { code, message }));
}
