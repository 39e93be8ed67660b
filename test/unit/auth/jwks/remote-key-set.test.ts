import { describe, expect, it } from "vitest";
import { type PublicKeys, readPublicKeys } from "../../../../src/auth/jwks/public-keys.ts";
import { RemoteKeySet } from "../../../../src/auth/jwks/remote-key-set.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { codeOf, refusalOf } from "../tokens.ts";
import { keySetOf, makeKey, type TestKey } from "./key-server.ts";

const HOUR_MS = 3_600_000;
const COOL_DOWN_MS = 5_000;
const A = makeKey("a");
const B = makeKey("b");

/** A key set over downloads that a test answers. */
class Scene {
  readonly clock = new FakeClock();
  downloads = 0;
  /** What a download brings; an Error where it fails. */
  published: readonly TestKey[] | Error;
  /** Milliseconds that a download takes. */
  takesMs = 0;
  readonly set: RemoteKeySet;
  #latest: Promise<PublicKeys> | undefined;

  constructor(published: readonly TestKey[] | Error) {
    this.published = published;
    this.set = new RemoteKeySet(() => (this.#latest = this.#download()), this.clock);
  }

  /** The code that a token with the key id is refused with; 0 when there is a key. */
  ask(keyId: string): Promise<number> {
    return codeOf(this.set.keysFor(keyId, "ES256"));
  }

  /** Lets a download in the background end. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#latest]);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #download(): Promise<PublicKeys> {
    this.downloads++;
    this.clock.advance(this.takesMs);
    if (this.published instanceof Error) throw this.published;
    return readPublicKeys(Buffer.from(keySetOf(...this.published)));
  }
}

describe("a key set", () => {
  it("core 20: is downloaded once for all its keys", async () => {
    const scene = new Scene([A, B]);
    expect(await scene.ask("a")).toBe(0);
    expect(await scene.ask("b")).toBe(0);
    expect(await scene.ask("a")).toBe(0);
    expect(scene.downloads).toBe(1);
  });

  it("is downloaded once for all who wait", async () => {
    const scene = new Scene([A]);
    const codes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => scene.ask(index === 7 ? "x" : "a")),
    );
    expect(codes.filter((code) => code === 0)).toHaveLength(99);
    expect(codes[7]).toBe(3500);
    expect(scene.downloads).toBe(1);
  });

  it("has no keys for another algorithm, and does not look for them", async () => {
    const scene = new Scene([A]);
    expect(await scene.set.keysFor("a", "ES256")).toHaveLength(1);
    expect(await scene.set.keysFor("a", "RS256")).toEqual([]);
    expect(scene.downloads).toBe(1);
  });

  it("ends an hour after its download, however much it is used, and is renewed once a minute at most", async () => {
    const scene = new Scene([A]);
    expect(await scene.ask("a")).toBe(0);
    scene.published = new Error("down");
    for (let second = 0; second < 3_595; second += 5) {
      scene.clock.advance(5_000);
      expect(await scene.ask("a")).toBe(0);
      await scene.settle();
    }
    expect(scene.downloads).toBe(1 + 30);
    scene.clock.advance(5_000);
    expect(await scene.ask("a")).toBe(100);
    expect(scene.set.hasKeys).toBe(false);
  });

  it("is renewed by use in the background, and a withdrawn key ends then", async () => {
    const scene = new Scene([A, B]);
    expect(await scene.ask("a")).toBe(0);
    scene.published = [A];
    scene.clock.advance(HOUR_MS / 2 - 1);
    expect(await scene.ask("b")).toBe(0);
    expect(scene.downloads).toBe(1);
    scene.clock.advance(1);
    expect(await scene.ask("b")).toBe(0);
    await scene.settle();
    expect(scene.downloads).toBe(2);
    expect(await scene.ask("b")).toBe(3500);
    scene.clock.advance(HOUR_MS / 2);
    expect(await scene.ask("a")).toBe(0);
    await scene.settle();
    expect(scene.downloads).toBe(3);
  });

  it("that nobody used for an hour is downloaded again", async () => {
    const scene = new Scene([A]);
    expect(await scene.ask("a")).toBe(0);
    scene.published = [B];
    scene.clock.advance(HOUR_MS);
    expect(await scene.ask("a")).toBe(3500);
    expect(await scene.ask("b")).toBe(0);
    expect(scene.downloads).toBe(2);
  });
});

describe("an unknown id", () => {
  it("is looked for again, so that a new key is found", async () => {
    const scene = new Scene([A]);
    expect(await scene.ask("a")).toBe(0);
    scene.clock.advance(COOL_DOWN_MS);
    scene.published = [A, B];
    expect(await scene.ask("b")).toBe(0);
    expect(await scene.ask("a")).toBe(0);
    expect(scene.downloads).toBe(2);
  });

  it("causes no more downloads than one in a cool-down", async () => {
    const scene = new Scene([A]);
    for (let second = 0; second < 60; second++) {
      for (let index = 0; index < 20; index++) await scene.ask(`${second}-${index}`);
      scene.clock.advance(1_000);
    }
    expect(scene.downloads).toBe(60_000 / COOL_DOWN_MS);
  });

  it("is a temporary failure until the document may be downloaded again", async () => {
    const scene = new Scene([A]);
    expect(await scene.ask("a")).toBe(0);
    scene.published = [A, B];
    const refusal = await refusalOf(scene.set.keysFor("b", "ES256"));
    expect(refusal).toMatchObject({ code: 100, temporary: true });
    scene.clock.advance(COOL_DOWN_MS);
    expect(await scene.ask("b")).toBe(0);
  });

  it("is refused for good where the document has been searched for it", async () => {
    const scene = new Scene([A]);
    expect(await scene.ask("x")).toBe(3500);
    expect(await scene.ask("x")).toBe(3500);
    expect(await scene.ask("y")).toBe(100);
    scene.clock.advance(COOL_DOWN_MS);
    expect(await scene.ask("y")).toBe(3500);
    expect(scene.downloads).toBe(2);
  });

  it("is refused for good where the document had it once", async () => {
    const scene = new Scene([A, B]);
    expect(await scene.ask("b")).toBe(0);
    scene.published = [A];
    scene.clock.advance(COOL_DOWN_MS);
    expect(await scene.ask("x")).toBe(3500);
    expect(await scene.ask("b")).toBe(3500);
    expect(scene.downloads).toBe(2);
  });
});

describe("core 21: an endpoint that is down", () => {
  it("is a temporary failure, and is asked again a second later", async () => {
    const scene = new Scene(new Error("down"));
    scene.takesMs = 2_000;
    const refusal = await refusalOf(scene.set.keysFor("a", "ES256"));
    expect(refusal).toMatchObject({
      code: 100,
      temporary: true,
      cause: { reason: "token_keys_unavailable", message: "down", cause: new Error("down") },
    });
    scene.clock.advance(999);
    expect(await scene.ask("a")).toBe(100);
    expect(scene.downloads).toBe(1);
    scene.published = [A];
    scene.clock.advance(1);
    expect(await scene.ask("a")).toBe(0);
    expect(scene.downloads).toBe(2);
  });

  it("leaves the keys that are known usable, and unknown ones a temporary failure", async () => {
    const scene = new Scene([A]);
    expect(await scene.ask("a")).toBe(0);
    scene.published = new Error("down");
    scene.clock.advance(COOL_DOWN_MS);
    expect(await scene.ask("b")).toBe(100);
    expect(await scene.ask("a")).toBe(0);
    scene.published = [A, B];
    scene.clock.advance(1_000);
    expect(await scene.ask("b")).toBe(0);
  });

  it("does not make a missing id known to be missing", async () => {
    const scene = new Scene([A]);
    expect(await scene.ask("x")).toBe(3500);
    scene.clock.advance(COOL_DOWN_MS);
    scene.published = new Error("down");
    expect(await scene.ask("x")).toBe(100);
  });
});
