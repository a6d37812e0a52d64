import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { genericBody } from "../../lib/families/generic.ts";
import type { LinkLookup } from "../../lib/families/lookup.ts";
import { InputError } from "../../lib/shape/shape.ts";
import type { Connection } from "../../lib/socket/index.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { type AnySchema, type In, NLMSG_HDRLEN, type Out, Reader, Writer } from "../../lib/wire/index.ts";
import { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "../../lib/wireguard/keys.ts";
import { wgAllowedIp, wgDevice, wgPeer } from "../../lib/wireguard/schema.ts";
import { Wireguard } from "../../lib/wireguard/wireguard.ts";
import { checkConfig, configToWire, deviceFromWire, type WireguardConfig } from "../../lib/wireguard/words.ts";
import { capture } from "../fixtures.ts";
import { compare, header } from "../headers.ts";

type Device = Out<typeof wgDevice>;
const body = genericBody(wgDevice);
const key = (byte: number): string => Buffer.alloc(32, byte).toString("base64");

function read(bytes: Uint8Array): Device {
  return body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length).attrs;
}
function written(attrs: In<typeof wgDevice>): Uint8Array {
  const out = new Writer();
  out.take(NLMSG_HDRLEN);
  body.write(out, { header: { cmd: 1, version: 1 }, attrs });
  return out.finish();
}
const told = (file: string) => deviceFromWire(capture(`wireguard/${file}.hex`).map(read), (index) => `link${index}`);

/** Keys of attributes without a name, however deep. */
function unknownIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => (name.startsWith("#") ? [name] : unknownIn(part)));
}

describe("wireguard: on the wire", () => {
  for (const file of ["empty", "full", "ipv6", "parts", "handshake"])
    it(`knows every attribute of ${file}.hex, and writes back what it read`, () => {
      for (const bytes of capture(`wireguard/${file}.hex`)) {
        const value = read(bytes);
        deepEqual(unknownIn(value), []);
        deepEqual(read(written(value)), value);
        equal(written(value).length, bytes.length);
      }
    });

  it("keeps what it cannot name", () => {
    const [bytes = new Uint8Array()] = capture("wireguard/empty.hex");
    const value = read(new Uint8Array([...bytes, 8, 0, 0xff, 0x0f, 1, 2, 3, 4]));
    deepEqual(unknownIn(value), ["#4095"]);
    deepEqual(read(written(value)), value);
  });

  for (const schema of [wgDevice, wgPeer, wgAllowedIp] as readonly AnySchema[])
    it(`${schema.name}_* are those of wireguard.h`, function () {
      const numbers = header(this, "wireguard.h");
      // The header calls the end of a list LAST where others call it MAX.
      numbers.set(`__${schema.name}_MAX`, numbers.get(`__${schema.name}_LAST`) ?? 0);
      const { checked, wrong, newer } = compare(numbers, schema);
      deepEqual(wrong, []);
      deepEqual(
        newer.filter((name) => name !== "flags"),
        [],
      );
      ok(checked >= 4);
    });
});

describe("wireguard: in words", () => {
  it("tells a device without keys and peers", () => {
    const { index, ...rest } = told("empty");
    ok(index > 0);
    deepEqual(rest, { name: "wg0", listenPort: 0, fwmark: 0, peers: [] });
  });

  it("tells all that `wg` was told", () => {
    const { index: _, privateKey = "", ...rest } = told("full");
    equal(rest.publicKey, wireguardPublicKey(privateKey));
    equal(rest.publicKey, wireguardPublicKey(key(1)), "the kernel keeps the bits that count");
    const counters = { rxBytes: 0n, txBytes: 0n, protocolVersion: 1 };
    const { peers, publicKey: _public, ...device } = rest;
    deepEqual(device, { name: "wg0", listenPort: 51820, fwmark: 0xca6c });
    const others = peers.filter(({ publicKey }) => publicKey !== key(4));
    deepEqual(others, [
      {
        publicKey: key(2),
        presharedKey: key(3),
        endpoint: "192.0.2.1:51821",
        persistentKeepalive: 25,
        allowedIps: others[0]?.allowedIps,
        ...counters,
      },
    ]);
    deepEqual([...(others[0]?.allowedIps ?? [])].sort(), ["10.0.0.2/32", "192.0.2.0/24", "2001:db8::/32"]);
    deepEqual(
      peers.find(({ publicKey }) => publicKey === key(4)),
      { publicKey: key(4), persistentKeepalive: 0, allowedIps: ["0.0.0.0/0"], ...counters },
    );
  });

  it("writes IPv6 endpoints as `wg` does, with the link of a link-local one", () => {
    const endpoints = told("ipv6").peers.map(({ endpoint }) => endpoint);
    deepEqual(endpoints.sort(), ["[2001:db8::1]:51820", "[fe80::1%link1]:51820"]);
  });

  it("puts a peer together whose networks came in several messages", () => {
    const messages = capture("wireguard/parts.hex").map(read);
    ok(messages.length > 1);
    const { peers } = told("parts");
    deepEqual(peers.map(({ publicKey }) => publicKey).sort(), [2, 3, 4].map(key).sort());
    const wide = peers.find(({ publicKey }) => publicKey === key(3));
    equal(wide?.persistentKeepalive, 7);
    equal(new Set(wide?.allowedIps).size, 400);
  });

  it("tells of a handshake and what was sent", () => {
    const [peer] = told("handshake").peers;
    ok(peer?.latestHandshake && peer.latestHandshake.getTime() > Date.UTC(2020, 0));
    ok(peer.rxBytes > 0n && peer.txBytes > 0n);
    equal(peer.endpoint, "127.0.0.1:2222");
  });

  it("hides keys when it is logged, and only then", () => {
    const device = told("full");
    const { privateKey = "" } = device;
    for (const secret of [privateKey, key(3)]) {
      ok(!inspect(device, { depth: 9 }).includes(secret));
      ok(JSON.stringify(device, (_, value) => (typeof value === "bigint" ? Number(value) : value)).includes(secret));
    }
    equal({ ...device }.privateKey, privateKey);
    ok(inspect(device, { depth: 9 }).includes(key(2)), "public keys are shown");
  });
});

