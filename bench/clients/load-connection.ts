/** One request, to be repeated. */
export interface LoadTarget {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A connection that sends the request when told to. */
export interface LoadConnection {
  /** Requests that it can have under way. */
  readonly slots: number;
  send(count: number): void;
  close(): void;
}

/** Who is told what a connection receives. */
export interface LoadObserver {
  onAnswers(connection: LoadConnection, count: number): void;
  onFailure(error: Error): void;
}
