import type { FilterNode } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { LabelFilter, LabelFilterError } from "../../core/label-filter.ts";
import { badRequest } from "../../core/client-error.ts";
import type { SessionTarget } from "../../core/commands.ts";

/** The fields of requests that say which connections are meant. */
interface TargetFields {
  readonly user: string;
  readonly client: string;
  readonly session: string;
  readonly labelFilter?: FilterNode | undefined;
  readonly allUsers: boolean;
}

/**
 * Which connections a request is about.
 * @throws ClientError 107 for a filter that is not valid
 */
export function targetOf({ user, client, session, labelFilter, allUsers }: TargetFields): SessionTarget {
  return { user, client, session, allUsers, labelFilter: readLabelFilter(labelFilter) };
}

/** @throws ClientError 107 for a filter that is not valid */
export function readLabelFilter(node: FilterNode | undefined): LabelFilter | undefined {
  if (node === undefined) return undefined;
  try {
    return new LabelFilter(node);
  } catch (error) {
    if (!(error instanceof LabelFilterError)) throw error;
    throw badRequest("label_filter", error.message);
  }
}
