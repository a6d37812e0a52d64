/** The doctor on a fabric that only some kernels can have: it stands here as these tests run in other kernels too. */
import { deepEqual } from "node:assert/strict";
import { diagnose } from "../../lib/doctor/index.ts";
import { parseSource } from "../../lib/state/index.ts";
import { Lab } from "../../lib/testkit/index.ts";
import { skip } from "../../test/needs.ts";
import { hasVlans } from "../doctor/healthy.ts";
import { BRISK } from "../doctor/matrix.ts";

const HOSTS = `linkwright: 1
hosts:
  bm1: { underlay: ens34f0, vtep: 192.168.0.23 }
  bm2: { underlay: ens34f0, vtep: 192.168.0.24 }
`;

describe("the doctor asks", function () {
  this.timeout(30_000);
  this.retries(0);

  it("in each VNI of overlays that share a VXLAN by VLAN, and finds nothing wrong", async function () {
    if (!(await hasVlans())) skip(this, "bridges of this kernel have no VLANs");
    const document = `${HOSTS}overlays:
  red: { vni: 110, vlan: 10, bridge: br0, gateway: { bm1: [10.1.0.1/24], bm2: [10.1.0.2/24] } }
  blue: { vni: 120, vlan: 20, bridge: br0, gateway: { bm1: [10.2.0.1/24], bm2: [10.2.0.2/24] } }
`;
    await using lab = await Lab.up(parseSource(document, "vlans.yaml"), { guestsPerHost: 0 });
    const { findings, asked, unseen } = await diagnose(lab.host("bm1"), BRISK);
    // The kernel tells VNIs in the order of its own table.
    const ends = Object.values(asked.ends)
      .flat()
      .sort((a, b) => Number(a.vni) - Number(b.vni));
    // Linux answers for all of its addresses on each of its links.
    deepEqual(
      ends.map(({ vni, macs }) => [vni, macs.has(vni === 110 ? "10.1.0.2" : "10.2.0.2")]),
      [
        [110, true],
        [120, true],
      ],
    );
    const vlans = "whether guests on br0 are there twice: its VLANs are networks of their own";
    deepEqual([findings, unseen], [[], [vlans]]);
  });
});
