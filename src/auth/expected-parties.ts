import { Re2Pattern } from "../lib/re2.ts";
import type { RegisteredClaims } from "./claims.ts";
import { invalidToken } from "./token-refusal.ts";
import { TokenOptionError, type TokenConfig } from "./config.ts";

/**
 * A longer issuer or audience matches no pattern. Strangers choose these texts, and an operator's large pattern
 * can take milliseconds for each thousand characters.
 */
const TEXT_MAX_LENGTH = 2048;

/** What the named groups of the patterns for issuer and audience matched. */
export type Captures = ReadonlyMap<string, string>;

/** Whose tokens are taken, and meant for whom: the options on `iss` and `aud`. */
export class ExpectedParties {
  readonly #audience: string;
  readonly #issuer: string;
  readonly #audiencePattern: Re2Pattern | undefined;
  readonly #issuerPattern: Re2Pattern | undefined;

  /** Throws TokenOptionError for a bad pattern, and where an exact value and a pattern exclude each other. */
  constructor(options: TokenConfig, section: string) {
    this.#audience = options.audience;
    this.#issuer = options.issuer;
    this.#audiencePattern = compileOption(options, section, "audience_regex", "audience");
    this.#issuerPattern = compileOption(options, section, "issuer_regex", "issuer");
  }

  /** Matches the patterns; throws Disconnect 3500 where one does not match. */
  matchPatterns({ issuer, audience }: RegisteredClaims): Captures {
    const captures = new Map<string, string>();
    if (this.#issuerPattern !== undefined) {
      capture(this.#issuerPattern, [issuer], "issuer", captures);
    }
    if (this.#audiencePattern !== undefined) {
      capture(this.#audiencePattern, audience, "audience", captures);
    }
    return captures;
  }

  /** Compares the exact values; throws Disconnect 3500 where one differs. */
  checkExact({ issuer, audience }: RegisteredClaims): void {
    if (this.#audience !== "" && !audience.includes(this.#audience)) {
      throw invalidToken("token_wrong_audience", "audience differs");
    }
    if (this.#issuer !== "" && issuer !== this.#issuer) {
      throw invalidToken("token_wrong_issuer", "issuer differs");
    }
  }
}

/** The first text that matches decides. */
function capture(
  pattern: Re2Pattern,
  texts: readonly string[],
  what: "issuer" | "audience",
  captures: Map<string, string>,
): void {
  for (const text of texts) {
    const groups = text.length > TEXT_MAX_LENGTH ? undefined : pattern.groupsOf(text);
    if (groups === undefined) continue;
    for (const [name, value] of groups) captures.set(name, value);
    return;
  }
  throw invalidToken(`token_wrong_${what}`, `${what} does not match`);
}

function compileOption(
  options: TokenConfig,
  section: string,
  option: "audience_regex" | "issuer_regex",
  exact: "audience" | "issuer",
): Re2Pattern | undefined {
  const pattern = options[option];
  if (pattern === "") return undefined;
  if (options[exact] !== "")
    throw new TokenOptionError(section, option, `cannot be set together with ${exact}`);
  try {
    return Re2Pattern.compile(pattern);
  } catch (cause) {
    throw new TokenOptionError(section, option, cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}
