import { isTree, type Tree } from "../../config/tree.ts";
import { WEBHOOK_EVENTS } from "../../protocols/pusher/config.ts";
import type { ForeignTree } from "./foreign-tree.ts";

/** How another server calls the members of a webhook's filter. */
export interface FilterNames {
  readonly prefix: string;
  readonly suffix: string;
}

const KNOWN: ReadonlySet<string> = new Set(WEBHOOK_EVENTS);

/** Reads the webhooks of an app. Those that are no HTTP endpoint, or get no event that there is, are left out. */
export function readWebhooks(
  webhooks: readonly ForeignTree[] | undefined,
  names: FilterNames,
): readonly Tree[] {
  return (webhooks ?? []).map((webhook) => readWebhook(webhook, names)).filter((tree) => tree !== undefined);
}

function readWebhook(webhook: ForeignTree, { prefix, suffix }: FilterNames): Tree | undefined {
  if (!webhook.has("url")) {
    webhook.note("url", "missing: only HTTP endpoints are told, so the webhook is left out");
    return undefined;
  }
  const given = webhook.texts("event_types");
  const eventTypes = given.filter((type) => KNOWN.has(type));
  const unknown = given.filter((type) => !KNOWN.has(type));
  if (unknown.length > 0) webhook.note("event_types", `there are no events ${unknown.join(", ")}`);
  if (eventTypes.length === 0) {
    webhook.note("event_types", "has no event, so the webhook is left out");
    return undefined;
  }
  const filter = webhook.section("filter");
  const headers = webhook.value("headers");
  return {
    url: webhook.text(["url"], ""),
    event_types: eventTypes,
    headers: isTree(headers) ? headers : {},
    filter: { channel_prefix: filter.text([prefix], ""), channel_suffix: filter.text([suffix], "") },
  };
}
