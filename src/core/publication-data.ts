import { isJson } from "../lib/json/raw-json.ts";
import type { PublicationDataFormat } from "./channel-options.ts";
import type { PublicationInit } from "./publication.ts";

const SPACE = 0x20;
const OPEN_BRACE = 0x7b;

/** Whether channels with this `publication_data_format` take the publication's payload. */
export function acceptsData(format: PublicationDataFormat, publication: PublicationInit): boolean {
  const { data } = publication;
  switch (format) {
    case "":
      return data.length > 0;
    case "binary":
      return true;
    case "json":
      return isJsonPayload(publication);
    case "json_object":
      return isJsonPayload(publication) && data[data.findIndex((byte) => byte > SPACE)] === OPEN_BRACE;
  }
}

/** What is wrong with data that a channel does not take, by its `publication_data_format`. */
export const UNACCEPTABLE_DATA: Readonly<Record<PublicationDataFormat, string>> = {
  "": "missing",
  binary: "missing",
  json: "not JSON, which publication_data_format asks for",
  json_object: "not a JSON object, which publication_data_format asks for",
};

function isJsonPayload({ data, knownJson }: PublicationInit): boolean {
  return knownJson === true || isJson(data);
}
