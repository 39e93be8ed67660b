import { mapConcurrently } from "../../../lib/map-concurrently.ts";
import { isValidName, kindOf } from "../channel-name.ts";
import { userInfoText } from "../codec.ts";
import {
  type Attribute,
  type Attributes,
  attributesOf,
  hasAttribute,
  membersOf,
  readAttributes,
} from "./attributes.ts";
import { type ApiCall, badRequest, type Endpoint } from "./endpoint.ts";

const PRESENCE_PREFIX = "presence-";
/** Presence channels that are counted at once. */
const COUNTED_AT_ONCE = 64;

/** The channels that somebody listens to. Those of users are nobody's business. */
export const listChannels: Endpoint = {
  method: "GET",
  path: "channels",
  async run(call) {
    const { node, app, query } = call;
    const wanted = readAttributes(query.get("info"), ["user_count", "subscription_count"]);
    const prefix = query.get("filter_by_prefix") ?? "";
    if (wanted?.has("user_count") === true && !prefix.startsWith(PRESENCE_PREFIX)) {
      throw badRequest(`user_count takes a filter_by_prefix that begins with ${PRESENCE_PREFIX}`);
    }
    call.spend("read", 1);
    const found = await node.channels.list({ prefix: app.channelOf(prefix) });
    const listed = [...found].filter(([channel]) => isValidName(app.nameOf(channel), 0));
    const channels = await mapConcurrently(listed, COUNTED_AT_ONCE, async ([channel, count]) => [
      app.nameOf(channel),
      {
        ...(wanted?.has("user_count") === true ? { user_count: (await membersOf(node, channel)).size } : {}),
        ...(wanted?.has("subscription_count") === true ? { subscription_count: count } : {}),
      },
    ]);
    return { channels: Object.fromEntries(channels) as Record<string, Attributes> };
  },
};

/** One channel: whether somebody listens to it, and what else is asked. */
export const describeChannel: Endpoint = {
  method: "GET",
  path: "channels/*",
  async run(call) {
    const { node, app, query } = call;
    const name = channelIn(call);
    const wanted =
      readAttributes(query.get("info"), ["user_count", "subscription_count", "cache"]) ??
      new Set<Attribute>();
    for (const attribute of wanted) {
      if (!hasAttribute(name, attribute)) throw badRequest(`The channel has no ${attribute}`);
    }
    call.spend("read", 1);
    const [count, attributes] = await Promise.all([
      node.channels.subscriberCount(app.channelOf(name)),
      attributesOf(call, name, wanted),
    ]);
    return { occupied: count > 0, ...attributes };
  },
};

/** The members of a presence channel; with `with_user_info=1` also what is known of them. */
export const listUsers: Endpoint = {
  method: "GET",
  path: "channels/*/users",
  async run(call) {
    const { node, app, query } = call;
    const name = channelIn(call);
    if (!kindOf(name).isPresence) throw badRequest("The channel is no presence channel");
    call.spend("read", 1);
    const members = await membersOf(node, app.channelOf(name));
    const withInfo = query.get("with_user_info") === "1";
    return {
      users: [...members].map(([id, info]) =>
        withInfo ? { id, user_info: JSON.parse(userInfoText(info)) as unknown } : { id },
      ),
    };
  },
};

function channelIn({ app, subject }: ApiCall): string {
  if (!isValidName(subject, app.config.max_channel_name_length)) {
    throw badRequest(`${JSON.stringify(subject)} is no name of a channel`);
  }
  return subject;
}
