import { expect, it } from "vitest";
import { CentrifugoUniStream } from "../../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { EncodedPush } from "../../../../src/core/push.ts";
import type { UniProtocol } from "../../../../src/core/uni-protocol.ts";
import { GrpcListener } from "../../../../src/grpc/listener.ts";
import { TimerWheel } from "../../../../src/lib/timer-wheel.ts";
import {
  jsonEncoding,
  protobufEncoding,
  protoJsonEncoding,
} from "../../../../src/protocols/centrifugo/uni-protocol.ts";
import { FlushList } from "../../../../src/session/outbox.ts";
import { ANONYMOUS_IDENTITY, Session } from "../../../../src/session/session.ts";
import { createConsumeHandler } from "../../../../src/transports/grpc/service.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { GrpcPushStream } from "../../../support/grpc-push-stream.ts";
import { PATIENCE_MS } from "../../../support/signal.ts";
import { silentLogger } from "../../../support/silent-logger.ts";

/** A push that shows what was sent before and what after it. */
const MARK = new EncodedPush({ type: "disconnect", code: 1, reason: "" });
const MARK_BYTES = 4;
/** What the wheel may be late by. */
const TICK_MS = 200;

/** A server of the method, and the sessions of its clients. */
interface ConsumeServer extends AsyncDisposable {
  readonly address: string;
  readonly sessions: readonly Session[];
}

/** Serves the method with a protocol that lets everybody in, and pings as the clock says. */
async function serve(clock: FakeClock, random: () => number): Promise<ConsumeServer> {
  const sessions: Session[] = [];
  const wheel = new TimerWheel(clock);
  const context = {
    host: { onSessionClosed: () => undefined, onSessionExpires: () => false, onSessionTick: () => undefined },
    flushList: new FlushList(),
    wheel,
    clock,
    logger: silentLogger,
    limits: { outboxMaxBytes: 0, staleCloseDelayMs: 0, expiredCloseDelayMs: 0, tickIntervalMs: 0 },
    random,
  };
  const protocol: UniProtocol = {
    json: jsonEncoding,
    protobuf: protobufEncoding,
    protoJson: protoJsonEncoding,
    accept(transport) {
      const session = new Session(transport, context);
      sessions.push(session);
      return {
        connect() {
          session.identify(ANONYMOUS_IDENTITY);
          session.startKeeping();
        },
        refuseRequest: () => undefined,
        closed: () => session.transportClosed(),
      };
    },
  };
  const listener = new GrpcListener({
    host: "127.0.0.1",
    port: 0,
    maxReceiveMessageBytes: 0,
    tls: undefined,
    reflection: false,
  });
  const handlers = { consume: createConsumeHandler(protocol, wheel) };
  listener.addService(CentrifugoUniStream, handlers, { requests: true, responses: true });
  return {
    address: `127.0.0.1:${(await listener.start()).port}`,
    sessions,
    [Symbol.asyncDispose]: () => listener.stop(AbortSignal.abort()),
  };
}

it.each([
  ["12.5", () => 0, 12_500],
  ["25", () => 1, 25_000],
])(
  "uni 39: the first ping after %s s, then one every 25 s, each an empty message",
  async (_s, random, firstMs) => {
    const clock = new FakeClock();
    await using server = await serve(clock, random);
    using stream = new GrpcPushStream(server.address);
    await expect.poll(() => server.sessions.length, { timeout: PATIENCE_MS }).toBe(1);
    const [session] = server.sessions;
    clock.advance(firstMs - TICK_MS);
    session?.send(MARK);
    clock.advance(2 * TICK_MS);
    clock.advance(25_000 - 3 * TICK_MS);
    session?.send(MARK);
    clock.advance(3 * TICK_MS);
    const lengths: number[] = [];
    while (lengths.length < 4) lengths.push((await stream.nextBytes()).byteLength);
    expect(lengths).toEqual([MARK_BYTES, 0, MARK_BYTES, 0]);
  },
);
