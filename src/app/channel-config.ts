import { z } from "zod";
import type { PublicationDataFormat, RecoveryMode } from "../core/channel-options.ts";
import { duration, formatDuration } from "../config/duration.ts";
import { regex } from "../config/regex.ts";
import { entry, type ReportProblem, section, type Section, type Shape } from "../config/section.ts";

/** What a channel can do and who may have it. */
export interface ChannelOptionsConfig {
  readonly publication_data_format: PublicationDataFormat;
  readonly history_size: number;
  readonly history_ttl: number;
  readonly history_meta_ttl: number;
  readonly force_positioning: boolean;
  readonly force_recovery: boolean;
  readonly force_recovery_mode: "" | RecoveryMode;
  readonly auto_cache_recover: boolean;
  readonly presence: boolean;
  readonly join_leave: boolean;
  readonly force_push_join_leave: boolean;
  readonly allowed_delta_types: readonly string[];
  readonly delta_publish: boolean;
  readonly allow_subscribe_for_client: boolean;
  readonly allow_subscribe_for_anonymous: boolean;
  readonly allow_user_limited_channels: boolean;
  readonly channel_regex: string;
}

/** The options of the channels whose name begins with that of the namespace. */
export interface NamespaceConfig extends ChannelOptionsConfig {
  readonly name: string;
}

/** How channel names are read, and the options of channels. */
export interface ChannelConfig {
  readonly without_namespace: ChannelOptionsConfig;
  readonly namespaces: readonly NamespaceConfig[];
  readonly namespace_boundary: string;
  readonly private_prefix: string;
  readonly user_boundary: string;
  readonly user_separator: string;
  readonly max_length: number;
  readonly publication_data_format: PublicationDataFormat;
  readonly history_meta_ttl: number;
}

const DATA_FORMATS: readonly PublicationDataFormat[] = ["", "json", "json_object", "binary"];

const RECOVERY_MODES: readonly ("" | RecoveryMode)[] = ["", "stream", "cache"];

const channelOptions: Shape<ChannelOptionsConfig> = {
  publication_data_format: z
    .enum(DATA_FORMATS)
    .default("")
    .describe(
      "What payloads must be: `json`, `json_object`, or `binary` (anything, also nothing). " +
        "Empty for `channel.publication_data_format`.",
    ),
  history_size: z
    .int()
    .min(0)
    .default(0)
    .describe("Publications that a channel keeps at most; 0 keeps none. Needs `history_ttl`."),
  history_ttl: duration("0s").describe(
    "How long a channel keeps its publications after the latest one; 0 keeps none. Needs `history_size`.",
  ),
  history_meta_ttl: duration("0s").describe(
    "How long a channel that is not used remembers its position; 0 for `channel.history_meta_ttl`.",
  ),
  force_positioning: z
    .boolean()
    .default(false)
    .describe("Watches every subscription for lost publications; one that misses any ends with code 3010."),
  force_recovery: z
    .boolean()
    .default(false)
    .describe("Gives returning subscribers what they missed. Needs history; implies `force_positioning`."),
  force_recovery_mode: z
    .enum(RECOVERY_MODES)
    .default("")
    .describe(
      "`stream` (or empty): everything missed, or a notice that it is not to be had; `cache`: the latest.",
    ),
  auto_cache_recover: z
    .boolean()
    .default(false)
    .describe(
      "In cache mode, gives the latest publication to every subscriber, also to one that does not ask.",
    ),
  presence: z.boolean().default(false).describe("Keeps track of who listens to the channel."),
  join_leave: z.boolean().default(false).describe("Tells the channel who comes and goes."),
  force_push_join_leave: z
    .boolean()
    .default(false)
    .describe("Sends what `join_leave` tells to every subscriber."),
  allowed_delta_types: z
    .array(z.string())
    .default([])
    .describe("Differences that subscribers may ask for instead of whole payloads: `fossil`, or nothing."),
  delta_publish: z
    .boolean()
    .default(false)
    .describe("Makes differences for every publication, as if its publisher had asked for it."),
  allow_subscribe_for_client: z
    .boolean()
    .default(false)
    .describe("Lets every client with a user id subscribe without a token for the channel."),
  allow_subscribe_for_anonymous: z
    .boolean()
    .default(false)
    .describe("Widens `allow_subscribe_for_client` to clients without user id; does nothing alone."),
  allow_user_limited_channels: z
    .boolean()
    .default(false)
    .describe("Admits to a channel such as `dialog#1,2` the users named after `#`, and nobody else."),
  channel_regex: regex().describe(
    "Regular expression (RE2, unanchored) for the names that clients ask for, without their namespace. " +
      "Empty for any ASCII name.",
  ),
};

