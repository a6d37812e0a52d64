/** What probes found: the verdict, and the line of text. */
import { deepEqual, equal } from "node:assert/strict";
import { gatewaysOf } from "../../lib/probe/gateways.ts";
import {
  type ConnectionState,
  describeResult,
  isSshClientSeen,
  judgeDns,
  judgeGateways,
  judgeSshClient,
  judgeTcp,
  type SshClientEvidence,
} from "../../lib/probe/result.ts";
import { sshClientOf } from "../../lib/probe/ssh-session.ts";
import type { Probe } from "../../lib/probe/words.ts";
import type { Route } from "../../lib/routes/words.ts";

const client = { address: "192.0.2.1", port: 50022, local: "192.0.2.2", localPort: 22 };
function connection(words: Partial<ConnectionState> = {}): ConnectionState {
  return {
    ...{ local: "192.0.2.2", localPort: 22, remote: "192.0.2.1", remotePort: 50022, state: "established" },
    ...{ segmentsIn: 10, bytesAcked: 100, unacked: 0, retransmits: 0 },
    ...{ lastAckReceived: 5, lastDataSent: 5, rto: 200, pathMtu: 1500 },
    ...words,
  };
}
const before = connection();

describe("probe: verdicts", () => {
  const stuck = connection({ unacked: 3, retransmits: 2 });
  const cases: readonly (readonly [string, SshClientEvidence, early: boolean, ok: boolean, said: RegExp])[] = [
    ["no SSH", {}, false, true, /not started over SSH/],
    ["no route", { client, error: "ENETUNREACH" }, false, false, /there is no route to it/],
    ["an acknowledgement", { client, before, after: connection({ bytesAcked: 101 }) }, true, true, /acknowledges/],
    [
      "data from it only",
      { client, before, after: connection({ segmentsIn: 11 }) },
      false,
      false,
      /answers nothing else/,
    ],
    ["silence", { client, before, after: before, echo: false }, false, false, /is silent; it answers nothing else/],
    ["an echo", { client, before, after: before, echo: true }, true, true, /is silent; it answers an echo request/],
    ["a refusal", { client, before, after: before, tcp: "refused" }, true, true, /answers a SYN/],
    [
      "an echo, data under way",
      { client, before, after: connection({ unacked: 1 }), echo: true },
      false,
      true,
      /silent/,
    ],
    ["an echo, data lost", { client, before, after: stuck, echo: true }, false, false, /3 segments again 2 times/],
    ["one way", { client, before, after: { ...stuck, segmentsIn: 11 }, echo: true }, false, false, /does not hear us/],
    ["no connection", { client, echo: true }, true, true, /has no connection of it; it answers an echo/],
    ["nothing at all", { client, echo: false }, false, false, /has no connection of it; it answers nothing/],
  ];
  for (const [title, evidence, early, ok, said] of cases)
    it(`of an SSH client: ${title}`, () => {
      equal(judgeSshClient(evidence), ok);
      if (evidence.client !== undefined && evidence.error === undefined) equal(isSshClientSeen(evidence), early);
      const line = describeResult({ probe: { sshClient: true }, ok, evidence, ms: 1 });
      equal(said.test(line), true, line);
    });

  it("of gateways want one of each family", () => {
    const four = { family: "inet", via: "192.0.2.1", dev: "eth0" } as const;
    const six = { family: "inet6", via: "fe80::1", dev: "eth0" } as const;
    const judged = (...gateways: Parameters<typeof judgeGateways>[0]["gateways"]): boolean =>
      judgeGateways({ gateways });
    deepEqual(
      [
        judged(),
        judged(four),
        judged({ ...four, answered: "arp" }),
        judged(four, { ...four, answered: "echo" }),
        judged({ ...four, answered: "arp" }, six),
        judged({ ...four, answered: "arp" }, { ...six, answered: "nd" }),
      ],
      [false, false, true, true, false, true],
    );
  });

  it("of ports and names", () => {
    deepEqual(
      [{ answer: "open" } as const, { answer: "refused" } as const, { error: "ETIMEDOUT" }].map((found) => [
        judgeTcp({}, found),
        judgeTcp({ open: true }, found),
      ]),
      [
        [true, true],
        [true, false],
        [false, false],
      ],
    );
    deepEqual(
      [judgeDns({ servers: [], rcode: "NOERROR" }), judgeDns({ servers: [], rcode: "NXDOMAIN" })],
      [true, false],
    );
  });

  const lines: readonly (readonly [Probe, object, string])[] = [
    [
      { ping: "192.0.2.1", name: "bm2" },
      { size: 84, df: false, sent: 1, received: 1, ms: 0.3 },
      "ping bm2 192.0.2.1: 84 bytes: answered in 0.3 ms",
    ],
    [
      { ping: "192.0.2.1" },
      { size: 1500, df: true, sent: 1, received: 0, fragNeeded: 1400 },
      "ping 192.0.2.1: 1500 bytes with DF: a router on the way takes at most 1400 bytes",
    ],
    [
      { ping: "192.0.2.1" },
      { df: true, sent: 0, received: 0, error: "EPERM" },
      "ping 192.0.2.1: a packet with DF: not permitted; it needs CAP_NET_RAW",
    ],
    [{ dns: "a.example" }, { servers: [] }, "dns a.example: this machine has no name server configured"],
    [{ dns: "a.example" }, { servers: ["192.0.2.1"], rcode: "NXDOMAIN" }, "dns a.example: 192.0.2.1 answers NXDOMAIN"],
    [{ tcp: "192.0.2.1:22" }, { error: "EHOSTUNREACH" }, "tcp 192.0.2.1:22: nobody has this address (EHOSTUNREACH)"],
  ];
  for (const [probe, evidence, text] of lines)
    it(`says: ${text}`, () => equal(describeResult({ probe, ok: false, evidence: evidence as never, ms: 1 }), text));
});

