import type { ReportProblem } from "../config/section.ts";
import { namespaceOf } from "../protocols/pusher/config.ts";
import type { Config } from "./config.ts";
import { listHttpEndpoints } from "./edges.ts";

/** What the Pusher protocol needs of the rest of the configuration. */
export function checkPusher(config: Config, report: ReportProblem): void {
  if (!config.pusher.enabled) return;
  checkChannelNames(config, report);
  checkPaths(config, report);
}

/** The way that Pusher's names become channels relies on these characters: none of them but `,` is in such a name. */
function checkChannelNames({ channel, pusher }: Config, report: ReportProblem): void {
  if (channel.namespace_boundary !== ":")
    report(["channel", "namespace_boundary"], 'must be ":" for `pusher`');
  if (channel.user_boundary !== "#") report(["channel", "user_boundary"], 'must be "#" for `pusher`');
  if (!["", ","].includes(channel.user_separator)) {
    report(["channel", "user_separator"], 'must be "," or empty for `pusher`');
  }
  for (const [index, app] of pusher.apps.entries()) {
    const isPrivate = channel.private_prefix !== "" && namespaceOf(app).startsWith(channel.private_prefix);
    if (isPrivate) report(["pusher", "apps", index, "namespace"], "begins with `channel.private_prefix`");
  }
}

/** No other path may be one of Pusher's. */
function checkPaths(config: Config, report: ReportProblem): void {
  const { path_prefix: prefix } = config.pusher;
  const own = [`${prefix}/app`, `${prefix}/apps`];
  const healthCheck = `${prefix}/up`;
  for (const { section, path } of listHttpEndpoints(config)) {
    if (section === "pusher") continue;
    const taken =
      // A health check of the server's own takes the place of this one.
      path === healthCheck && section !== "health"
        ? healthCheck
        : own.find((root) => path === root || path.startsWith(`${root}/`));
    if (taken !== undefined) report([section, "handler_prefix"], `\`${taken}\` belongs to \`pusher\``);
  }
}
