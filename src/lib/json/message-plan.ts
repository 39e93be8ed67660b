import { create, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** How one value is read and written. */
export type ValuePlan =
  | { readonly type: "string" | "raw" | "bool" | "float" }
  | { readonly type: "int" | "bigint"; readonly min: bigint; readonly max: bigint }
  | { readonly type: "message"; readonly desc: DescMessage };

/** How a field is read and written, and which property of the generated type holds it. */
export interface FieldPlan {
  readonly name: string;
  /** `Message.field`. */
  readonly fullName: string;
  readonly property: string;
  readonly shape: "single" | "list" | "map";
  readonly value: ValuePlan;
  /** What null makes of the field; undefined where null leaves it as it is. */
  readonly unset: (() => unknown) | undefined;
}

/** A descriptor, digested. */
export interface MessagePlan {
  /** By name, in the order of the schema. */
  readonly fields: ReadonlyMap<string, FieldPlan>;
  readonly fieldsByLowerCase: ReadonlyMap<string, FieldPlan>;
}

const plans = new WeakMap<DescMessage, MessagePlan>();

/** The plan of a message type, made on first use. */
export function messagePlan(desc: DescMessage): MessagePlan {
  let plan = plans.get(desc);
  if (plan === undefined) {
    plan = makePlan(desc);
    plans.set(desc, plan);
  }
  return plan;
}

/** What a value is when nothing was said about it. */
export function zeroValue(plan: ValuePlan): unknown {
  switch (plan.type) {
    case "string":
      return "";
    case "raw":
      return new Uint8Array(0);
    case "bool":
      return false;
    case "float":
    case "int":
      return 0;
    case "bigint":
      return 0n;
    case "message":
      return create(plan.desc);
  }
}

function makePlan(desc: DescMessage): MessagePlan {
  const fields = new Map<string, FieldPlan>();
  const fieldsByLowerCase = new Map<string, FieldPlan>();
  for (const field of desc.fields) {
    const plan = makeFieldPlan(field);
    fields.set(plan.name, plan);
    const lower = plan.name.toLowerCase();
    if (!fieldsByLowerCase.has(lower)) fieldsByLowerCase.set(lower, plan);
  }
  return { fields, fieldsByLowerCase };
}

function makeFieldPlan(field: DescField): FieldPlan {
  if (field.oneof !== undefined) throw unsupported(field);
  const { name, parent, localName: property } = field;
  const { shape, value } = valueOf(field);
  return { name, fullName: `${parent.name}.${name}`, property, shape, value, unset: unsetter(shape, value) };
}

function unsetter(shape: FieldPlan["shape"], value: ValuePlan): FieldPlan["unset"] {
  switch (shape) {
    case "single":
      return value.type === "message" ? () => undefined : undefined;
    case "list":
      return () => [];
    case "map":
      return () => ({});
  }
}

function valueOf(field: DescField): Pick<FieldPlan, "shape" | "value"> {
  switch (field.fieldKind) {
    case "scalar":
      return { shape: "single", value: scalarPlan(field.scalar) };
    case "message":
      return { shape: "single", value: { type: "message", desc: field.message } };
    case "list":
      if (field.listKind === "enum") throw unsupported(field);
      return {
        shape: "list",
        value:
          field.listKind === "message" ? { type: "message", desc: field.message } : scalarPlan(field.scalar),
      };
    case "map":
      if (field.mapKind === "enum" || field.mapKey !== ScalarType.STRING) throw unsupported(field);
      return {
        shape: "map",
        value:
          field.mapKind === "message" ? { type: "message", desc: field.message } : scalarPlan(field.scalar),
      };
    case "enum":
      throw unsupported(field);
  }
}

function scalarPlan(scalar: ScalarType): ValuePlan {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "raw" };
    case ScalarType.BOOL:
      return { type: "bool" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "float" };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "int", min: -(2n ** 31n), max: 2n ** 31n - 1n };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "int", min: 0n, max: 2n ** 32n - 1n };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { type: "bigint", min: -(2n ** 63n), max: 2n ** 63n - 1n };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: "bigint", min: 0n, max: 2n ** 64n - 1n };
  }
}

/** Centrifugo's JSON has no such fields, so what they would look like is nobody's to say. */
function unsupported(field: DescField): Error {
  return new Error(`no JSON form is defined for ${field.parent.typeName}.${field.name}`);
}
