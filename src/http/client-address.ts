import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { isIP, SocketAddress } from "node:net";
import { http2PeerAddress } from "../lib/http2-peer.ts";

/** What is looked at of a request. */
export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Network address of a request's client, or of the last proxy in front; "" once the connection is gone. */
export function peerAddressOf(request: Pick<IncomingMessage, "socket">): string {
  // Over HTTP/2 it is an Http2ServerRequest.
  const { stream } = request as { readonly stream?: ServerHttp2Stream };
  return stream === undefined ? (request.socket.remoteAddress ?? "") : http2PeerAddress(stream);
}

/** Path of a request as the log may have it: queries carry keys and tokens. */
export function pathOf({ url = "" }: Pick<IncomingMessage, "url">): string {
  return url.split("?", 1)[0] ?? "";
}

/**
 * The address of the client, in its shortest form; "" once the connection is gone.
 *
 * Each of `trustHops` proxies in front adds the address of its peer to the end of `X-Forwarded-For`, so the client's is
 * that many places from the right, and what a client wrote there itself is further left. Where the header has fewer
 * places the first one counts; where the place holds no address, the address of the connection.
 */
export function clientAddress({ headers, socket }: AddressedRequest, trustHops: number): string {
  const peer = normalise(socket.remoteAddress ?? "") ?? "";
  const header = trustHops > 0 ? headers["x-forwarded-for"] : undefined;
  if (header === undefined) return peer;
  const hops = (typeof header === "string" ? header : header.join()).split(",");
  return normalise(withoutPort(hops.at(-trustHops) ?? hops[0] ?? "")) ?? peer;
}

/**
 * What to count one client by: its address, of IPv6 the first 64 bits, since whoever has one such address commonly has
 * all that begin alike (RFC 6177).
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const between = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return `${[...left, ...between, ...right].slice(0, 4).join(":")}::/64`;
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return hop.trim().replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/u, "$1$2");
}

function normalise(address: string): string | undefined {
  const bare = address.replace(/%.*$/u, "");
  const family = isIP(bare);
  if (family === 0) return undefined;
  if (family === 4) return bare;
  const shortest = new SocketAddress({ address: bare, family: "ipv6" }).address;
  return shortest.replace(/^::ffff:(?=\d+\.)/u, "");
}
