import type { IncomingMessage, ServerResponse } from "node:http";
import { BodyTooLarge, readBody } from "../../http/body.ts";
import { sendEmpty, sendText } from "../../http/http-app.ts";
import type { HttpDoorOptions } from "../http-door.ts";

/**
 * The first steps of every request: verb, key, body (server-api §1.1).
 *
 * Answers and returns undefined where one of them fails, and where the client has left.
 */
export async function admit(
  { auth, maxBodyBytes }: HttpDoorOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Buffer | undefined> {
  if (request.method !== "POST") sendEmpty(response, 405);
  else if (!auth(request)) sendEmpty(response, 401);
  else return readLimited(maxBodyBytes, request, response);
  return undefined;
}

async function readLimited(
  maxBytes: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Buffer | undefined> {
  try {
    return await readBody(request, maxBytes);
  } catch (error) {
    if (error instanceof BodyTooLarge) {
      // The rest of the body is not read, so the connection cannot be used again.
      if (request.httpVersionMajor === 1) response.setHeader("Connection", "close");
      sendText(response, 413, "Request Entity Too Large\n");
    } else if (!response.destroyed) {
      sendText(response, 500, "Internal Server Error\n");
    }
    return undefined;
  }
}

/** Refuses a body that cannot be decoded. */
export function sendBadRequest(response: ServerResponse): void {
  sendText(response, 400, "Bad Request\n");
}

/** Answers with JSON text. */
export function sendJson(response: ServerResponse, status: number, json: string): void {
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(json),
  });
  // As text it leaves in one piece with the headers.
  response.end(json);
}
