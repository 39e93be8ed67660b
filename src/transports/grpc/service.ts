import { type handleServerStreamingCall, type Metadata, status } from "@grpc/grpc-js";
import { ClientError } from "../../core/client-error.ts";
import type { ConnectRequest, OpeningHeaders } from "../../core/connect-request.ts";
import type { UniProtocol } from "../../core/uni-protocol.ts";
import { WireFormat } from "../../core/wire-format.ts";
import { envelopeFramer } from "../../grpc/envelope.ts";
import type { TimerWheel } from "../../lib/timer-wheel.ts";
import { GrpcTransport } from "./transport.ts";

/**
 * The `Consume` method (docs/protocols/unidirectional.md §2.5): requests and pushes stay bytes on both sides of the
 * call.
 */
export function createConsumeHandler(
  protocol: UniProtocol,
  wheel: TimerWheel,
): handleServerStreamingCall<Uint8Array, Uint8Array> {
  const encoding = protocol.protobuf;
  const format = new WireFormat(encoding.codec, envelopeFramer);
  return (call) => {
    const transport = new GrpcTransport(call, format, wheel);
    const connection = protocol.accept(transport);
    // A stream that fails has been cancelled or cut; it closes then.
    call.on("error", () => undefined);
    let request: ConnectRequest;
    try {
      request = encoding.parseRequest(call.request);
    } catch (error) {
      connection.closed();
      // There is nothing left of it to end: this is for the log.
      connection.refuseRequest(error);
      // What gRPC itself says of a request that is no message of its type.
      const details = error instanceof ClientError ? "malformed connect request" : "internal error";
      call.emit("error", { code: status.INTERNAL, details });
      return;
    }
    transport.onceGone(() => connection.closed());
    connection.connect(request, new CallMetadata(call.metadata));
  };
}

/** Metadata that came with a call. Binary values are left out: no header can say them. */
class CallMetadata implements OpeningHeaders {
  readonly kind = "grpc";
  readonly #metadata: Metadata;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  names(): Iterable<string> {
    return Object.keys(this.#metadata.toJSON());
  }

  valuesOf(name: string): readonly string[] {
    const values = this.#metadata.toJSON()[name] ?? [];
    return values.filter((value) => typeof value === "string");
  }
}
