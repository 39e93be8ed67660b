import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { anyPack, AnySchema } from "@bufbuild/protobuf/wkt";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import { transportStatus } from "../transport-status.ts";

/** Where gRPC keeps a `google.rpc.Status`. */
const DETAILS_KEY = "grpc-status-details-bin";
/** Field numbers of `google.rpc.Status`. */
const CODE = 1;
const MESSAGE = 2;
const DETAILS = 3;

/** An API error as the status of a call: its message, and itself in the details (docs/protocols/server-api.md §5.1). */
export function errorStatus(error: ClientError): Partial<StatusObject> {
  const { rpcCode } = transportStatus(error);
  const { code, message } = error;
  const detail = anyPack(ErrorSchema, create(ErrorSchema, { code, message }));
  const details = new BinaryWriter()
    .tag(CODE, WireType.Varint)
    .int32(rpcCode)
    .tag(MESSAGE, WireType.LengthDelimited)
    .string(message)
    .tag(DETAILS, WireType.LengthDelimited)
    .bytes(toBinary(AnySchema, detail))
    .finish();
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(details));
  return { code: rpcCode, details: message, metadata };
}
