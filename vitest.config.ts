import type { ViteUserConfig } from "vitest/config";

const END_TO_END = {
  include: ["test/e2e/**/*.test.ts"],
  testTimeout: 30_000,
  hookTimeout: 60_000,
};

/** All servers of a process share the policy of the first one; this is the one that limits of connections need. */
const WORKERS = { MILLRACE_TEST_WORKERS: "2", NODE_CLUSTER_SCHED_POLICY: "rr" };

const config: ViteUserConfig = {
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/contract/**/*.test.ts", "test/*.test.ts"],
        },
      },
      { test: { name: "e2e", ...END_TO_END } },
      // The same, of servers that are several processes.
      { test: { name: "workers", ...END_TO_END, env: WORKERS } },
    ],
  },
};

export default config;
