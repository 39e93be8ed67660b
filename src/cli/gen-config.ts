import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { formatOf, stringifyTree } from "../config/file-format.ts";
import type { CliIo } from "./cli-io.ts";
import {
  addConfigOption,
  asCommandFailure,
  type ConfigOption,
  DEFAULT_CONFIG_FILE,
} from "./config-option.ts";
import { writeNewFile } from "./files.ts";

const EXAMPLES = `
Writes a token secret and an API key that nobody else has, and switches on the transports of the HTTP port. Never
overwrites a file.

Examples:
  millrace genconfig
  millrace genconfig -c millrace.yaml
`;

/** `genconfig`: a config file to begin with. */
export function addGenConfigCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("genconfig"))
    .description("write a config file with fresh secrets")
    .addHelpText("after", EXAMPLES)
    .action(({ config: file = DEFAULT_CONFIG_FILE }: ConfigOption) => {
      const format = asCommandFailure("", () => formatOf(file));
      const tree = {
        client: { token: { hmac_secret_key: createSecret() }, allowed_origins: [] },
        http_api: { key: createSecret() },
        uni_websocket: { enabled: true },
        uni_sse: { enabled: true },
        uni_http_stream: { enabled: true },
      };
      writeNewFile(io.cwd, file, stringifyTree(tree, format), `output config file already exists: ${file}`);
    });
}

function createSecret(): string {
  return randomBytes(64).toString("base64url");
}
