import { create, type Message } from "@bufbuild/protobuf";
import {
  type BatchResponse,
  BatchResponseSchema,
  type Command,
  CommandSchema,
  type Reply,
  ReplySchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { badRequest, type ClientError, clientError } from "../../core/client-error.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { AsyncSlices } from "../../lib/sliced-work.ts";
import type { ApiMethod, Outcome } from "../method.ts";
import { API_METHODS } from "./table.ts";

/** Commands of one batch that run at a time at most. */
const MAX_PARALLEL = 1024;

/** A method and the property of commands and replies that is its own. */
interface BatchMethod {
  readonly method: ApiMethod;
  readonly property: string;
}

const BATCH_METHODS: readonly BatchMethod[] = API_METHODS.map((method) => {
  const field = CommandSchema.fields.find(({ name }) => name === method.name);
  if (field === undefined) throw new Error(`commands have no field ${method.name}`);
  return { method, property: field.localName };
});

/** What runs the commands of a batch, as if they had been called one by one. */
export interface CommandRunner {
  /** Never rejects. */
  run(method: ApiMethod, request: Message): Promise<Outcome>;
  /** The error of a command that no method has been found for; noted. */
  refuse(error: ClientError): ClientError;
}

/**
 * Runs commands, in order or in parallel, and answers in their order (docs/protocols/server-api.md §2.7).
 *
 * Never rejects: what goes wrong with a command stands in its reply. A command that is undefined was `null`.
 */
export async function runBatch(
  commands: readonly (Command | undefined)[],
  parallel: boolean,
  runner: CommandRunner,
): Promise<BatchResponse> {
  const run = (command: Command | undefined): Promise<Reply> => runCommand(runner, command);
  const replies = await (parallel ? mapConcurrently(commands, MAX_PARALLEL, run) : runInOrder(commands, run));
  return create(BatchResponseSchema, { replies });
}

/**
 * One after the other; publications follow each other without waiting, for they keep their order by themselves. A large
 * batch leaves turns of the event loop to everything else.
 */
async function runInOrder(
  commands: readonly (Command | undefined)[],
  run: (command: Command | undefined) => Promise<Reply>,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  let publishing: Promise<Reply>[] = [];
  const finish = async (): Promise<void> => {
    replies.push(...(await Promise.all(publishing)));
    publishing = [];
  };
  const slices = new AsyncSlices();
  for (const command of commands) {
    const { pause } = slices;
    if (pause !== undefined) await pause;
    if (command?.publish !== undefined && publishing.length < MAX_PARALLEL) {
      publishing.push(run(command));
    } else {
      await finish();
      replies.push(await run(command));
    }
  }
  await finish();
  return replies;
}

/** Of several requests in one command only the first runs, in the order of the table. */
async function runCommand(runner: CommandRunner, command: Command | undefined): Promise<Reply> {
  if (command === undefined)
    return errorReply(runner.refuse(badRequest("commands", "a command that is null")));
  for (const { method, property } of BATCH_METHODS) {
    const request = requestOf(command, property);
    if (request === undefined) continue;
    const outcome = await runner.run(method, request);
    return outcome.ok ? replyOf(property, outcome.result) : errorReply(outcome.error);
  }
  return errorReply(runner.refuse(clientError("notFound")));
}

function errorReply({ code, message }: ClientError): Reply {
  return create(ReplySchema, { error: { code, message } });
}

function requestOf(command: Command, property: string): Message | undefined {
  // The property is that of a field of Command, and all of its fields are messages.
  return (command as unknown as Readonly<Record<string, Message | undefined>>)[property];
}

function replyOf(property: string, result: Message): Reply {
  // Commands and replies have the same fields.
  return Object.assign(create(ReplySchema), { [property]: result });
}
