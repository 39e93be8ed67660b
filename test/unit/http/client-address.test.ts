import { describe, expect, it } from "vitest";
import { clientAddress, networkOf } from "../../../src/http/client-address.ts";

function addressOf(
  remoteAddress: string | undefined,
  forwarded: string | undefined,
  trustHops: number,
): string {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return clientAddress({ headers, socket: { remoteAddress } }, trustHops);
}

describe("clientAddress", () => {
  it("is that of the connection where no proxy is trusted, whatever the header says", () => {
    expect(addressOf("192.0.2.1", undefined, 0)).toBe("192.0.2.1");
    expect(addressOf("192.0.2.1", "203.0.113.9", 0)).toBe("192.0.2.1");
  });

  it("is counted from the right, so that a client cannot choose it", () => {
    expect(addressOf("10.0.0.1", "198.51.100.7", 1)).toBe("198.51.100.7");
    expect(addressOf("10.0.0.1", "203.0.113.9, 198.51.100.7", 1)).toBe("198.51.100.7");
    expect(addressOf("10.0.0.1", "203.0.113.9,198.51.100.7 , 10.0.0.2", 2)).toBe("198.51.100.7");
    expect(addressOf("10.0.0.1", "1.1.1.1, 2.2.2.2, 198.51.100.7, 10.0.0.2", 2)).toBe("198.51.100.7");
  });

  it("is the first where fewer proxies were passed", () => {
    expect(addressOf("10.0.0.1", "198.51.100.7", 3)).toBe("198.51.100.7");
  });

  it.each([undefined, "", "unknown", "198.51.100.7, ", "_hidden", "999.1.1.1", "a%b"])(
    "is that of the connection where the header has %j",
    (forwarded) => {
      expect(addressOf("10.0.0.1", forwarded, 1)).toBe("10.0.0.1");
    },
  );

  it.each([
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::1", "::1"],
  ])("has one spelling: %s", (written, expected) => {
    expect(addressOf(written, undefined, 0)).toBe(expected);
    expect(addressOf("10.0.0.1", written, 1)).toBe(expected);
  });

  it.each([
    ["198.51.100.7:4711", "198.51.100.7"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
  ])("loses the port of %s", (written, expected) => {
    expect(addressOf("10.0.0.1", written, 1)).toBe(expected);
  });

  it("is empty once the connection is gone", () => {
    expect(addressOf(undefined, undefined, 0)).toBe("");
  });
});

describe("networkOf", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", ""],
  ])("%s is of %s", (address, expected) => {
    expect(networkOf(address)).toBe(expected);
  });
});
