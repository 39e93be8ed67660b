/** Text as one word of a POSIX shell. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** By its full name npx finds buf in this project as well as from anywhere else. */
export const BUF_CURL = "npx @bufbuild/buf curl --protocol grpc --http2-prior-knowledge";
