/** One thing wrong with a configuration. */
export interface ConfigProblem {
  /** Path of the offending key, such as `channel.namespaces[0].name`; "" for the configuration as a whole. */
  readonly path: string;
  readonly message: string;
  /** Where the value came from, such as "config.json:12"; undefined for values given in code. */
  readonly where?: string | undefined;
}

/** A configuration that cannot be used. Lists all its problems, one per line of the message. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join("\n"), options);
    this.problems = problems;
  }
}

function formatProblem(problem: ConfigProblem): string {
  const subject = problem.path === "" ? problem.message : `${problem.path}: ${problem.message}`;
  return problem.where === undefined ? subject : `${subject} (${problem.where})`;
}

/** Writes a path the way errors and documentation show it: `channel.namespaces[0].name`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? String(step) : `.${String(step)}`;
  }
  return text;
}
