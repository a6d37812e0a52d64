/** Who is named for what differs, and how soon it is put right. */
import { deepEqual, equal, match } from "node:assert/strict";
import { MANAGERS } from "../../lib/drift/managers.ts";
import { Pace } from "../../lib/drift/pace.ts";
import { suspectsOf } from "../../lib/drift/suspects.ts";
import type { Finding } from "../../lib/state/verify.ts";

const finding = (object: Finding["object"]): Finding => ({
  ...{ object, subject: "x", field: "y", wanted: 1, found: 2, outcome: "drifted", state: "differs" },
});
const whoFor = (...args: Parameters<typeof suspectsOf>): string[] => suspectsOf(...args).map(({ who }) => who);

describe("suspects", () => {
  it("are those who were seen, the latest first", () => {
    const authors = [{ pid: 7, command: "systemd-network" }, { pid: 8 }, { pid: 9, command: "ip" }];
    deepEqual(whoFor([finding("address")], authors, MANAGERS), [
      "ip (process 9)",
      "a program that has ended (process 8)",
      "systemd-networkd (process 7)",
    ]);
  });

  it("are whoever started the program that was seen, with what it takes that they do so no more", () => {
    const callers = ["sh", "dockerd", "systemd"];
    const [docker, ...others] = suspectsOf([finding("nftables")], [{ pid: 9, command: "iptables", callers }], []);
    deepEqual([docker?.who, docker?.because, others], ["Docker, by iptables (process 9)", "seen", []]);
    match(docker?.cure ?? "", /daemon\.json/);
    deepEqual(whoFor([finding("link")], [{ pid: 9, callers: ["NetworkManager"] }], MANAGERS.slice(0, 2)), [
      "NetworkManager, by a program that has ended (process 9)",
      "systemd-networkd",
    ]);
  });

  it("are also those who are here, for what nobody was seen to change", () => {
    const here = MANAGERS.filter(({ name }) => ["Docker", "systemd-networkd"].includes(name));
    const ip = [{ pid: 9, command: "ip" }];
    deepEqual(whoFor([finding("address")], ip, here), ["ip (process 9)"]);
    deepEqual(whoFor([finding("address"), finding("sysctl")], ip, here), [
      "ip (process 9)",
      "systemd-networkd",
      "Docker",
    ]);
    deepEqual(whoFor([finding("link")], ip, here.slice(0, 1)), ["ip (process 9)", "systemd-networkd"]);
    deepEqual(whoFor([finding("nftables")], [{ pid: 9 }], here), ["a program that has ended (process 9)", "Docker"]);
    deepEqual(whoFor([finding("sysctl")], [{ pid: 7, command: "systemd-network" }], here), [
      "systemd-networkd (process 7)",
      "Docker",
    ]);
  });

  it("are not the systemd that made a socket for somebody else", () => {
    const here = MANAGERS.filter(({ name }) => name === "systemd-networkd");
    deepEqual(whoFor([finding("address")], [{ pid: 1, command: "systemd" }], here), ["systemd-networkd"]);
    deepEqual(whoFor([finding("address")], [{ pid: 1, command: "app" }], here), ["app (process 1)"]);
  });

  it("else are those who are here and change such things", () => {
    const here = MANAGERS.filter(({ name }) => ["Docker", "firewalld", "NetworkManager"].includes(name));
    deepEqual(whoFor([finding("nftables")], [], here), ["Docker", "firewalld"]);
    deepEqual(whoFor([finding("address")], [], here), ["NetworkManager"]);
    deepEqual(whoFor([finding("qdisc" as never)], [], here), []);
    deepEqual(whoFor([], [{ pid: 1 }], here), []);
  });
});

describe("the pace of repairs", () => {
  const paces = { shortest: 100, longest: 350, retry: 150, calm: 1000 };
  it("doubles up to the longest, and is forgotten after a calm time", () => {
    const pace = new Pace(paces);
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 5; i++) {
      now += pace.wait(now);
      pace.made(now);
      waits.push(pace.wait(now));
    }
    deepEqual(waits, [100, 200, 350, 350, 350]);
    equal(pace.isContested, true);
    now += 350 + 1001;
    equal(pace.wait(now), 0);
    pace.made(now);
    equal(pace.isContested, false);
    equal(pace.wait(now), 100);
  });

  it("is not slow after what failed, also where it was contested before: a watchdog waits for it", () => {
    const pace = new Pace(paces);
    for (let i = 0; i < 5; i++) pace.made(0);
    equal(pace.wait(0), 350);
    for (let i = 0; i < 3; i++) {
      pace.made(0, true);
      equal(pace.wait(0), 150);
    }
  });
});
