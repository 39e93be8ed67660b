import type { ViteUserConfig } from "vitest/config";

/**
 * No test fails for slowness, on a machine that is busy with something else. What hangs is found by the limit of each
 * wait (test/support/signal.ts), which is shorter and names what it waited for.
 */
const TIMEOUTS = { testTimeout: 180_000, hookTimeout: 180_000 };

const END_TO_END = { include: ["test/e2e/**/*.test.ts"], ...TIMEOUTS };

const WORKERS = { MILLRACE_TEST_WORKERS: "2" };

const config: ViteUserConfig = {
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/contract/**/*.test.ts", "test/*.test.ts"],
          ...TIMEOUTS,
        },
      },
      { test: { name: "e2e", ...END_TO_END } },
      // The same, of servers that are several processes.
      { test: { name: "workers", ...END_TO_END, env: WORKERS } },
    ],
  },
};

export default config;
