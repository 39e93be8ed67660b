import type { ServerHttp2Stream } from "node:http2";

/** Network address of the other end of a stream's connection; "" once that is gone, which Node throws for. */
export function http2PeerAddress({ session }: Pick<ServerHttp2Stream, "session">): string {
  try {
    return session?.socket.remoteAddress ?? "";
  } catch {
    return "";
  }
}
