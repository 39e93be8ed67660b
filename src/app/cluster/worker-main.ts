import { Socket } from "node:net";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { runWorker } from "./worker.ts";
import { LINK_FD } from "./worker-pool.ts";

// What matters of it comes to us as errors.
if (process.env["GRPC_VERBOSITY"] === undefined) setLogVerbosity(logVerbosity.NONE);

// Everything else comes over the link.
runWorker(new Socket({ fd: LINK_FD, readable: true, writable: true }));
