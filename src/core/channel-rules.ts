import type { ChannelOptions } from "./channel-options.ts";

/** How channel names are read, and the options behind them. An empty text switches its feature off. */
export interface ChannelRulesOptions {
  /** Ends the namespace in a name: ":" in `chat:index`. */
  readonly namespaceBoundary: string;
  /** Begins the names that need a token of their own: "$" in `$chat:index`. */
  readonly privatePrefix: string;
  /** Stands before the user ids of a user-limited channel: "#" in `dialog#41,42`. */
  readonly userBoundary: string;
  /** Stands between those user ids; empty where there can be one only. */
  readonly userSeparator: string;
  /** Options of the names without namespace. */
  readonly withoutNamespace: ChannelOptions;
  readonly namespaces: ReadonlyMap<string, ChannelOptions>;
  /** Namespaces whose options depend on the rest of the name too; they come before those in `namespaces`. */
  readonly namingNamespaces?: ReadonlyMap<string, NamingRules>;
}

/** What the rest of a name, after the namespace, means. */
export interface NamingRules {
  optionsOf(name: string): ChannelOptions;
}

/** What a channel's name says about it (docs/protocols/channels.md §2.1). Stateless; asked on every publish. */
export class ChannelRules {
  readonly #options: ChannelRulesOptions;

  constructor(options: ChannelRulesOptions) {
    this.#options = options;
  }

  /** What stands before the first boundary, without one private prefix; "" for none, as in `:x`. */
  namespaceOf(channel: string): string {
    const { privatePrefix } = this.#options;
    const boundary = this.#boundaryOf(channel);
    if (boundary < 0) return "";
    return channel.slice(channel.startsWith(privatePrefix) ? privatePrefix.length : 0, boundary);
  }

  /** The options of a channel; undefined where its namespace is unknown. */
  optionsOf(channel: string): ChannelOptions | undefined {
    const { namespaceBoundary, withoutNamespace, namespaces, namingNamespaces } = this.#options;
    const namespace = this.namespaceOf(channel);
    if (namespace === "") return withoutNamespace;
    const naming = namingNamespaces?.get(namespace);
    if (naming === undefined) return namespaces.get(namespace);
    return naming.optionsOf(channel.slice(this.#boundaryOf(channel) + namespaceBoundary.length));
  }

  /** Whether a client needs a token for this very channel. */
  isPrivate(channel: string): boolean {
    const { privatePrefix } = this.#options;
    return privatePrefix !== "" && channel.startsWith(privatePrefix);
  }

  /**
   * Whether clients may ask for the channel by this name: what follows the namespace must match the pattern of
   * the options, the whole name where there is no boundary, or be ASCII where there is no pattern.
   *
   * False where the namespace is unknown.
   */
  nameIsValid(channel: string): boolean {
    const options = this.optionsOf(channel);
    if (options === undefined) return false;
    if (options.channelRegex === undefined) return isAscii(channel);
    const boundary = this.#boundaryOf(channel);
    const rest = boundary < 0 ? channel : channel.slice(boundary + this.#options.namespaceBoundary.length);
    return options.channelRegex.test(rest);
  }

  /** Whether the name ends in a list of users. It has a meaning only where the options give it one. */
  hasUserList(channel: string): boolean {
    const { userBoundary } = this.#options;
    return userBoundary !== "" && channel.includes(userBoundary);
  }

  /** Whether the user is in the name's list: the text after the last boundary. False without a list. */
  userIsListed(channel: string, user: string): boolean {
    if (!this.hasUserList(channel)) return false;
    const { userBoundary, userSeparator } = this.#options;
    const list = channel.slice(channel.lastIndexOf(userBoundary) + userBoundary.length);
    return userSeparator === "" ? list === user : list.split(userSeparator).includes(user);
  }

  /** A user's own channel in a namespace, "" for none: `#42`, `personal:#42`. */
  personalChannelOf(user: string, namespace: string): string {
    const { namespaceBoundary, userBoundary } = this.#options;
    return namespace === "" ? userBoundary + user : namespace + namespaceBoundary + userBoundary + user;
  }

  /** Where the namespace's boundary begins, after one private prefix; negative without. */
  #boundaryOf(channel: string): number {
    const { namespaceBoundary, privatePrefix } = this.#options;
    if (namespaceBoundary === "") return -1;
    return channel.indexOf(namespaceBoundary, channel.startsWith(privatePrefix) ? privatePrefix.length : 0);
  }
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
