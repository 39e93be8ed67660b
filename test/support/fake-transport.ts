import type { ClientError } from "../../src/core/client-error.ts";
import type { Disconnect } from "../../src/core/disconnect.ts";
import type { EventIds, Transport } from "../../src/core/transport.ts";
import { type Codec, type DeltaFormats, type Framer, WireFormat } from "../../src/core/wire-format.ts";
import { jsonCodec } from "../../src/protocols/centrifugo/json-codec.ts";

/** One message a line, so that what was written can be read back. */
export const lineFramer: Framer = {
  id: "test-line",
  frame: (message) => Buffer.concat([message, Buffer.from("\n")]),
  join: (frames) => Buffer.concat(frames),
};

/** A format of its own for each call. */
export function lineFormat(codec: Codec = jsonCodec): WireFormat {
  return new WireFormat(codec, lineFramer);
}

/** A transport in memory: every write is kept, and nothing is ever taken unless the test says so. */
export class FakeTransport implements Transport {
  readonly name: string = "fake";
  readonly protocol = "json";
  readonly peerAddress = "192.0.2.1";
  readonly format: WireFormat;
  deltaFormats: DeltaFormats | undefined;
  eventIds: EventIds | undefined;
  pingIntervalMs = 25_000;
  sendsDisconnectPush = true;
  bufferedBytes = 0;
  refusesInItsOwnWay = false;
  readonly writes: Uint8Array[] = [];
  closedWith: Disconnect | undefined;
  abortedWith: Disconnect | undefined;
  refusedWith: ClientError | Disconnect | undefined;

  constructor(format: WireFormat = lineFormat()) {
    this.format = format;
  }

  /** The messages written so far. */
  get messages(): unknown[] {
    const text = Buffer.concat(this.writes).toString();
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
  }

  write(bytes: Uint8Array): void {
    this.writes.push(bytes);
  }

  refuse(failure: ClientError | Disconnect): boolean {
    this.refusedWith = failure;
    return this.refusesInItsOwnWay;
  }

  close(disconnect: Disconnect): void {
    this.closedWith = disconnect;
  }

  abort(disconnect: Disconnect): void {
    this.abortedWith = disconnect;
  }
}

/** Resolves when the current turn of the event loop, with its flushes, is over. */
export async function endOfTurn(): Promise<void> {
  // Histories are read when a turn is over, and outboxes written; what follows may begin with either.
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
