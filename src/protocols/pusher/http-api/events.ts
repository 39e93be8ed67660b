import { deliverEvent } from "../publish-event.ts";
import { type Attributes, attributesOf } from "./attributes.ts";
import { type ApiCall, badRequest, type Endpoint } from "./endpoint.ts";
import { channelsIn, type PostedEvent, readEvent } from "./posted-event.ts";
import { fieldsIn, listIn, parametersOf, textOf } from "./request.ts";

/** One event to one or more channels. */
export const triggerEvent: Endpoint = {
  method: "POST",
  path: "events",
  async run(call) {
    const fields = parametersOf(call.query, call.body);
    return trigger(call, readEvent(call.app.config, fields, channelsIn(fields), call.idempotencyKey));
  },
};

/** The same for one channel, as it was done before 2012: the whole body is the data. */
export const triggerEventInChannel: Endpoint = {
  method: "POST",
  path: "channels/*/events",
  async run(call) {
    const fields = { ...Object.fromEntries(call.query), data: textOf(call.body) };
    return trigger(call, readEvent(call.app.config, fields, [call.subject], call.idempotencyKey));
  },
};

/** Several events, each to one channel. What is wrong with one of them refuses all. */
export const triggerBatch: Endpoint = {
  method: "POST",
  path: "batch_events",
  async run(call) {
    const { config } = call.app;
    const { max_event_batch_size: maxEvents } = config;
    const batch = call.body.length === 0 ? undefined : listIn(call.body, "batch");
    if (batch === undefined) throw badRequest("batch is missing or no list");
    const events: PostedEvent[] = [];
    for (const item of batch) {
      if (maxEvents > 0 && events.length === maxEvents) {
        throw badRequest(`A batch has ${maxEvents} events at most`);
      }
      const fields = fieldsIn(item);
      const key = keyOfPart(call.idempotencyKey, events.length);
      events.push(readEvent(config, fields, [fields["channel"]], key));
    }
    const described = await publishEvents(call, events);
    return described === undefined ? {} : { batch: described.map(([, attributes]) => attributes) };
  },
};

/** Events of a batch may go to the same channel, where each of them needs a key of its own. */
function keyOfPart(idempotencyKey: string, index: number): string {
  return idempotencyKey === "" ? "" : `${idempotencyKey}:${index}`;
}

async function trigger(call: ApiCall, event: PostedEvent): Promise<object> {
  const described = await publishEvents(call, [event]);
  return described === undefined ? {} : { channels: Object.fromEntries(described) };
}

/**
 * Publishes events in their order. Resolves to what is asked about their channels, one after the other; undefined where
 * nothing is.
 */
async function publishEvents(
  call: ApiCall,
  events: readonly PostedEvent[],
): Promise<readonly (readonly [channel: string, Attributes])[] | undefined> {
  const { node, app } = call;
  const targets = events.flatMap((event) => event.channels.map((channel) => ({ ...event, channel })));
  call.spend("event", targets.length);
  // Brokers keep the order of what is handed to them, so nothing waits for what comes before it.
  await Promise.all(targets.map((target) => deliverEvent(node, app, target.publication, target)));
  if (targets.every(({ wanted }) => wanted === undefined)) return undefined;
  return Promise.all(
    targets.map(
      async ({ channel, wanted }) =>
        [channel, wanted === undefined ? {} : await attributesOf(call, channel, wanted)] as const,
    ),
  );
}
