import type { Section } from "./section.ts";
import type { Tree } from "./tree.ts";

/** What a development server is set up with. */
export interface DevSetup {
  /** Where it listens. */
  readonly address: string;
  /** Key of the server API, over HTTP and gRPC. */
  readonly apiKey: string;
  /** Secret of the Pusher app. */
  readonly pusherSecret: string;
  /** Namespace that lets everybody listen. */
  readonly openNamespace: string;
}

/** A command to paste into a terminal. */
export interface TryLine {
  readonly label: string;
  readonly command: string;
}

/** What such commands are made of. Origins are undefined where nothing is to be reached. */
export interface TryContext {
  /** Of the HTTP server: "http://localhost:8000". */
  readonly http: string | undefined;
  /** Of the HTTP server that has the server API. */
  readonly api: string | undefined;
  readonly uniGrpc: string | undefined;
  readonly grpcApi: string | undefined;
  readonly channel: string;
  /** JSON to publish. */
  readonly data: string;
  /** Connect request that subscribes to the channel, JSON. */
  readonly connectRequest: string;
  /** Publishes by the HTTP API; undefined where it is off. The request is JSON. */
  readonly publishCommand: (request: string) => string | undefined;
}

/**
 * An edge as the rest of the server knows it: what stands in the configuration, in lists, in conflicts of paths and in
 * what a newcomer is shown is made from these, so that an edge says so in one place.
 */
export interface Edge<Name extends string, Config> {
  /** Name of its section of the configuration, and of the edge in logs. */
  readonly name: Name;
  readonly section: Section<Config>;
  /** Whether clients listen by it, backends publish by it, or operators look at it. */
  readonly role: "transport" | "api" | "probe";
  isEnabled(config: Config): boolean;
  /** Paths that it serves on the HTTP server; everything below one that ends in a slash. */
  paths(config: Config): readonly string[];
  /** What is different in a development server. */
  devDefaults(setup: DevSetup): Tree;
  /** Commands that show it; none where it is off or not to be reached. */
  tryLines(config: Config, context: TryContext): readonly TryLine[];
}
