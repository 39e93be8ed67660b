import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type HttpApp, sendEmpty, type UpgradeDecider } from "../http/http-app.ts";

/** An HTTP server as Node itself uses it. */
type EmittingServer = Server & UpgradeDecider & { emit: Emit };
type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/**
 * Our paths on an HTTP server of the host process, in front of what it serves itself.
 *
 * Our requests are taken where Node emits them: no listener of the host sees them, whenever it was or will be added,
 * and we see no others but those that it does not listen to. Disposing gives the host everything back.
 */
export class AttachedHttp implements Disposable {
  readonly #app: HttpApp;
  readonly #server: EmittingServer;
  readonly #before: PropertyDescriptor | undefined;
  readonly #emitBefore: Emit;
  readonly #decideBefore: UpgradeDecider["shouldUpgradeCallback"];
  /** Whoever has put something around ours calls it still, when this is over. */
  #isOver = false;

  constructor(app: HttpApp, server: Server) {
    this.#app = app;
    this.#server = server as EmittingServer;
    this.#before = Object.getOwnPropertyDescriptor(server, "emit");
    this.#emitBefore = this.#server.emit;
    this.#decideBefore = this.#server.shouldUpgradeCallback;
    Object.defineProperty(server, "emit", { value: this.#emit, configurable: true, writable: true });
    this.#server.shouldUpgradeCallback = this.#decide;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    const server = this.#server;
    server.off("upgrade", listenToUpgrades);
    if (server.emit === this.#emit) {
      if (this.#before === undefined) Reflect.deleteProperty(server, "emit");
      else Object.defineProperty(server, "emit", this.#before);
    }
    if (server.shouldUpgradeCallback === this.#decide) {
      if (this.#decideBefore === undefined) delete server.shouldUpgradeCallback;
      else server.shouldUpgradeCallback = this.#decideBefore;
    }
  }

  readonly #emit: Emit = (event, ...args) =>
    (!this.#isOver && this.#serve(event, args)) ||
    this.#emitBefore.call(this.#server, event, ...args) ||
    (!this.#isOver && event === "request" && this.#answerUnheard(args));

  /** Answers 404 to a request that nobody has listened to, which Node would leave without any answer. */
  #answerUnheard(args: readonly unknown[]): boolean {
    const [request, response] = args as [IncomingMessage, ServerResponse];
    this.#app.handle(request, response);
    return true;
  }

  /** Serves what Node emits for a request, if it is ours. */
  #serve(event: string | symbol, args: readonly unknown[]): boolean {
    if (event === "upgrade") {
      // Node's types do not carry an event's arguments; these are those of `Server.on`.
      const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
      if (!this.#app.takesUpgrade(request)) return false;
      this.#app.upgrade(request, socket, head);
      return true;
    }
    if (event !== "request" && event !== "checkContinue" && event !== "checkExpectation") return false;
    const [request, response] = args as [IncomingMessage, ServerResponse];
    if (!this.#app.serves(request)) return false;
    // As Node does where nobody listens to these.
    if (event === "checkContinue") response.writeContinue();
    if (event === "checkExpectation") sendEmpty(response, 417);
    else this.#app.handle(request, response);
    return true;
  }

  /**
   * Has Node hand us the upgrades that are ours, and treat the others as it did before: a server without listeners
   * for upgrades answers them like any request.
   */
  readonly #decide = (request: IncomingMessage): boolean => {
    const server = this.#server;
    const listeners = server.listeners("upgrade");
    if (!this.#isOver && this.#app.takesUpgrade(request)) {
      if (!listeners.includes(listenToUpgrades)) server.on("upgrade", listenToUpgrades);
      return true;
    }
    const hostListens = listeners.some((listener) => listener !== listenToUpgrades);
    const isOurs = !this.#isOver && this.#app.serves(request);
    return !isOurs && hostListens && this.#decideBefore?.call(server, request) !== false;
  };
}

/** Node emits upgrades only where somebody listens to them. */
function listenToUpgrades(): void {}
