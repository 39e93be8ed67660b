import { create } from "@bufbuild/protobuf";
import {
  CentrifugoApi,
  HistoryRemoveResultSchema,
  HistoryResultSchema,
  type Publication as PublicationMessage,
  PublicationSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { clientError } from "../../core/client-error.ts";
import type { Publication } from "../../core/publication.ts";
import { Refused } from "../../core/refusal.ts";
import { positionFrom } from "../../core/stream-position.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";
import { clientInfoMessage } from "./presence.ts";

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
