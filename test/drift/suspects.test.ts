/** Who is named for what differs, and how soon it is put right. */
import { deepEqual, equal } from "node:assert/strict";
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
    deepEqual(whoFor([finding("link")], authors, MANAGERS), [
      "ip (process 9)",
      "a program that has ended (process 8)",
      "systemd-networkd (process 7)",
    ]);
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
  const paces = { shortest: 100, longest: 350, calm: 1000 };
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
});
