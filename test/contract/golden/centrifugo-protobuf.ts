import { NOTHING } from "../../../src/core/wire-format.ts";
import type { GoldenMessages } from "../codec.contract.ts";

/** Centrifugo's protobuf: bytes in hex, text between quotes, and what is inside of a message in parentheses. */
export const PROTOBUF_MESSAGES: GoldenMessages = {
  ping: "",
  "connect, nothing optional": "52 15 (0a 02 'c1' 12 09 '1.0.0 OSS' 38 19 4a 02 's1')",
  "connect, everything": `52 51 (0a 02 'c1' 12 09 '1.0.0 OSS' 1a 13 '{"from": "backend"}' 22 07 (0a 03 'a&b' 12 00) 22 11 (0a 01 'b' 12 0c (5a 08 '{"x": 1}' 60 01)) 28 01 30 3c 38 19 4a 02 's1' 58 80 d0 95 ff bc 31)`,
  "connect, over within the second, no pings": "52 15 (0a 02 'c1' 12 09 '1.0.0 OSS' 28 01 4a 02 's1')",
  "connect, recovered": `52 77 (0a 02 'c1' 12 09 '1.0.0 OSS' 22 60 (0a 04 'news' 12 58 (18 01 32 04 'abcd' 3a 26 (22 1c '{"text":"the same, and one"}' 30 01 72 04 'abcd') 3a 20 (22 1c '{"text":"the same, and two"}' 30 02) 40 01 50 01 60 01)) 38 19 4a 02 's1')`,
  "connect, recovered as differences": `52 77 (0a 02 'c1' 12 09 '1.0.0 OSS' 22 60 (0a 04 'news' 12 58 (18 01 32 04 'abcd' 3a 26 (22 1c '{"text":"the same, and one"}' 30 01 72 04 'abcd') 3a 20 (22 1c '{"text":"the same, and two"}' 30 02) 40 01 50 01 60 01)) 38 19 4a 02 's1')`,
  "connect, binary data": "52 1a (0a 02 'c1' 12 09 '1.0.0 OSS' 1a 03 00 ff 0a 38 19 4a 02 's1')",
  "connect, binary data of a channel":
    "52 24 (0a 02 'c1' 12 09 '1.0.0 OSS' 22 0d (0a 04 'news' 12 05 (5a 03 00 ff 0a)) 38 19 4a 02 's1')",
  "publication, payload byte for byte": `12 04 'news' 22 0e (22 0c '{"input": 1}')`,
  "publication, line breaks between tokens": "12 04 'news' 22 0c (22 0a 7b 0d 0a 22 61 22 3a 0a 31 7d)",
  "publication, text in all planes": String.raw`12 04 'news' 22 19 (22 17 '"é 日本 🙂 \u0041"')`,
  "publication, tags": "12 04 'news' 22 0d (22 01 '1' 3a 08 (0a 01 'k' 12 03 '<v>'))",
  "publication, channel to be escaped": "12 07 'newsa&b' 22 03 (22 01 '1')",
  "publication, first of a stream": "12 04 'news' 22 0b (22 01 '1' 30 01 72 04 'abcd')",
  "publication, later in a stream": "12 04 'news' 22 05 (22 01 '1' 30 02)",
  "publication, the largest numbers":
    "12 04 'news' 22 18 (22 01 '1' 30 ff ff ff ff ff ff ff 0f 80 01 ff ff ff ff ff ff ff ff ff 01)",
  "publication, everything": `12 04 'news' 22 33 (22 01 '1' 2a 1b (0a 05 'alice' 12 02 'c1' 1a 08 '{"n": 1}' 22 04 '"é"') 30 01 3a 06 (0a 01 'k' 12 01 'v') 72 04 'abcd' 80 01 07)`,
  "publication, empty": "12 04 'news' 22 00",
  "publication, empty with company":
    "12 04 'news' 22 10 (2a 04 (12 02 'c2') 30 02 3a 06 (0a 01 'k' 12 01 'v'))",
  "publication, binary": "12 04 'news' 22 05 (22 03 00 ff 0a)",
  "publication, and the one before": `12 04 'news' 22 20 (22 1c '{"text":"the same, and two"}' 30 02)`,
  "publication, event of a client": `12 04 'news' 22 39 (22 07 '{"x":1}' 2a 1b (0a 05 'alice' 12 02 'c1' 1a 08 '{"n": 1}' 22 04 '"é"') 3a 11 (0a 05 'event' 12 08 'client-e'))`,
  join: `12 04 'news' 2a 1d (0a 1b (0a 05 'alice' 12 02 'c1' 1a 08 '{"n": 1}' 22 04 '"é"'))`,
  "join of nobody": "12 04 'news' 2a 06 (0a 04 (12 02 'c2'))",
  "join, binary info": `12 04 'news' 2a 18 (0a 16 (0a 05 'alice' 12 02 'c1' 1a 03 00 ff 0a 22 04 '"é"'))`,
  leave: `12 04 'news' 32 1d (0a 1b (0a 05 'alice' 12 02 'c1' 1a 08 '{"n": 1}' 22 04 '"é"'))`,
  "member added": NOTHING,
  "member added, binary info": NOTHING,
  "member removed": NOTHING,
  "subscription count": NOTHING,
  subscribe: "12 04 'news' 4a 00",
  "subscribe, everything": "12 04 'news' 4a 14 (08 01 22 04 'abcd' 28 05 30 01 3a 06 '[1, 2]')",
  "subscribe, binary data": "12 04 'news' 4a 05 (3a 03 00 ff 0a)",
  unsubscribe: "12 04 'news' 3a 17 (10 d0 0f 1a 12 'server unsubscribe')",
  refresh: "62 04 (08 01 10 3c)",
  "refresh, no expiry": "62 00",
  disconnect: "5a 0d (08 b9 17 12 08 'shutdown')",
};
