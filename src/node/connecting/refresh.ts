import type { Ambient } from "../../core/ambient.ts";
import type { RefreshAnswer } from "../../core/backend.ts";
import { ClientError } from "../../core/client-error.ts";
import { Disconnect, disconnect } from "../../core/disconnect.ts";
import { reportBugs } from "../../core/failure.ts";
import { MAX_LIFETIME_SEC } from "../../core/token-verifier.ts";
import type { Session } from "../../session/session.ts";
import type { BackendCalls } from "../backend-calls.ts";

/** How long a connection goes on that the backend could not be asked about, until it is asked again. */
const RETRY_SEC = 60;

/** What refreshing works with. */
export type RefreshPorts = Pick<Ambient, "clock" | "logger">;

/** Asks the backend whether an expired session may go on, and acts on the answer. False where the backend is not asked. */
export function refreshByBackend(session: Session, backend: BackendCalls, ports: RefreshPorts): boolean {
  const asked = backend.refresh(session);
  if (asked === undefined) return false;
  void asked.then(
    (answer) => applyAnswer(session, answer, ports),
    (error: unknown) => applyFailure(session, error, ports),
  );
  return true;
}

function applyAnswer(session: Session, answer: RefreshAnswer, { clock }: RefreshPorts): void {
  const nowSec = clock.wallMs() / 1000;
  if (answer.type === "expired" || answer.expireAtSec <= nowSec) {
    session.disconnect(disconnect("expired"));
  } else {
    const { expireAtSec, info, meta } = answer;
    session.refresh(Math.min(expireAtSec, nowSec + MAX_LIFETIME_SEC), info, meta);
  }
}

/** A refusal ends the session, in whatever words. A backend that does not answer is no reason to. */
function applyFailure(session: Session, error: unknown, { clock, logger }: RefreshPorts): void {
  if (session.isClosed) return;
  if (error instanceof ClientError || error instanceof Disconnect) {
    session.disconnect(disconnect("expired", error));
  } else {
    reportBugs(error, { logger, message: "connection not refreshed", fields: { session: session.id } });
    session.refresh(clock.wallMs() / 1000 + RETRY_SEC);
  }
}
