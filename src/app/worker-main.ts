import cluster from "node:cluster";
import { Socket } from "node:net";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { outliveReader } from "../lib/lost-reader.ts";
import { runWorker } from "./worker-server.ts";
import { LINK_FD } from "../workers/worker-pool.ts";

// What matters of it comes to us as errors.
if (process.env["GRPC_VERBOSITY"] === undefined) setLogVerbosity(logVerbosity.NONE);

process.title = "millrace worker";
outliveReader(process.stdout);
outliveReader(process.stderr);

// What it cannot be told is for a primary that is gone.
cluster.worker?.on("error", () => process.exit(1));

// Everything else comes over the link.
runWorker(new Socket({ fd: LINK_FD, readable: true, writable: true }));
