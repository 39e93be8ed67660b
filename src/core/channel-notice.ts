import type { ClientInfo } from "./client-info.ts";

/**
 * What a channel tells its subscribers besides publications: at most once, and never part of its stream.
 *
 * `join` and `leave` are about clients. `memberAdded` and `memberRemoved` are about users: the first and the last of
 * a user's clients on all nodes; anonymous ones are nobody's.
 */
export type ChannelNotice =
  | { readonly type: "join" | "leave"; readonly info: ClientInfo }
  | { readonly type: "memberAdded" | "memberRemoved"; readonly info: ClientInfo }
  | { readonly type: "subscriptionCount"; readonly count: number };

/** Which notices a subscriber wants. */
export type NoticeType = ChannelNotice["type"];

export const NO_NOTICES: readonly NoticeType[] = [];
/** First and last clients of users. */
export const MEMBER_NOTICES: readonly NoticeType[] = ["memberAdded", "memberRemoved"];
export const JOIN_LEAVE: readonly NoticeType[] = ["join", "leave"];
