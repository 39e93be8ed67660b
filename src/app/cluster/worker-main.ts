import { Socket } from "node:net";
import { runWorker } from "./worker.ts";
import { LINK_FD } from "./worker-pool.ts";

/** Entry of a worker process: everything else comes over the link. */
runWorker(new Socket({ fd: LINK_FD, readable: true, writable: true }));
