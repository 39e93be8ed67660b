import type { Config } from "../app/config.ts";
import type { ServerAddresses, ServerOptions } from "../app/server.ts";
import type { Environment } from "../config/env-layer.ts";
import type { Clock } from "../core/clock.ts";
import type { TextOutput } from "../telemetry/logger.ts";

/** A server as the command line needs it. */
export interface ServerHandle {
  start(): Promise<ServerAddresses>;
  /** Tells and closes every connection; resolves to whether none had to be cut for want of time. */
  stop(): Promise<boolean>;
  /** Follows a new configuration; resolves to the paths of the changes that need a restart. */
  reload(config: Config): Promise<readonly string[]>;
}

/** Signals that the server listens to: two that end it, one that has it read its configuration again. */
export type ServerSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Everything outside that commands touch, so that tests can run them in their own process. */
export interface CliIo {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Environment;
  /** Directory that relative file names start from. */
  readonly cwd: string;
  readonly clock: Clock;
  readonly createServer: (options: ServerOptions) => ServerHandle;
  /** Calls `handler` at each such signal until disposed. */
  onSignal(signal: ServerSignal, handler: () => void): Disposable;
  /** Whether the process was started in a terminal that is there no more. */
  isTerminalGone(): boolean;
  /** Ends the process at once. */
  exit(status: number): void;
}

/** A command cannot do what it was asked; the message is all the user gets to see. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}
