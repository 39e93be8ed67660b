import type { ViteUserConfig } from "vitest/config";

const END_TO_END = {
  include: ["test/e2e/**/*.test.ts"],
  testTimeout: 30_000,
  hookTimeout: 60_000,
};

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
      { test: { name: "workers", ...END_TO_END, env: { MILLRACE_TEST_WORKERS: "2" } } },
    ],
  },
};

export default config;
