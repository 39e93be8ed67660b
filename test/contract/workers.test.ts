import { LocalQuotas } from "../../src/core/quotas.ts";
import type { Broker } from "../../src/core/broker.ts";
import { NodeRouter } from "../../src/workers/node-router.ts";
import { PrimaryController } from "../../src/workers/primary-controller.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { unixSockets } from "../support/socket-pair.ts";
import { inMemory, WorkerCluster } from "../support/worker-cluster.ts";
import { describeBrokerContract } from "./broker.contract.ts";
import { describeControllerContract } from "./controller.contract.ts";
import { describePresenceManagerContract } from "./presence-manager.contract.ts";
import { describeQuotasContract } from "./quotas.contract.ts";

describeBrokerContract("the primary's seat", async () => {
  const { broker, clock } = await WorkerCluster.start();
  return {
    broker: broker.join(),
    advance: async (ms) => clock.advance(ms),
    settle: async () => undefined,
  };
});

describeBrokerContract("a worker", async () => {
  const cluster = await WorkerCluster.start();
  const { ports, settle } = await cluster.join();
  return { broker: ports.broker, advance: async (ms) => cluster.clock.advance(ms), settle };
});

describeBrokerContract("a worker, published to by another over sockets", async () => {
  const cluster = await WorkerCluster.start(unixSockets);
  const [listener, publisher] = [await cluster.join(), await cluster.join()];
  const [here, there] = [listener.ports.broker, publisher.ports.broker];
  const broker: Broker = {
    start: (to) => here.start(to),
    subscribe: (channel) => here.subscribe(channel),
    unsubscribe: (channel) => here.unsubscribe(channel),
    publish: (...args) => there.publish(...args),
    publishNotice: (...args) => there.publishNotice(...args),
    history: (...args) => there.history(...args),
    removeHistory: (channel) => there.removeHistory(channel),
    close: async () => {
      await Promise.all([here.close(), there.close()]);
      await Promise.all([listener.kill(), publisher.kill()]);
    },
  };
  return { broker, advance: async (ms) => cluster.clock.advance(ms), settle: listener.settle };
});

describePresenceManagerContract("a worker", async () => {
  const cluster = await WorkerCluster.start();
  return (await cluster.join()).ports.presence;
});

describeQuotasContract("one process", async () => {
  const quotas = new LocalQuotas();
  return [quotas, quotas];
});

describeQuotasContract("two workers", async () => {
  const cluster = await WorkerCluster.start();
  return [(await cluster.join()).ports.quotas, (await cluster.join()).ports.quotas];
});

describeControllerContract("nodes of one process", async (count) => {
  const router = new NodeRouter("inTurns", silentLogger);
  return Array.from({ length: count }, (_, at) => {
    const controller = new PrimaryController(`node ${at}`, router);
    return { uid: `node ${at}`, controller, leave: () => controller.close() };
  });
});

describeControllerContract("workers", async (count) => {
  const cluster = await WorkerCluster.start(inMemory);
  const workers = await Promise.all(Array.from({ length: count }, () => cluster.join()));
  return workers.map(({ uid, ports, kill }) => ({ uid, controller: ports.controller, leave: kill }));
});
