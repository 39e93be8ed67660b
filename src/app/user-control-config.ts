import { z } from "zod";
import { duration } from "../config/duration.ts";
import { regex } from "../config/regex.ts";
import { section, type Section, type Shape } from "../config/section.ts";

/** Where what outlives the process is kept. */
export interface StoreConfig {
  readonly path: string;
}

export const storeConfig: Section<StoreConfig> = section<StoreConfig>(
  "Where the server keeps what is to outlive it: statuses of users, blocked users, void tokens.",
  {
    path: z
      .string()
      .default("")
      .describe(
        "SQLite file, made at the first start; only one server at a time may use it. Empty: in memory, lost when the server ends.",
      ),
  },
);

/** What is known of users' doings. */
export interface UserStatusConfig {
  readonly enabled: boolean;
  readonly expire_interval: number;
  readonly state_regex: string;
  readonly max_users: number;
}

export const userStatusConfig: Section<UserStatusConfig> = section<UserStatusConfig>(
  "What is known of users' doings: `update_user_status` and its kin.",
  {
    enabled: z.boolean().default(true).describe("Keeps statuses; otherwise the calls are answered with 108."),
    expire_interval: duration("720h").describe(
      "How long a status is kept after the last update or connection; 0 or less for good.",
    ),
    state_regex: regex().describe("Pattern (RE2, not anchored) that states must match; empty takes any."),
    max_users: count(1_000_000).describe(
      "Statuses kept at most; beyond them, those renewed longest ago are forgotten. 0 for no limit.",
    ),
  },
);

/** How long lock-outs last that say nothing about it, and how many there can be. */
export interface RetentionConfig {
  readonly expire_interval: number;
  readonly max_entries: number;
}

export const userBlockConfig: Section<RetentionConfig> = section<RetentionConfig>(
  "Users that `block_user` locks out.",
  retention("0s", "users", "Users are blocked"),
);

export const tokenRevokeConfig: Section<RetentionConfig> = section<RetentionConfig>(
  "Tokens that `revoke_token` makes void.",
  retention("8760h", "tokens", "Tokens are void"),
);

export const userTokensInvalidateConfig: Section<RetentionConfig> = section<RetentionConfig>(
  "Users whose older tokens `invalidate_user_tokens` makes void.",
  retention("8760h", "users", "Tokens are void"),
);

function retention(expireInterval: string, what: string, effect: string): Shape<RetentionConfig> {
  return {
    expire_interval: duration(expireInterval).describe(
      `${effect} for this long where the call has no \`expire_at\`; 0 or less for good.`,
    ),
    max_entries: count(1_000_000).describe(
      `Most ${what} at a time; a call for one more is answered with 106. 0 for no limit.`,
    ),
  };
}

function count(defaultCount: number): z.ZodType<number> {
  return z.int().min(0).default(defaultCount);
}
