/** In which order steps are made, where the document has them in any. */
import { deepEqual } from "node:assert/strict";
import { inOrder } from "../../lib/state/order.ts";
import type { Step } from "../../lib/state/step.ts";

/** `create route 10.0.0.0/8 < link a < link b`: a step, and the ids of those that it needs. */
function step(text: string): Step {
  const [what = "", ...needs] = text.split(" < ");
  const [action, object, ...subject] = what.split(" ");
  return { id: `${object} ${subject.join(" ")}`, action, object, subject: subject.join(" "), needs } as unknown as Step;
}
const told = (steps: readonly Step[]): string[] => steps.map(({ action, id }) => `${action} ${id}`);

function isOrder(...wanted: readonly string[]): void {
  const steps = wanted.map(step);
  for (const given of [steps, steps.toReversed(), [...steps.slice(3), ...steps.slice(0, 3)]])
    deepEqual(told(inOrder(given)), told(steps));
}

describe("steps", () => {
  it("come in this order where nothing else is said: what protects first, what leads somewhere last", () =>
    isOrder(
      "create nftables inet linkwright",
      "create link a",
      "create link b",
      "create ethtool a",
      "create qdisc a",
      "change sysctl net.ipv4.conf.all.rp_filter",
      "change sysctl net.ipv4.conf.default.rp_filter",
      "change sysctl net.ipv4.ip_forward",
      "change sysctl net.ipv4.conf.a.rp_filter",
      "change sysctl net.ipv6.neigh.a.gc_stale_time",
      "create wireguard a",
      "create vni 1 on a",
      "create vlan 1 on a",
      "create address 192.0.2.1/24 on a",
      "create nexthop 1",
      "create route 192.0.2.0/24",
      "create fdb 02:00:00:00:00:01 on a",
      "create mdb 239.0.0.1 on a",
      "create neighbor 192.0.2.2 on a",
      "create rule 100",
    ));

  it("go in the reverse of it, and what protects goes last", () =>
    isOrder(
      "remove rule 100",
      "remove neighbor 192.0.2.2 on a",
      "remove mdb 239.0.0.1 on a",
      "remove fdb 02:00:00:00:00:01 on a",
      "remove route 192.0.2.0/24",
      "remove nexthop 1",
      "remove address 192.0.2.1/24 on a",
      "remove link a",
      "remove ethtool b",
      "remove qdisc b",
      "remove wireguard b",
      "remove vlan 1 on b",
      "remove vni 1 on b",
      "remove nftables inet linkwright",
    ));

  it("leave no port without a VLAN, and no key of a peer with two", () =>
    isOrder(
      "remove wireguard peer x on a",
      "create wireguard peer y on a",
      "create vni 2 on a",
      "create vlan 2 on b",
      "remove vlan 1 on b",
      "remove vni 1 on a",
    ));

  it("come after what they need, and that after what it needs, whatever the rest says", () =>
    isOrder(
      "create link c",
      "create link b < link c",
      "create link a < link b < link nowhere",
      "create link d < link a",
    ));

  it("come once, where two need the same, in the order of those that need it", () =>
    isOrder(
      "create link z",
      "create address 2 on z",
      "create link a < link z < address 2 on z",
      "create link b < link z",
    ));

  it("are all there where they need each other in a circle", () =>
    deepEqual(told(inOrder(["create link a < link b", "create link b < link c", "create link c < link a"].map(step))), [
      "create link c",
      "create link b",
      "create link a",
    ]));
});
