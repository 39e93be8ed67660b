import { openHttpStream, type PushJson } from "./push-stream.ts";
import type { RunningServer } from "./running-server.ts";

/** The first push of a connection over HTTP streaming, which is closed again. */
export async function firstPush(
  server: RunningServer,
  connect: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<PushJson> {
  await using stream = await openHttpStream(server, connect, headers);
  return await stream.next();
}

/** The code that a connect request is refused with; 0 when it is not. */
export async function codeOf(
  server: RunningServer,
  connect: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const push = await firstPush(server, connect, headers);
  return push.connect === undefined ? (push.disconnect?.code ?? Number.NaN) : 0;
}

/** The channels that a connect request leads to, in alphabetical order; rejects when it is refused. */
export async function channelsOf(
  server: RunningServer,
  connect: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const { connect: connected } = await firstPush(server, connect, headers);
  if (connected === undefined) throw new Error("refused");
  return Object.keys(connected.subs ?? {}).toSorted();
}
