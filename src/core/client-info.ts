/** What other clients of a channel may know about one client. */
export interface ClientInfo {
  /** User id; "" for an anonymous user. */
  readonly user: string;
  /** Client id: a UUID, new for each connection. */
  readonly client: string;
  /** Raw JSON attached to the connection by its token. */
  readonly connInfo: Uint8Array | undefined;
  /** Raw JSON attached to this subscription. */
  readonly chanInfo: Uint8Array | undefined;
}
