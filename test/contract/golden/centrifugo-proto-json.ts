import { NOTHING } from "../../../src/core/wire-format.ts";
import type { GoldenMessages } from "../codec.contract.ts";

/** The standard JSON mapping of Centrifugo's protobuf. */
export const PROTO_JSON_MESSAGES: GoldenMessages = {
  ping: "{}",
  "connect, nothing optional": '{"connect":{"client":"c1","version":"1.0.0 OSS","ping":25,"session":"s1"}}',
  "connect, everything":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","data":"eyJmcm9tIjogImJhY2tlbmQifQ==","subs":{"a&b":{},"b":{"data":"eyJ4IjogMX0=","wasRecovering":true}},"expires":true,"ttl":60,"ping":25,"session":"s1","time":"1700000000000"}}',
  "connect, over within the second, no pings":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","expires":true,"session":"s1"}}',
  "connect, recovered":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","subs":{"news":{"recoverable":true,"epoch":"abcd","publications":[{"data":"eyJ0ZXh0IjoidGhlIHNhbWUsIGFuZCBvbmUifQ==","offset":"1","epoch":"abcd"},{"data":"eyJ0ZXh0IjoidGhlIHNhbWUsIGFuZCB0d28ifQ==","offset":"2"}],"recovered":true,"positioned":true,"wasRecovering":true}},"ping":25,"session":"s1"}}',
  "connect, recovered as differences":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","subs":{"news":{"recoverable":true,"epoch":"abcd","publications":[{"data":"eyJ0ZXh0IjoidGhlIHNhbWUsIGFuZCBvbmUifQ==","offset":"1","epoch":"abcd"},{"data":"eyJ0ZXh0IjoidGhlIHNhbWUsIGFuZCB0d28ifQ==","offset":"2"}],"recovered":true,"positioned":true,"wasRecovering":true}},"ping":25,"session":"s1"}}',
  "connect, binary data":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","data":"AP8K","ping":25,"session":"s1"}}',
  "connect, binary data of a channel":
    '{"connect":{"client":"c1","version":"1.0.0 OSS","subs":{"news":{"data":"AP8K"}},"ping":25,"session":"s1"}}',
  "publication, payload byte for byte": '{"channel":"news","pub":{"data":"eyJpbnB1dCI6IDF9"}}',
  "publication, line breaks between tokens": '{"channel":"news","pub":{"data":"ew0KImEiOgoxfQ=="}}',
  "publication, text in all planes": '{"channel":"news","pub":{"data":"IsOpIOaXpeacrCDwn5mCIFx1MDA0MSI="}}',
  "publication, tags": '{"channel":"news","pub":{"data":"MQ==","tags":{"k":"<v>"}}}',
  "publication, channel to be escaped": '{"channel":"newsa&b","pub":{"data":"MQ=="}}',
  "publication, first of a stream": '{"channel":"news","pub":{"data":"MQ==","offset":"1","epoch":"abcd"}}',
  "publication, later in a stream": '{"channel":"news","pub":{"data":"MQ==","offset":"2"}}',
  "publication, the largest numbers":
    '{"channel":"news","pub":{"data":"MQ==","offset":"9007199254740991","version":"18446744073709551615"}}',
  "publication, everything":
    '{"channel":"news","pub":{"data":"MQ==","info":{"user":"alice","client":"c1","connInfo":"eyJuIjogMX0=","chanInfo":"IsOpIg=="},"offset":"1","tags":{"k":"v"},"epoch":"abcd","version":"7"}}',
  "publication, empty": '{"channel":"news","pub":{}}',
  "publication, empty with company":
    '{"channel":"news","pub":{"info":{"client":"c2"},"offset":"2","tags":{"k":"v"}}}',
  "publication, binary": '{"channel":"news","pub":{"data":"AP8K"}}',
  "publication, and the one before":
    '{"channel":"news","pub":{"data":"eyJ0ZXh0IjoidGhlIHNhbWUsIGFuZCB0d28ifQ==","offset":"2"}}',
  "publication, event of a client":
    '{"channel":"news","pub":{"data":"eyJ4IjoxfQ==","info":{"user":"alice","client":"c1","connInfo":"eyJuIjogMX0=","chanInfo":"IsOpIg=="},"tags":{"event":"client-e"}}}',
  join: '{"channel":"news","join":{"info":{"user":"alice","client":"c1","connInfo":"eyJuIjogMX0=","chanInfo":"IsOpIg=="}}}',
  "join of nobody": '{"channel":"news","join":{"info":{"client":"c2"}}}',
  "join, binary info":
    '{"channel":"news","join":{"info":{"user":"alice","client":"c1","connInfo":"AP8K","chanInfo":"IsOpIg=="}}}',
  leave:
    '{"channel":"news","leave":{"info":{"user":"alice","client":"c1","connInfo":"eyJuIjogMX0=","chanInfo":"IsOpIg=="}}}',
  "member added": NOTHING,
  "member added, binary info": NOTHING,
  "member removed": NOTHING,
  "subscription count": NOTHING,
  subscribe: '{"channel":"news","subscribe":{}}',
  "subscribe, everything":
    '{"channel":"news","subscribe":{"recoverable":true,"epoch":"abcd","offset":"5","positioned":true,"data":"WzEsIDJd"}}',
  "subscribe, binary data": '{"channel":"news","subscribe":{"data":"AP8K"}}',
  unsubscribe: '{"channel":"news","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}',
  refresh: '{"refresh":{"expires":true,"ttl":60}}',
  "refresh, no expiry": '{"refresh":{}}',
  disconnect: '{"disconnect":{"code":3001,"reason":"shutdown"}}',
};
