import { z } from "zod";
import type { PublicationDataFormat } from "../../core/channel-options.ts";
import { entry, section, type Section, type Shape } from "../section.ts";

/** What a channel can do and who may have it. */
export interface ChannelOptionsConfig {
  readonly publication_data_format: PublicationDataFormat;
  readonly allow_subscribe_for_client: boolean;
  readonly allow_subscribe_for_anonymous: boolean;
  readonly allow_user_limited_channels: boolean;
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
}

const DATA_FORMATS: readonly PublicationDataFormat[] = ["", "json", "json_object", "binary"];

const channelOptions: Shape<ChannelOptionsConfig> = {
  publication_data_format: z
    .enum(DATA_FORMATS)
    .default("")
    .describe(
      "What payloads must be: `json`, `json_object`, or `binary` (anything, also nothing). " +
        "Empty for `channel.publication_data_format`.",
    ),
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
};

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
  },
  (channel, report) => {
    const seen = new Set<string>();
    for (const [index, { name }] of channel.namespaces.entries()) {
      if (seen.has(name))
        report(["namespaces", index, "name"], `namespace ${JSON.stringify(name)} is given twice`);
      seen.add(name);
    }
  },
);
