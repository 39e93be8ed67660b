import { describe, expect, it } from "vitest";
import { FlushList, Outbox } from "../../../src/session/outbox.ts";
import { trafficOf } from "../../../src/session/traffic.ts";
import { NO_METRICS } from "../../../src/core/metrics.ts";
import { endOfTurn, FakeTransport } from "../../support/fake-transport.ts";
import { RecordingMetrics } from "../../support/recording-metrics.ts";

const frame = (text: string): Buffer => Buffer.from(text);

function start() {
  const metrics = new RecordingMetrics();
  const flushList = new FlushList(trafficOf(metrics));
  const open = (): Outbox => new Outbox(new FakeTransport(), flushList, 1000);
  return { metrics, open };
}

describe("what is written", () => {
  it("is counted by transport and by what is in it, for each outbox that has written it", async () => {
    const { metrics, open } = start();
    const [publication, ping, own] = [frame("12345"), frame("12"), frame("1")];
    const outboxes = [open(), open(), open()];
    for (const outbox of outboxes) outbox.enqueue(publication, "publication");
    outboxes[0]?.enqueue(ping, "ping");
    outboxes[1]?.enqueue(own, "reply");
    await endOfTurn();
    expect(metrics.counted("transport_messages_sent")).toEqual({
      "frame_type=push_publication,transport=fake": 3,
      "frame_type=server_ping,transport=fake": 1,
      "frame_type=reply,transport=fake": 1,
    });
    expect(metrics.counted("transport_messages_sent_size")).toEqual({
      "frame_type=push_publication,transport=fake": 15,
      "frame_type=server_ping,transport=fake": 2,
      "frame_type=reply,transport=fake": 1,
    });
  });

  it("is counted once when the turn is over, whether it was written before its end or then", async () => {
    const { metrics, open } = start();
    const first = open();
    const second = open();
    const last = frame("bye");
    for (const outbox of [first, second]) outbox.enqueue(last, "disconnect");
    first.flush();
    expect(metrics.counted("transport_messages_sent")).toEqual({});
    await endOfTurn();
    expect(metrics.counted("transport_messages_sent")).toEqual({
      "frame_type=push_disconnect,transport=fake": 2,
    });
  });

  it("is not counted when it was queued and forgotten", async () => {
    const { metrics, open } = start();
    const outbox = open();
    outbox.enqueue(frame("1"), "publication");
    outbox.close();
    await endOfTurn();
    expect(metrics.counted("transport_messages_sent")).toEqual({});
  });

  it("costs nothing where nobody looks", () => {
    expect(trafficOf(NO_METRICS)).toBeUndefined();
  });
});
