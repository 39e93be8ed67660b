import { Re2Pattern } from "../../lib/re2.ts";
import type { TokenConfig } from "../config.ts";
import { JwksEndpoint } from "./endpoint.ts";

/** What is wrong with an option. */
export interface EndpointProblem {
  readonly option: "jwks_public_endpoint" | "issuer_regex" | "audience_regex";
  readonly message: string;
}

type EndpointOptions = Pick<TokenConfig, EndpointProblem["option"]>;

const PATTERNS = ["issuer_regex", "audience_regex"] as const;
/** Classes of characters; and `\Q`, which would hide them. */
const CLASS = /\[|\\[dDwWsSpPQ]/;
const LITERAL = String.raw`(?:[^\\()[\]{}|*+?.^$]|\\[^a-zA-Z0-9])+`;
/** The parenthesis that follows is not escaped itself. */
const UNESCAPED = String.raw`(?<=(?:^|[^\\])(?:\\\\)*)`;

/**
 * Why the endpoint cannot be used at all; undefined where it can, or where there is none.
 *
 * A pattern that does not compile is a problem of its own, not one of the endpoint.
 */
export function findEndpointProblem(options: EndpointOptions): EndpointProblem | undefined {
  if (options.jwks_public_endpoint === "") return undefined;
  const placeholders = tryTo(() => new JwksEndpoint(options.jwks_public_endpoint).placeholders);
  if (placeholders instanceof SyntaxError) {
    return { option: "jwks_public_endpoint", message: placeholders.message };
  }
  const groups = PATTERNS.map((option) => groupsOf(options[option]));
  if (groups.includes(undefined)) return undefined;
  const unknown = placeholders.find((name) => !groups.some((names) => names?.includes(name)));
  if (unknown === undefined) return undefined;
  const message = `{{${unknown}}} is no named group of \`issuer_regex\` or \`audience_regex\``;
  return { option: "jwks_public_endpoint", message };
}

/**
 * Why strangers might choose where keys are fetched from; undefined where they cannot
 * (docs/protocols/channels.md §1.4).
 *
 * Before its signature is verified a token may say anything. With an endpoint that depends on it, the patterns must
 * leave a choice between texts that the configuration spells out: no classes of characters anywhere, and nothing
 * but alternatives of plain text in the groups that the endpoint takes.
 */
export function findEndpointRisk(options: EndpointOptions): EndpointProblem | undefined {
  if (options.jwks_public_endpoint === "" || findEndpointProblem(options) !== undefined) return undefined;
  const { placeholders } = new JwksEndpoint(options.jwks_public_endpoint);
  if (placeholders.length === 0) return undefined;
  for (const option of PATTERNS) {
    const pattern = options[option];
    if (CLASS.test(pattern)) {
      return {
        option,
        message: "cannot have classes of characters where `jwks_public_endpoint` depends on it",
      };
    }
    const groups = groupsOf(pattern) ?? [];
    const open = placeholders.find((name) => groups.includes(name) && !isChoiceOfTexts(name, pattern));
    if (open !== undefined) {
      const message = `the group ${open} must be alternatives of plain text, as \`jwks_public_endpoint\` uses it`;
      return { option, message };
    }
  }
  return undefined;
}

function isChoiceOfTexts(name: string, pattern: string): boolean {
  return new RegExp(String.raw`${UNESCAPED}\(\?P?<${name}>${LITERAL}(?:\|${LITERAL})*\)`).test(pattern);
}

/** Names of the pattern's groups; undefined where it is no pattern. */
function groupsOf(pattern: string): readonly string[] | undefined {
  const groups = tryTo(() => Re2Pattern.compile(pattern).groupNames);
  return groups instanceof SyntaxError ? undefined : groups;
}

function tryTo<T>(read: () => T): T | SyntaxError {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}