/** What options of a channel need of each other. */
function checkChannelOptions(options: ChannelOptionsConfig, report: ReportProblem): void {
  const hasHistory = options.history_size > 0 && options.history_ttl > 0;
  if (!hasHistory && (options.history_size > 0 || options.history_ttl > 0)) {
    report(["history_size"], "`history_size` and `history_ttl` must both be set, or neither");
  }
  if (options.history_meta_ttl > 0 && options.history_meta_ttl < options.history_ttl) {
    report(["history_meta_ttl"], "must be at least `history_ttl`");
  }
  if (options.force_recovery && !hasHistory)
    report(["force_recovery"], "needs `history_size` and `history_ttl`");
  if (options.auto_cache_recover && !(options.force_recovery && options.force_recovery_mode === "cache")) {
    report(["auto_cache_recover"], 'needs `force_recovery` and `force_recovery_mode` "cache"');
  }
  for (const [index, type] of options.allowed_delta_types.entries()) {
    if (type !== "fossil")
      report(["allowed_delta_types", index], `must be "fossil", got ${JSON.stringify(type)}`);
  }
}

const NAMESPACE_NAME = /^[-a-zA-Z0-9_.]{2,}$/;

const namespaceConfig: Section<NamespaceConfig> = entry<NamespaceConfig>(
  "Options of the channels of one namespace.",
  {
    name: z
      .string()
      .describe("Text before the boundary in the names of its channels: `chat` for `chat:index`. Unique."),
    ...channelOptions,
  },
  (namespace, report) => {
    checkChannelOptions(namespace, report);
    if (!NAMESPACE_NAME.test(namespace.name)) {
      const rule = "at least two letters, digits or any of - _ .";
      report(["name"], `a namespace name is ${rule}, got ${JSON.stringify(namespace.name)}`);
    }
  },
);

export const channelConfig: Section<ChannelConfig> = section<ChannelConfig>(
  "How channel names are read, and the options of channels.",
  {
    without_namespace: section<ChannelOptionsConfig>(
      "Options of channels whose name has no namespace.",
      channelOptions,
      checkChannelOptions,
    ).meta({ formerPrefix: "" }),
    namespaces: z
      .array(namespaceConfig)
      .default([])
      .describe(
        "Namespaces: groups of channels with options of their own. A channel in none of them is unknown.",
      )
      .meta({ formerly: ["namespaces"] }),
    namespace_boundary: z
      .string()
      .default(":")
      .describe("Text that ends the namespace in a channel name; empty for no namespaces."),
    private_prefix: z
      .string()
      .default("$")
      .describe("Names that begin with it need a token of their own; empty for no such names."),
    user_boundary: z
      .string()
      .default("#")
      .describe("Text before the user ids of a user-limited channel; empty for no such channels."),
    user_separator: z.string().default(",").describe("Text between those user ids; empty for one id only."),
    max_length: z
      .int()
      .default(255)
      .describe(
        "Bytes that a channel name in a client's subscribe command may have; 0 or less for no limit.",
      ),
    publication_data_format: z
      .enum(DATA_FORMATS)
      .default("")
      .describe("What payloads must be where the namespace does not say; empty for anything but nothing."),
    history_meta_ttl: duration("720h")
      .describe(
        "How long a channel that is not used remembers its position, where the namespace does not say.",
      )
      .meta({ formerly: ["global_history_meta_ttl"] }),
  },
  (channel, report) => {
    if (channel.history_meta_ttl <= 0) report(["history_meta_ttl"], "must be longer than 0");
    checkTtls(channel.without_namespace, channel, (path, message) => {
      report(["without_namespace", ...path], message);
    });
    const seen = new Set<string>();
    for (const [index, namespace] of channel.namespaces.entries()) {
      const { name } = namespace;
      checkTtls(namespace, channel, (path, message) => report(["namespaces", index, ...path], message));
      if (seen.has(name))
        report(["namespaces", index, "name"], `namespace ${JSON.stringify(name)} is given twice`);
      seen.add(name);
    }
  },
).meta({ isReloadable: true });

/** Publications must not outlive the position that they are counted from. */
function checkTtls(
  { history_ttl: ttlMs, history_meta_ttl: ownMetaTtlMs }: ChannelOptionsConfig,
  { history_meta_ttl: metaTtlMs }: Pick<ChannelConfig, "history_meta_ttl">,
  report: ReportProblem,
): void {
  if (ownMetaTtlMs > 0 || ttlMs <= metaTtlMs) return;
  report(
    ["history_ttl"],
    `must be at most \`channel.history_meta_ttl\` (${formatDuration(metaTtlMs)}); ` +
      "give these channels a `history_meta_ttl` of their own, or lengthen that of all",
  );
}
