/**
 * What history in memory costs: the size of a million streams, and the time of a publish with and without.
 *
 * Run by itself: `node bench/memory-streams.ts`. Measures the broker alone, without HTTP and without sockets.
 */
import { MemoryBroker } from "../src/brokers/memory/memory-broker.ts";
import { type BrokerPublishOptions, PLAIN_PUBLISH } from "../src/core/broker.ts";
import { ChannelEvents } from "../src/core/channel-events.ts";
import { systemClock } from "../src/core/clock.ts";
import type { PublicationInit } from "../src/core/publication.ts";

const CHANNELS = 1_000_000;
const PUBLISHES = 1_000_000;
const PAYLOAD_BYTES = 128;
/** Payloads come as parts of what was read from a socket. */
const READ_BYTES = 65_536;

const HISTORY: BrokerPublishOptions = {
  ...PLAIN_PUBLISH,
  history: { size: 10, ttlMs: 3_600_000, metaTtlMs: 30 * 86_400_000 },
};

async function startBroker(): Promise<MemoryBroker> {
  const broker = new MemoryBroker({
    clock: systemClock,
    events: new ChannelEvents(),
    idempotencyTtlMs: 300_000,
    idempotencyMaxKeys: 1_000_000,
  });
  const ignore = (): void => undefined;
  await broker.start({ onPublication: ignore, onNotice: ignore, onInterrupted: ignore });
  return broker;
}

/** Publications as requests bring them, each the `number`-th part of its buffer. */
function publicationOf(number: number, read: Buffer): PublicationInit {
  const at = number % (READ_BYTES - PAYLOAD_BYTES);
  return { data: read.subarray(at, at + PAYLOAD_BYTES), knownJson: true };
}

async function measureMemory(): Promise<void> {
  const broker = await startBroker();
  const before = process.memoryUsage.rss();
  for (let number = 0; number < CHANNELS; number++) {
    const read = number % 1000 === 0 ? Buffer.alloc(READ_BYTES, 0x31) : ONES;
    await broker.publish(`channel:${number}`, publicationOf(number, read), HISTORY);
  }
  const after = process.memoryUsage.rss();
  const each = Math.round((after - before) / CHANNELS);
  console.log(`${CHANNELS} streams of one publication: ${toMb(after)} MB RSS, ${each} bytes each`);
  await broker.close();
}

async function measurePublish(name: string, options: BrokerPublishOptions): Promise<void> {
  const broker = await startBroker();
  const channels = Array.from({ length: 1000 }, (_, number) => `channel:${number}`);
  for (const channel of channels) await broker.subscribe([channel]);
  const before = process.cpuUsage();
  for (let number = 0; number < PUBLISHES; number++) {
    await broker.publish(channels[number % channels.length] ?? "", publicationOf(number, ONES), options);
  }
  const { user, system } = process.cpuUsage(before);
  console.log(`publish ${name}: ${((user + system) / PUBLISHES).toFixed(2)} µs of CPU`);
  await broker.close();
}

function toMb(bytes: number): number {
  return Math.round(bytes / 1e6);
}

const ONES = Buffer.alloc(READ_BYTES, 0x31);

await measureMemory();
for (let round = 0; round < 3; round++) {
  await measurePublish("without history", PLAIN_PUBLISH);
  await measurePublish("with history", HISTORY);
  await measurePublish("with history and delta", { ...HISTORY, delta: true });
}