describe("wireguard: requests", () => {
  const toWire = (config: WireguardConfig) => configToWire("wg0", config, () => 7);

  it("say nothing of what is absent", () => {
    deepEqual(read(written(toWire({})[0] ?? {})), { ifname: "wg0" });
    deepEqual(read(written(toWire({ peers: [{ publicKey: key(2) }] })[0] ?? {})), {
      ifname: "wg0",
      peers: { peer: [{ publicKey: key(2) }] },
    });
  });

  it("carry what `wg` would send", () => {
    const presharedKey = null;
    const peers = [
      { publicKey: key(2), endpoint: "[fe80::1%eth0]:9", presharedKey, allowedIps: ["2001:db8::1", "10.0.0.0/8"] },
      { publicKey: key(3), remove: true },
      { publicKey: key(4), updateOnly: true, replaceAllowedIps: true, persistentKeepalive: 0 },
    ];
    const [first, ...more] = toWire({ privateKey: null, listenPort: 0, fwmark: 9, replacePeers: true, peers });
    deepEqual(more, []);
    deepEqual(read(written(first ?? {})), {
      ifname: "wg0",
      privateKey: key(0),
      listenPort: 0,
      fwmark: 9,
      flags: { replacePeers: true },
      peers: {
        peer: [
          {
            publicKey: key(2),
            presharedKey: key(0),
            endpoint: { family: 10, port: 9, flowinfo: 0, address: "fe80::1", scope: 7 },
            allowedips: {
              ip: [
                { family: 10, ipaddr: "2001:db8::1", cidrMask: 128 },
                { family: 2, ipaddr: "10.0.0.0", cidrMask: 8 },
              ],
            },
          },
          { publicKey: key(3), flags: { removeMe: true } },
          {
            publicKey: key(4),
            flags: { replaceAllowedips: true, updateOnly: true },
            persistentKeepaliveInterval: 0,
          },
        ],
      },
    });
  });

  it("are split where they grow too long, and lose and repeat nothing", () => {
    const allowedIps = Array.from({ length: 5000 }, (_, i) => `2001:db8:${(i + 1).toString(16)}::/48`);
    const presharedKey = key(9);
    const wide = { publicKey: key(2), presharedKey, allowedIps, replaceAllowedIps: true, endpoint: "[2001:db8::1]:9" };
    const small = Array.from({ length: 500 }, (_, i) => ({ ...wide, publicKey: key(i % 256), allowedIps: ["::/0"] }));
    const requests = toWire({ replacePeers: true, privateKey: key(1), peers: [...small, wide, ...small] }).map(written);
    ok(requests.length > 10);
    for (const { length } of requests) ok(length <= 33 * 1024, `${length} bytes`);
    const devices = requests.map(read);
    deepEqual(
      devices.map(({ privateKey, flags }) => [privateKey, flags]),
      devices.map((_, i) => (i === 0 ? [key(1), { replacePeers: true }] : [undefined, undefined])),
    );
    const parts = devices.flatMap(({ peers }) => peers?.peer ?? []).slice(500, -500);
    ok(parts.length > 3);
    deepEqual(
      parts.flatMap(({ allowedips }) => allowedips?.ip?.map(({ ipaddr, cidrMask }) => `${ipaddr}/${cidrMask}`) ?? []),
      allowedIps,
    );
    // A peer that was taken away meanwhile must not come back.
    for (const part of parts.slice(1)) {
      deepEqual(part.flags, { updateOnly: true });
      equal(part.presharedKey, undefined);
    }
    deepEqual(parts[0]?.flags, { replaceAllowedips: true });
  });
});

