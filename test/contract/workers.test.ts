import type { Broker } from "../../src/core/broker.ts";
import { BusHub } from "../../src/workers/bus-hub.ts";
import { unixSockets } from "../support/socket-pair.ts";
import { WorkerCluster } from "../support/worker-cluster.ts";
import { describeBrokerContract } from "./broker.contract.ts";
import { describeControlBusContract } from "./control-bus.contract.ts";
import { describePresenceManagerContract } from "./presence-manager.contract.ts";
import { describeSharedLimitsContract } from "./shared-limits.contract.ts";

describeBrokerContract("the primary's own node", async () => {
  const { broker, clock, log } = await WorkerCluster.start();
  return {
    broker: broker.join(),
    takeEvents: () => log.take(),
    advance: async (ms) => clock.advance(ms),
    settle: async () => undefined,
  };
});

describeBrokerContract("a worker", async () => {
  const cluster = await WorkerCluster.start();
  const { ports, settle } = await cluster.join();
  return {
    broker: ports.broker,
    takeEvents: () => cluster.log.take(),
    advance: async (ms) => cluster.clock.advance(ms),
    settle,
  };
});

describeBrokerContract("a worker, published to by another over sockets", async () => {
  const cluster = await WorkerCluster.start(unixSockets);
  const [listener, publisher] = [await cluster.join(), await cluster.join()];
  const [here, there] = [listener.ports.broker, publisher.ports.broker];
  const broker: Broker = {
    isReliable: here.isReliable,
    start: (to) => here.start(to),
    subscribe: (channels) => here.subscribe(channels),
    unsubscribe: (channels) => here.unsubscribe(channels),
    publish: (...args) => there.publish(...args),
    publishNotice: (...args) => there.publishNotice(...args),
    history: (...args) => there.history(...args),
    removeHistory: (channel) => there.removeHistory(channel),
    close: async () => {
      await Promise.all([here.close(), there.close()]);
      await Promise.all([listener.kill(), publisher.kill()]);
    },
  };
  return {
    broker,
    takeEvents: () => cluster.log.take(),
    advance: async (ms) => cluster.clock.advance(ms),
    settle: listener.settle,
  };
});

describePresenceManagerContract("a worker", async () => {
  const cluster = await WorkerCluster.start();
  const { presence } = (await cluster.join()).ports;
  return { presence, takeEvents: () => cluster.log.take() };
});

describeSharedLimitsContract("two workers", async () => {
  const cluster = await WorkerCluster.start();
  return [(await cluster.join()).ports.limits, (await cluster.join()).ports.limits];
});

describeSharedLimitsContract("two workers over sockets", async () => {
  const cluster = await WorkerCluster.start(unixSockets);
  return [(await cluster.join()).ports.limits, (await cluster.join()).ports.limits];
});

describeControlBusContract("nodes of one process", async (count) => {
  const hub = new BusHub();
  return Array.from({ length: count }, (_, at) => ({ uid: `node ${at}`, bus: hub.busOf(`node ${at}`) }));
});

describeControlBusContract("workers", async (count) => {
  const cluster = await WorkerCluster.start();
  const workers = await Promise.all(Array.from({ length: count }, () => cluster.join()));
  return workers.map(({ uid, ports }) => ({ uid, bus: ports.bus }));
});

describeControlBusContract("workers over sockets", async (count) => {
  const cluster = await WorkerCluster.start(unixSockets);
  const workers = await Promise.all(Array.from({ length: count }, () => cluster.join()));
  return workers.map(({ uid, ports }) => ({ uid, bus: ports.bus }));
});
