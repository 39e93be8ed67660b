import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Failure, FailureSchema } from "../../gen/millrace/cluster/v1/cluster_pb.ts";
import { ClientError } from "../core/client-error.ts";
import { Disconnect } from "../core/disconnect.ts";
import { isLogged, markLogged } from "../core/failure.ts";
import { isRefusalReason, Refused } from "../core/refusal.ts";

/** Causes of causes beyond this are left behind. */
const MAX_CAUSES = 8;

/** An error as it travels from process to process: its codes, or what it says, with the errors behind it. */
export function encodeFailure(error: unknown, causesLeft: number = MAX_CAUSES): Failure {
  const cause = error instanceof Error ? error.cause : undefined;
  const hasCause = cause !== undefined && causesLeft > 0;
  return create(FailureSchema, {
    kind: kindOf(error),
    logged: isLogged(error),
    ...(hasCause ? { cause: encodeFailure(cause, causesLeft - 1) } : {}),
  });
}

/** The error again: a ClientError, a Disconnect, a Refused, or an Error with the name of what it was. */
export function decodeFailure(failure: Failure): Error {
  const error = errorOf(failure);
  if (failure.logged) markLogged(error);
  return error;
}

function errorOf({ kind, cause }: Failure): Error {
  const options = cause === undefined ? undefined : { cause: decodeFailure(cause) };
  switch (kind.case) {
    case "refusal": {
      const { code, message, temporary } = kind.value;
      return new ClientError(code, message, temporary, options);
    }
    case "ending":
      return new Disconnect(kind.value.code, kind.value.reason, options);
    case "reason": {
      const { code, detail } = kind.value;
      if (isRefusalReason(code)) return new Refused(code, detail, options?.cause);
      return Object.assign(new Error(detail, options), { name: "Refused" });
    }
    case "fault": {
      const { name, message, stack, code, port } = kind.value;
      const error = new Error(message, options);
      if (stack !== "") error.stack = stack;
      const known = { name, ...(code === "" ? {} : { code }), ...(port === 0 ? {} : { port }) };
      return Object.assign(error, known);
    }
    case undefined:
      return new Error("an error that cannot be read", options);
  }
}

/** `encodeFailure` as bytes. */
export function failureToBytes(error: unknown): Uint8Array {
  return toBinary(FailureSchema, encodeFailure(error));
}

/** `decodeFailure` of bytes. @throws where they are none of a failure */
export function failureFromBytes(bytes: Uint8Array): Error {
  return decodeFailure(fromBinary(FailureSchema, bytes));
}

function kindOf(error: unknown): NonNullable<MessageInitShape<typeof FailureSchema>["kind"]> {
  if (error instanceof ClientError) {
    const { code, message, temporary } = error;
    return { case: "refusal", value: { code, message, temporary } };
  }
  if (error instanceof Disconnect) {
    return { case: "ending", value: { code: error.code, reason: error.reason } };
  }
  if (error instanceof Refused) {
    return { case: "reason", value: { code: error.reason, detail: error.message } };
  }
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  // What errors of the system have besides.
  const { code, port } = Object(error) as { readonly code?: unknown; readonly port?: unknown };
  const ofSystem = {
    code: typeof code === "string" ? code : "",
    port: typeof port === "number" ? port : 0,
  };
  return { case: "fault", value: { name, message, stack, ...ofSystem } };
}
