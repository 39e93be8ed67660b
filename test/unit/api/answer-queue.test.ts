import type { ServerResponse } from "node:http";
import { setImmediate as endOfTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { AnswerQueue } from "../../../src/api/answer-queue.ts";

/** Notes what is sent, as text of one character per byte. */
function noting(written: string[]): ServerResponse {
  const response = {
    writeHead: (status: number) => written.push(String(status)),
    end: (body: string | Buffer, encoding: BufferEncoding = "utf8") =>
      written.push(Buffer.from(body as string, encoding).toString("latin1")),
  };
  // The queue asks for nothing else.
  return response as unknown as ServerResponse;
}

it("answers of a turn are written at its end, in their order, ahead of what their requests set off", async () => {
  const queue = new AnswerQueue();
  const written: string[] = [];
  queue.expect();
  setImmediate(() => written.push("fan-out"));
  queue.push(noting(written), 200, {}, "a");
  queue.push(noting(written), 404, {}, "b");
  expect(written).toEqual([]);
  await endOfTurn();
  expect(written).toEqual(["200", "a", "404", "b", "fan-out"]);
});

it("an answer that is ready later has a turn of its own", async () => {
  const queue = new AnswerQueue();
  const written: string[] = [];
  queue.expect();
  await endOfTurn();
  queue.push(noting(written), 200, {}, "a");
  await endOfTurn();
  expect(written).toEqual(["200", "a"]);
});

it.each([10, 100_000])("%d bytes arrive as they are, text in UTF-8", async (length) => {
  const queue = new AnswerQueue();
  const written: string[] = [];
  const bytes = Buffer.from(Array.from({ length }, (_, at) => at % 256));
  queue.push(noting(written), 200, {}, bytes);
  queue.push(noting(written), 200, {}, "ü");
  await endOfTurn();
  expect(written).toEqual(["200", bytes.toString("latin1"), "200", "\xc3\xbc"]);
});
