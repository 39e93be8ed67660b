import { type handleServerStreamingCall, status } from "@grpc/grpc-js";
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
    const closed = (): void => connection.closed();
    call.once("cancelled", closed);
    call.once("close", closed);
    // A stream that fails has been cancelled or cut; `close` follows.
    call.on("error", () => undefined);
    try {
      connection.connect(encoding.parseRequest(call.request));
    } catch (error) {
      connection.closed();
      // There is nothing left of it to end: this is for the log.
      connection.refuseRequest(error);
      // What gRPC itself says of a request that is no message of its type.
      call.emit("error", { code: status.INTERNAL, details: "malformed connect request" });
    }
  };
}