describe("probe: gateways of routes", () => {
  it("are those of the lowest metric of each family in table main, each once", () => {
    const route = (words: Partial<Route>): Route =>
      ({ dst: "default", family: "inet", table: "main", type: "unicast", protocol: "static", ...words }) as Route;
    const routes = [
      route({ via: "192.0.2.9", dev: "b", metric: 100 }),
      route({ via: "192.0.2.1", dev: "a" }),
      route({ via: "192.0.2.1", dev: "a" }),
      route({ via: "192.0.2.7", dev: "c", table: 100 }),
      route({ type: "unreachable", family: "inet6", metric: 1 }),
      route({ dst: "198.51.100.0/24", via: "192.0.2.6", dev: "a" }),
      route({
        family: "inet6",
        metric: 1024,
        nexthops: [
          { via: "fe80::1", dev: "a", weight: 1 },
          { dev: "t", weight: 1 },
        ],
      }),
    ];
    const four = [{ family: "inet", dev: "a", via: "192.0.2.1" }];
    const six = [
      { family: "inet6", dev: "a", via: "fe80::1" },
      { family: "inet6", dev: "t" },
    ];
    deepEqual(gatewaysOf(routes), [...four, ...six]);
    deepEqual(gatewaysOf(routes, "inet6"), six);
    deepEqual(gatewaysOf([]), []);
  });
});

describe("probe: the client of an SSH session", () => {
  const cases: readonly (readonly [Record<string, string>, object | undefined])[] = [
    [{ SSH_CONNECTION: "192.0.2.1 50022 192.0.2.2 22" }, client],
    [{ SSH_CONNECTION: "::ffff:192.0.2.1 50022 ::ffff:192.0.2.2 22" }, client],
    [
      { SSH_CONNECTION: "fe80::1%eth0 50022 fe80::2%eth0 22" },
      { address: "fe80::1", dev: "eth0", port: 50022, local: "fe80::2", localPort: 22 },
    ],
    [{ SSH_CLIENT: "2001:DB8::1 50022 22" }, { address: "2001:db8::1", port: 50022, localPort: 22 }],
    [
      { SSH_CONNECTION: "UNKNOWN 65535 UNKNOWN 65535", SSH_CLIENT: "192.0.2.1 5 22" },
      { address: "192.0.2.1", port: 5, localPort: 22 },
    ],
    [{}, undefined],
    [{ SSH_CONNECTION: "192.0.2.1 0 192.0.2.2 22" }, undefined],
    [{ SSH_CLIENT: "$(reboot) 5 22" }, undefined],
  ];
  for (const [env, wanted] of cases)
    it(`is read from ${JSON.stringify(env)}`, () => deepEqual(sshClientOf(env), wanted));
});
