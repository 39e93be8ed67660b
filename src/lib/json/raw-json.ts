/** Whether the bytes are one JSON value with nothing but white space around it. */
export function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(UTF8.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
