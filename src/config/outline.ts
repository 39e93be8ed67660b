import { z } from "zod";

/** What kind of value an option takes; decides how text from the environment or a flag is read. */
export type ValueKind = "boolean" | "integer" | "text" | "texts" | "mapping" | "choice" | "duration";

interface Described {
  readonly description: string;
  readonly formerly: readonly string[];
  /** A running server follows it; true of everything below a section or list that is marked. */
  readonly isReloadable: boolean;
}

/** One option. */
export interface ValueOutline extends Described {
  readonly type: "value";
  readonly kind: ValueKind;
  /** As one would write it in a file; undefined for options that an entry must have. */
  readonly default: unknown;
  /** Admitted values of a choice. */
  readonly choices: readonly string[];
  readonly isSecret: boolean;
  readonly formerWord: string | undefined;
}

/** A group of options. */
export interface SectionOutline extends Described {
  readonly type: "section";
  readonly members: ReadonlyMap<string, Outline>;
  readonly formerPrefix: string | undefined;
}

/** A list of groups of options, such as `channel.namespaces`. */
export interface ListOutline extends Described {
  readonly type: "list";
  readonly entry: SectionOutline;
}

/** A schema as plain data: what loading, documentation and `defaultconfig` work on. */
export type Outline = ValueOutline | SectionOutline | ListOutline;

/** Reads the outline of the whole configuration off its schema. */
export function outlineOf(schema: z.ZodType): SectionOutline {
  const outline = read(schema, false);
  if (outline.type !== "section") throw new TypeError("a configuration schema must be an object");
  return outline;
}

/** What a path such as `http_server.port` leads to, if anything. */
export function findOption(root: SectionOutline, path: string): Outline | undefined {
  let outline: Outline | undefined = root;
  for (const key of path.split(".")) {
    outline = outline?.type === "section" ? outline.members.get(key) : undefined;
  }
  return outline;
}

function read(schema: z.ZodType, isInReloadable: boolean): Outline {
  const meta = schema.meta() ?? {};
  const { inner, defaultValue } = unwrap(schema);
  const isReloadable = isInReloadable || meta.isReloadable === true;
  const described = { description: meta.description ?? "", formerly: meta.formerly ?? [], isReloadable };
  if (inner instanceof z.ZodObject) {
    return {
      type: "section",
      ...described,
      members: readMembers(inner, isReloadable),
      formerPrefix: meta.formerPrefix,
    };
  }
  if (inner instanceof z.ZodArray && inner.element instanceof z.ZodObject) {
    const entry = read(inner.element, isReloadable);
    if (entry.type !== "section") throw new TypeError("an entry of a list must be an object");
    return { type: "list", ...described, entry };
  }
  return {
    type: "value",
    ...described,
    kind: meta.isDuration === true ? "duration" : kindOf(inner),
    default: defaultValue,
    choices: inner instanceof z.ZodEnum ? inner.options.map(String) : [],
    isSecret: meta.isSecret ?? false,
    formerWord: meta.formerWord,
  };
}

function readMembers(object: z.ZodObject, isReloadable: boolean): ReadonlyMap<string, Outline> {
  const members = new Map<string, Outline>();
  for (const [key, member] of Object.entries(object.shape)) {
    if (!(member instanceof z.ZodType)) throw new TypeError(`option ${key} has no schema`);
    members.set(key, read(member, isReloadable));
  }
  return members;
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; defaultValue: unknown } {
  if (!(schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)) {
    return { inner: schema, defaultValue: undefined };
  }
  const inner = schema.unwrap();
  if (!(inner instanceof z.ZodType)) throw new TypeError("a default wraps no schema");
  return { inner, defaultValue: schema.def.defaultValue };
}

function kindOf(schema: z.ZodType): ValueKind {
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodNumber) return "integer";
  if (schema instanceof z.ZodString || schema instanceof z.ZodURL) return "text";
  if (schema instanceof z.ZodEnum) return "choice";
  if (schema instanceof z.ZodArray) return "texts";
  if (schema instanceof z.ZodRecord) return "mapping";
  throw new TypeError(`no configuration option can be a ${schema.def.type}`);
}
