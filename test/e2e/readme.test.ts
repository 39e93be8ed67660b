import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { CHROMIUM_ARGS, findChromium } from "../support/chromium.ts";
import { NODE, ROOT, runCommand } from "../support/command.ts";
import { OPEN, runServer } from "../support/running-server.ts";
import { Workplace } from "../support/server-process.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");
const SECRET = "a-secret-that-is-long-enough-for-HS256";
const KEY = "api-key";

/** The one code block of a language below a heading. */
function blockOf(heading: string, language: string): string {
  const part = README.split(/^##+ /mu).find((section) => section.startsWith(`${heading}\n`)) ?? "";
  const [, code] = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "msu").exec(part) ?? [];
  if (code === undefined) throw new Error(`the README has no ${language} below ${heading}`);
  return code;
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** What runs the code of a language, where it is there, and the code with a line that prints the token. */
const TOKEN_MAKERS = [
  {
    language: "js",
    command: [NODE, "--eval"],
    isThere: true,
    wrap: (code: string) => `${code}\nconsole.log(token);`,
  },
  {
    language: "python",
    command: ["python3", "-c"],
    isThere: runs("python3", "-c", "import jwt"),
    wrap: (code: string) => `${code}\nprint(token)`,
  },
  {
    language: "php",
    command: ["php", "-r"],
    isThere: runs("php", "-v"),
    wrap: (code: string) => `${code.replace("<?php", "")}\necho $token;`,
  },
] as const;

describe("README", () => {
  for (const { language, command, isThere, wrap } of TOKEN_MAKERS) {
    it.skipIf(!isThere)(`the token made in ${language} is accepted`, async () => {
      const code = wrap(blockOf("Where a token comes from", language));
      const made = await runCommand(command[0], [command[1], code], { env: { TOKEN_SECRET: SECRET } });
      using workplace = new Workplace();
      const env = { MILLRACE_CLIENT_TOKEN_HMAC_SECRET_KEY: SECRET };
      const { stdout, stderr } = await workplace.millrace(["checktoken", made.stdout.trim()], env);
      expect([made.stderr, stderr]).toEqual(["", ""]);
      expect(stdout).toMatch(/^valid token for user 42\n/u);
    });
  }

  it.skipIf(findChromium() === undefined)("the page hears what curl publishes", async () => {
    await using server = await runServer({
      ...OPEN,
      client: { ...OPEN.client, token: { hmac_secret_key: SECRET }, allowed_origins: ["*"] },
      http_api: { key: KEY },
    });
    const fill = (text: string): string =>
      text
        .replace("http://localhost:8000", server.origin)
        .replace("<JWT>", hmacToken({ sub: "42" }, SECRET))
        .replace("<KEY>", KEY);
    const browser = await chromium.launch({ executablePath: findChromium() ?? "", args: [...CHROMIUM_ARGS] });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const said = page.waitForEvent("console");
    await page.setContent(fill(blockOf("Listen from a page", "html")));
    await server.untilSessions(1);
    const { stdout } = await runCommand("bash", ["-c", fill(blockOf("Publish", "sh"))]);
    expect(JSON.parse(stdout)).toEqual({ result: {} });
    expect((await said).text()).toContain("news");
    expect(await (await said).args()[1]?.jsonValue()).toEqual({ text: "hello" });
  });
});
