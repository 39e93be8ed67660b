/** What a Pusher channel is, told by how its name begins (docs/protocols/pusher.md §2.1). */
export interface ChannelKind {
  /** Subscribing takes a signature. */
  readonly isPrivate: boolean;
  readonly isPresence: boolean;
  /** The payload is a secret of the clients. */
  readonly isEncrypted: boolean;
  /** New subscribers get the latest event. */
  readonly isCache: boolean;
}

const PUBLIC: ChannelKind = { isPrivate: false, isPresence: false, isEncrypted: false, isCache: false };
const PRIVATE: ChannelKind = { ...PUBLIC, isPrivate: true };
const PRESENCE: ChannelKind = { ...PRIVATE, isPresence: true };
const ENCRYPTED: ChannelKind = { ...PRIVATE, isEncrypted: true };

/** Beginnings of names; of those that begin alike, the longer one is first. */
const KINDS: readonly (readonly [prefix: string, kind: ChannelKind])[] = [
  ["private-encrypted-cache-", { ...ENCRYPTED, isCache: true }],
  ["private-encrypted-", ENCRYPTED],
  ["private-cache-", { ...PRIVATE, isCache: true }],
  ["private-", PRIVATE],
  ["presence-cache-", { ...PRESENCE, isCache: true }],
  ["presence-", PRESENCE],
  ["cache-", { ...PUBLIC, isCache: true }],
];

/** All kinds that there are. */
export const CHANNEL_KINDS: readonly ChannelKind[] = [PUBLIC, ...KINDS.map(([, kind]) => kind)];

/** The kind of a channel; one object for all names of it. */
export function kindOf(name: string): ChannelKind {
  return KINDS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? PUBLIC;
}

const NAME = /^[-A-Za-z0-9_=@,.;]+$/u;

/** Whether clients and backends may use the name: `maxLength` of 0 is no limit. */
export function isValidName(name: string, maxLength: number): boolean {
  return NAME.test(name) && (maxLength === 0 || name.length <= maxLength);
}

/** Characters of a user's id, as hosted Pusher has it. */
const MAX_USER_ID_LENGTH = 128;

/** Whether a signed-in user may have the id: channel names are made of it. */
export function isValidUserId(id: string): boolean {
  return isValidName(id, MAX_USER_ID_LENGTH);
}

const SERVER_TO_USER = "#server-to-user-";

/** The channel of what a backend sends to one user. */
export function userChannelName(user: string): string {
  return SERVER_TO_USER + user;
}

/** The user whose channel it is; undefined for every other name. */
export function userOfChannelName(name: string): string | undefined {
  return name.startsWith(SERVER_TO_USER) ? name.slice(SERVER_TO_USER.length) : undefined;
}
