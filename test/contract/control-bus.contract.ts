import { describe, expect, it, vi } from "vitest";
import type { ControlBus } from "../../src/core/control-bus.ts";

/** One node on a bus. */
export interface BusNode {
  readonly uid: string;
  readonly bus: ControlBus;
}

/** Makes buses that are not started of so many nodes, for one test. */
export type CreateBuses = (count: number) => Promise<readonly BusNode[]>;

/** A node with all that it has heard. */
interface Listener extends BusNode {
  readonly heard: readonly string[];
}

/** What every control bus promises; see the port in core/control-bus.ts. */
export function describeControlBusContract(name: string, create: CreateBuses): void {
  describe(`control bus contract: ${name}`, () => {
    it("brings bytes to one node", async () => {
      const [one, two, three] = await listen(create, 3);
      await say(one, { node: two?.uid ?? "" }, "hello");
      await vi.waitFor(() => expect(two?.heard).toEqual(["hello"]));
      await say(two, { node: one?.uid ?? "" }, "and back");
      await vi.waitFor(() => expect(one?.heard).toEqual(["and back"]));
      expect(three?.heard).toEqual([]);
    });

    it("brings bytes to all", async () => {
      const [one, two, three] = await listen(create, 3);
      await say(one, "all", "hello");
      await vi.waitFor(() => expect([two?.heard, three?.heard]).toEqual([["hello"], ["hello"]]));
    });

    it("keeps what is sent to one address in order", async () => {
      const [one, two] = await listen(create, 2);
      const texts = Array.from({ length: 100 }, (_, at) => `${at}`);
      await Promise.all(texts.map((text) => say(one, { node: two?.uid ?? "" }, text)));
      await vi.waitFor(() => expect(two?.heard).toEqual(texts));
    });

    it("brings any bytes, of any size", async () => {
      const [one, two] = await create(2);
      const heard: Uint8Array[] = [];
      await one?.bus.start(() => undefined);
      await two?.bus.start((bytes) => heard.push(Uint8Array.from(bytes)));
      const messages = [0, 1, 255, 65_536, 1_000_000].map((size) => new Uint8Array(size).map((_, at) => at));
      for (const message of messages) await one?.bus.send({ node: two?.uid ?? "" }, message);
      await vi.waitFor(() =>
        expect(heard.map(({ length }) => length)).toEqual([0, 1, 255, 65_536, 1_000_000]),
      );
      expect(heard.every((bytes, at) => Buffer.compare(bytes, messages[at] ?? new Uint8Array()) === 0)).toBe(
        true,
      );
    });

    it("a node that is not there gets nothing, and nobody is told", async () => {
      const [one, two] = await listen(create, 2);
      await say(one, { node: "00000000-0000-4000-8000-000000000000" }, "anybody?");
      await two?.bus.close();
      await two?.bus.close();
      await say(one, "all", "anybody?");
      expect(two?.heard).toEqual([]);
    });
  });
}

async function say(
  { bus }: BusNode = MISSING,
  to: { readonly node: string } | "all",
  text: string,
): Promise<void> {
  await bus.send(to, Buffer.from(text));
}

const MISSING: BusNode = {
  uid: "",
  get bus(): ControlBus {
    throw new Error("there is no such node");
  },
};

async function listen(create: CreateBuses, count: number): Promise<readonly Listener[]> {
  const nodes = await create(count);
  return Promise.all(
    nodes.map(async ({ uid, bus }) => {
      const heard: string[] = [];
      await bus.start((bytes) => heard.push(Buffer.from(bytes).toString()));
      return { uid, bus, heard };
    }),
  );
}
