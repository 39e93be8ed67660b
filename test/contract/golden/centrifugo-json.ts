import { NOTHING } from "../../../src/core/wire-format.ts";
import type { GoldenMessages } from "../codec.contract.ts";

/** Centrifugo's JSON. */
export const JSON_MESSAGES: GoldenMessages = {
  ping: "{}",
  "connect, nothing optional": '{"connect":{"client":"c1","version":"1.0.0 OSS","ping":25,"session":"s1"}}',
  "connect, everything": String.raw`{"connect":{"client":"c1","version":"1.0.0 OSS","data":{"from": "backend"},"subs":{"a\u0026b":{},"b":{"data":{"x": 1},"was_recovering":true}},"expires":true,"ttl":60,"ping":25,"session":"s1","time":1700000000000}}`,
  "connect, over within the second, no pings":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","expires":true,"session":"s1"}}',
  "connect, recovered":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","subs":{"news":{"recoverable":true,"epoch":"abcd","publications":[{"data":{"text":"the same, and one"},"offset":1,"epoch":"abcd"},{"data":{"text":"the same, and two"},"offset":2}],"recovered":true,"positioned":true,"was_recovering":true}},"ping":25,"session":"s1"}}',
  "connect, recovered as differences": String.raw`{"connect":{"client":"c1","version":"1.0.0 OSS","subs":{"news":{"recoverable":true,"epoch":"abcd","publications":[{"data":"{\"text\":\"the same, and one\"}","offset":1},{"data":"S\nN@0,5:two\"}21VSF3;","offset":2,"delta":true}],"recovered":true,"positioned":true,"was_recovering":true,"delta":true}},"ping":25,"session":"s1"}}`,
  "connect, binary data": undefined,
  "connect, binary data of a channel": undefined,
  "publication, payload byte for byte": '{"channel":"news","pub":{"data":{"input": 1}}}',
  "publication, line breaks between tokens": '{"channel":"news","pub":{"data":{"a":1}}}',
  "publication, text in all planes": String.raw`{"channel":"news","pub":{"data":"é 日本 🙂 \u0041"}}`,
  "publication, tags": String.raw`{"channel":"news","pub":{"data":1,"tags":{"k":"\u003cv\u003e"}}}`,
  "publication, channel to be escaped": String.raw`{"channel":"newsa\u0026b","pub":{"data":1}}`,
  "publication, first of a stream": '{"channel":"news","pub":{"data":1,"offset":1,"epoch":"abcd"}}',
  "publication, later in a stream": '{"channel":"news","pub":{"data":1,"offset":2}}',
  "publication, the largest numbers":
    '{"channel":"news","pub":{"data":1,"offset":9007199254740991,"version":18446744073709551615}}',
  "publication, everything":
    '{"channel":"news","pub":{"data":1,"info":{"user":"alice","client":"c1","conn_info":{"n": 1},"chan_info":"é"},"offset":1,"tags":{"k":"v"},"epoch":"abcd","version":7}}',
  "publication, empty": '{"channel":"news","pub":{}}',
  "publication, empty with company":
    '{"channel":"news","pub":{"info":{"user":"","client":"c2"},"offset":2,"tags":{"k":"v"}}}',
  "publication, binary": undefined,
  "publication, and the one before":
    '{"channel":"news","pub":{"data":{"text":"the same, and two"},"offset":2}}',
  "publication, event of a client":
    '{"channel":"news","pub":{"data":{"x":1},"info":{"user":"alice","client":"c1","conn_info":{"n": 1},"chan_info":"é"},"tags":{"event":"client-e"}}}',
  join: '{"channel":"news","join":{"info":{"user":"alice","client":"c1","conn_info":{"n": 1},"chan_info":"é"}}}',
  "join of nobody": '{"channel":"news","join":{"info":{"user":"","client":"c2"}}}',
  "join, binary info": undefined,
  leave:
    '{"channel":"news","leave":{"info":{"user":"alice","client":"c1","conn_info":{"n": 1},"chan_info":"é"}}}',
  "member added": NOTHING,
  "member added, binary info": NOTHING,
  "member removed": NOTHING,
  "subscription count": NOTHING,
  subscribe: '{"channel":"news","subscribe":{}}',
  "subscribe, everything":
    '{"channel":"news","subscribe":{"recoverable":true,"epoch":"abcd","offset":5,"positioned":true,"data":[1, 2]}}',
  "subscribe, binary data": undefined,
  unsubscribe: '{"channel":"news","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}',
  refresh: '{"refresh":{"expires":true,"ttl":60}}',
  "refresh, no expiry": '{"refresh":{}}',
  disconnect: '{"disconnect":{"code":3001,"reason":"shutdown"}}',
};

/** The same where payloads are to be the base of differences. */
export const JSON_WHOLE_MESSAGES: GoldenMessages = {
  ...JSON_MESSAGES,
  "publication, payload byte for byte": String.raw`{"channel":"news","pub":{"data":"{\"input\": 1}"}}`,
  "publication, line breaks between tokens": String.raw`{"channel":"news","pub":{"data":"{\r\n\"a\":\n1}"}}`,
  "publication, text in all planes": String.raw`{"channel":"news","pub":{"data":"\"é 日本 🙂 \\u0041\""}}`,
  "publication, tags": String.raw`{"channel":"news","pub":{"data":"1","tags":{"k":"\u003cv\u003e"}}}`,
  "publication, channel to be escaped": String.raw`{"channel":"newsa\u0026b","pub":{"data":"1"}}`,
  "publication, first of a stream": '{"channel":"news","pub":{"data":"1","offset":1}}',
  "publication, later in a stream": '{"channel":"news","pub":{"data":"1","offset":2}}',
  "publication, the largest numbers": '{"channel":"news","pub":{"data":"1","offset":9007199254740991}}',
  "publication, everything":
    '{"channel":"news","pub":{"data":"1","info":{"user":"alice","client":"c1","conn_info":{"n": 1},"chan_info":"é"},"offset":1,"tags":{"k":"v"}}}',
  "publication, empty": '{"channel":"news","pub":{"data":""}}',
  "publication, empty with company":
    '{"channel":"news","pub":{"data":"","info":{"user":"","client":"c2"},"offset":2,"tags":{"k":"v"}}}',
  "publication, and the one before": String.raw`{"channel":"news","pub":{"data":"{\"text\":\"the same, and two\"}","offset":2}}`,
  "publication, event of a client": String.raw`{"channel":"news","pub":{"data":"{\"x\":1}","info":{"user":"alice","client":"c1","conn_info":{"n": 1},"chan_info":"é"},"tags":{"event":"client-e"}}}`,
};

/** The same with differences. */
export const JSON_PATCH_MESSAGES: GoldenMessages = {
  ...JSON_WHOLE_MESSAGES,
  "publication, and the one before": String.raw`{"channel":"news","pub":{"data":"S\nN@0,5:two\"}21VSF3;","offset":2,"delta":true}}`,
};
