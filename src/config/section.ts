import { z } from "zod";

/** What an option's schema says about it besides its type: the one source of names, help and documentation. */
declare module "zod" {
  interface GlobalMeta {
    /** Flat names of this option before v6, complete: "api_key" for `http_api.key`. */
    formerly?: readonly string[];
    /** Other last words of its flat names: "cert" for `tls.cert_pem`, which was `uni_grpc_tls_cert`. */
    formerWord?: string;
    /** On a section: what its members' flat names began with besides the section's path; "" for nothing. */
    formerPrefix?: string;
    /** The value is a secret: never printed, no command-line flag. */
    isSecret?: boolean;
    isDuration?: boolean;
    /**
     * A running server follows it when the configuration is read again; on a section or list, so does everything below.
     * Whoever uses the value reads it from a `Live` then, at the moment of use.
     */
    isReloadable?: boolean;
  }
}

/** The schema of one section of the configuration: every option has a default, so `{}` and absence are valid. */
export type Section<T> = z.ZodType<T>;

/** The schema of each member of a section. */
export type Shape<T> = { readonly [K in keyof T]-?: z.ZodType<T[K]> };

/** Reports a problem at a path below the section. */
export type ReportProblem = (path: readonly (string | number)[], message: string) => void;

/** A rule between options of one section; runs when each option by itself is valid. */
export type SectionCheck<T> = (value: T, report: ReportProblem) => void;

/**
 * Makes the schema of a section.
 *
 * The interface is the contract: a member without schema, or with one of another type, does not compile.
 */
export function section<T>(description: string, shape: Shape<T>, check?: SectionCheck<T>): Section<T> {
  return objectOf(shape, check).prefault({}).describe(description);
}

/** Makes the schema of a section that stands in a list: members without default are required in each entry. */
export function entry<T>(description: string, shape: Shape<T>, check?: SectionCheck<T>): Section<T> {
  return objectOf(shape, check).describe(description);
}

function objectOf<T>(shape: Shape<T>, check: SectionCheck<T> | undefined): z.ZodType<T, object> {
  // zod cannot follow a mapped type over T; Shape<T> itself says that the object's output is T.
  const object = z.object(shape) as unknown as z.ZodType<T, object>;
  if (check === undefined) return object;
  return object.superRefine((value, context) => {
    check(value, (path, message) => context.addIssue({ code: "custom", path: [...path], message }));
  });
}