describe("wireguard: input", () => {
  const secret = key(9).replace("=", "");
  const publicKey = key(2);
  const BAD: readonly (readonly [config: unknown, path: string])[] = [
    [{ privateKey: secret }, "privateKey"],
    [{ privateKey: `${key(9)}\n` }, "privateKey"],
    [{ listenPort: 65536 }, "listenPort"],
    [{ fwmark: -1 }, "fwmark"],
    [{ replacePeers: 1 }, "replacePeers"],
    [{ privatekey: key(9) }, "privatekey"],
    [{ peers: secret }, "peers"],
    [{ peers: [secret] }, "peers"],
    [{ peers: { privateKey: secret } }, "peers"],
    [{ peers: [{}] }, "peers.0.publicKey"],
    [{ peers: [{ publicKey: secret }] }, "peers.0.publicKey"],
    [{ peers: [{ publicKey }, { publicKey, presharedKey: secret }] }, "peers.1.presharedKey"],
    [{ peers: [{ publicKey, endpoint: "192.0.2.1" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, endpoint: "192.0.2.1:0" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, endpoint: "192.0.2.1:65536" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, endpoint: "192.0.2.1%eth0:1" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, endpoint: "example.org:1" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, endpoint: "2001:db8::1:51820" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, endpoint: "[192.0.2.1]:1" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, persistentKeepalive: 65536 }] }, "peers.0.persistentKeepalive"],
    [{ peers: [{ publicKey, allowedIps: ["default"] }] }, "peers.0.allowedIps"],
    [{ peers: [{ publicKey, allowedIps: ["10.0.0.0/33"] }] }, "peers.0.allowedIps"],
    [{ peers: [{ publicKey, remove: true, endpoint: "192.0.2.1:1" }] }, "peers.0.endpoint"],
    [{ peers: [{ publicKey, replaceAllowedips: true }] }, "peers.0.replaceAllowedips"],
  ];
  for (const [i, [config, path]] of BAD.entries())
    it(`is refused at ${path} before anything is sent (${i + 1})`, () => {
      throws(
        () => checkConfig("wg0", config as WireguardConfig),
        (error) => {
          ok(error instanceof InputError);
          equal(error.path.join("."), `wg0.${path}`);
          ok(!inspect(error).includes(secret), "a key is never shown");
          return true;
        },
      );
    });

  it("of a value that gets past is refused by the wire without being shown", () => {
    throws(
      () => written({ privateKey: secret.slice(4) }),
      (error) => !inspect(error).includes(secret.slice(4)) && /privateKey: expected a key/.test(String(error)),
    );
  });
});

describe("wireguard: keys", () => {
  it("give the public key that `wg pubkey` gives", () => {
    equal(wireguardPublicKey(key(1)), "pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=");
    equal(wireguardPublicKey(key(200)), "DSuieBHAaq5V19ySBwUTiLBh9Pnduq1K9gcWaxXqMVc=");
  });

  it("are clamped, and new each time", () => {
    const keys = Array.from({ length: 20 }, generateWireguardKey);
    equal(new Set(keys).size, 20);
    for (const one of keys) {
      const bytes = Buffer.from(one, "base64");
      equal(bytes.length, 32);
      equal((bytes[0] as number) & 7, 0);
      equal((bytes[31] as number) & 0xc0, 0x40);
      match(wireguardPublicKey(one), /^[A-Za-z0-9+/]{43}=$/);
    }
    equal(Buffer.from(generatePresharedKey(), "base64").length, 32);
  });

  it("that are none are refused without being shown", () => {
    throws(() => wireguardPublicKey("c2VjcmV0"), {
      code: "ERR_INPUT",
      message: /^privateKey: expected a key(?!.*c2V)/,
    });
  });
});

describe("wireguard: a kernel without it", () => {
  it("is told in plain words, each time anew", async () => {
    let asked = 0;
    const connection = {
      get: async () => {
        asked++;
        throw new NetlinkError({ errno: -2, request: "CTRL_CMD_GETFAMILY" });
      },
    } as unknown as Connection;
    const wireguard = new Wireguard(connection, {} as LinkLookup);
    for (let i = 1; i <= 2; i++) {
      await wireguard.get("wg0").then(
        () => ok(false),
        (error) => match(String(error), /cannot read WireGuard of wg0: this kernel has no WireGuard.*\(ENOENT\)/),
      );
      equal(asked, i);
    }
  });
});
