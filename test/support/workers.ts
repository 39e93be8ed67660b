/** How many workers the servers of end-to-end tests have; one is the process alone. */
export const WORKERS: string = process.env["MILLRACE_TEST_WORKERS"] ?? "1";

/** Whether servers are several processes, so that tests cannot look into them. */
export const HAS_WORKERS: boolean = WORKERS !== "1";
