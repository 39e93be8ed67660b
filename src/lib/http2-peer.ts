import type { ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";

/** Network address of the other end of a stream's connection; "" once that is gone, which Node throws for. */
export function http2PeerAddress({ session }: Pick<ServerHttp2Stream, "session">): string {
  try {
    return session?.socket.remoteAddress ?? "";
  } catch {
    return "";
  }
}

/** Whether nobody is left to read a response. Node's responses over HTTP/2 do not tell themselves. */
export function isGone(response: ServerResponse): boolean {
  const { stream } = response as { readonly stream?: ServerHttp2Stream };
  return stream === undefined ? response.destroyed : stream.destroyed;
}
