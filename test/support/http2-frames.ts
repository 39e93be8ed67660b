/** Preface and empty SETTINGS frame of a client. */
export const HTTP2_START: Buffer = Buffer.from(
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\0".repeat(3)}\x04${"\0".repeat(5)}`,
);
/** A HEADERS frame of stream 1 without END_HEADERS (RFC 9113 §6.2). */
export const HALF_A_HEADER_BLOCK: Buffer = Buffer.from([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]);
