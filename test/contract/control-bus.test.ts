import { MemoryBusHub } from "../support/memory-bus.ts";
import { describeControlBusContract } from "./control-bus.contract.ts";

describeControlBusContract("in memory", async (count) => {
  const hub = new MemoryBusHub();
  return Array.from({ length: count }, (_, at) => ({ uid: `node ${at}`, bus: hub.busOf(`node ${at}`) }));
});
