import { create } from "@bufbuild/protobuf";
import {
  CentrifugoApi,
  ChannelsResultSchema,
  type ClientInfo as ClientInfoMessage,
  ClientInfoSchema,
  HistoryRemoveResultSchema,
  HistoryResultSchema,
  PresenceResultSchema,
  PresenceStatsResultSchema,
  type Publication as PublicationMessage,
  PublicationSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { badRequest, clientError } from "../../core/client-error.ts";
import { type ClientInfo, positionFrom, type Publication } from "../../core/publication.ts";
import { Refused } from "../../core/refusal.ts";
import { compileGlob } from "../../lib/glob.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";

/** Channels that somebody listens to, all or those that match a glob (docs/protocols/server-api.md §2.6). */
export const channels: ApiMethod = defineMethod({
  name: "channels",
  rpc: CentrifugoApi.method.channels,
  result: ChannelsResultSchema,
  async run({ node }, { pattern }) {
    const filter = pattern === "" ? {} : { pattern: checkGlob(pattern) };
    const found = [...(await node.channels.list(filter))].map(([channel, numClients]) => [
      channel,
      { numClients },
    ]);
    return create(ChannelsResultSchema, { channels: Object.fromEntries(found) });
  },
});

/** @throws ClientError 107 for a malformed pattern */
function checkGlob(pattern: string): string {
  try {
    compileGlob(pattern);
    return pattern;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest("pattern", error.message);
  }
}

/** What is known of a client, as the API's message. */
export function clientInfoMessage({ user, client, connInfo, chanInfo }: ClientInfo): ClientInfoMessage {
  const message = create(ClientInfoSchema, { user, client });
  if (connInfo !== undefined) message.connInfo = connInfo;
  if (chanInfo !== undefined) message.chanInfo = chanInfo;
  return message;
}

/** Who listens to a channel (docs/protocols/server-api.md §2.6). */
export const presence: ApiMethod = defineMethod({
  name: "presence",
  rpc: CentrifugoApi.method.presence,
  result: PresenceResultSchema,
  async run({ node }, { channel }) {
    requireText("channel", channel);
    const present = await node.channels.presence(channel);
    const entries = [...present].map(([client, info]) => [client, clientInfoMessage(info)] as const);
    return create(PresenceResultSchema, { presence: Object.fromEntries(entries) });
  },
});

/** How many listen to a channel (docs/protocols/server-api.md §2.6). */
export const presenceStats: ApiMethod = defineMethod({
  name: "presence_stats",
  rpc: CentrifugoApi.method.presenceStats,
  result: PresenceStatsResultSchema,
  async run({ node }, { channel }) {
    requireText("channel", channel);
    return create(PresenceStatsResultSchema, await node.channels.presenceStats(channel));
  },
});

/**
 * What a channel has kept (docs/protocols/server-api.md §2.6). A limit of 0 asks for the position only, a negative one
 * for all.
 */
export const history: ApiMethod = defineMethod({
  name: "history",
  rpc: CentrifugoApi.method.history,
  result: HistoryResultSchema,
  async run({ node }, { channel, limit, since, reverse }) {
    requireText("channel", channel);
    const position = since && positionFrom(since.offset, since.epoch);
    const keepsHistory = node.channels.optionsOf(channel)?.history !== undefined;
    // Nothing stands before the first publication; the upstream answers 100, too.
    if (keepsHistory && reverse && position?.offset === 0) {
      throw clientError("internal", new Refused("bad_api_request", "since: nothing stands before offset 0"));
    }
    const page = await node.channels.history(channel, { since: position, limit, reverse });
    return create(HistoryResultSchema, {
      publications: page.publications.map(publicationMessage),
      offset: BigInt(page.position.offset),
      epoch: page.position.epoch,
    });
  },
});

function publicationMessage({ data, offset, tags, info }: Publication): PublicationMessage {
  const message = create(PublicationSchema, { data, offset: BigInt(offset), tags: { ...tags } });
  if (info !== undefined) message.info = clientInfoMessage(info);
  return message;
}

/** Drops what a channel has kept; its position stays (docs/protocols/server-api.md §2.6). */
export const historyRemove: ApiMethod = defineMethod({
  name: "history_remove",
  rpc: CentrifugoApi.method.historyRemove,
  result: HistoryRemoveResultSchema,
  async run({ node }, { channel }, empty) {
    requireText("channel", channel);
    await node.channels.removeHistory(channel);
    return empty;
  },
});
