import type { IncomingMessage } from "node:http";

/** The request body is larger than its limit. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

/**
 * Reads a whole request body.
 *
 * Rejects with BodyTooLarge as soon as it exceeds `maxBytes` (0 or less: no limit), and with the socket's
 * error when the client leaves in the middle.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const declared = Number(request.headers["content-length"] ?? 0);
    if (maxBytes > 0 && declared > maxBytes) {
      reject(new BodyTooLarge(`body of ${declared} bytes exceeds ${maxBytes}`));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (maxBytes > 0 && size > maxBytes) {
        request.removeAllListeners("data");
        reject(new BodyTooLarge(`body exceeds ${maxBytes} bytes`));
        return;
      }
      chunks.push(chunk);
    });
    request.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on("error", reject);
    request.on("close", () => {
      // Every request closes in the end; building an error for each would cost more than reading it. One over HTTP/2
      // that has been cancelled says that it is complete, and ends behind its close.
      if (!request.readableEnded) reject(new Error("client left before the end of its request"));
    });
  });
}
