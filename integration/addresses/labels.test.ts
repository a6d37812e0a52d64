/** Labels of IPv6 addresses: ours beside `ip -json addrlabel`, and which address the kernel takes by them. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { type AddressLabel, AddressLabels } from "../../lib/addresses/labels.ts";
import { canonicalIp } from "../../lib/families/lookup.ts";
import { needs } from "../../test/needs.ts";
import { given, scene } from "../routes/kit.ts";

const asIp = ({ prefix, label, dev }: AddressLabel): object => {
  const [address = "", length] = prefix === "default" ? ["::", "0"] : prefix.split("/");
  return given({ address, prefixlen: length === undefined ? undefined : Number(length), ifname: dev, label });
};

describe("labels of addresses beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever made them, and gone when they are deleted", async () => {
    await using here = await scene();
    const labels = new AddressLabels(here.connection, here.links);
    const agree = async (): Promise<readonly AddressLabel[]> => {
      const ours = await labels.list();
      equal(ours.consistent, true);
      const theirs = await here.json("ip -json addrlabel list");
      deepEqual(
        ours.map(asIp),
        theirs.map(({ address, prefixlen, ...one }) =>
          given({
            ...one,
            address: canonicalIp(String(address)),
            prefixlen: prefixlen === 128 ? undefined : prefixlen,
          }),
        ),
      );
      return ours;
    };
    const before = await agree();
    await labels.create({ prefix: "2001:DB8:5::/48", label: 77 });
    await labels.create({ prefix: "2001:db8:6::1", label: 0xffff_fffe, dev: "d0" });
    await here.sh("ip addrlabel add prefix 2001:db8:7::/48 dev br0 label 78");
    equal((await agree()).length, before.length + 3);
    deepEqual(await labels.list({ prefix: "2001:db8:5:0::/48" }), [{ prefix: "2001:db8:5::/48", label: 77 }]);
    deepEqual(await labels.list({ dev: "br0" }), [{ prefix: "2001:db8:7::/48", label: 78, dev: "br0" }]);
    await labels.replace({ prefix: "2001:db8:5::/48", label: 79 });
    deepEqual(await labels.list({ label: 77 }), []);
    equal((await agree()).length, before.length + 3);
    await rejects(labels.create({ prefix: "2001:db8:5::/48", label: 1 }), {
      code: "EEXIST",
      message: /^cannot add label of 2001:db8:5::\/48: .*\(EEXIST, at prefix\)$/,
    });
    await rejects(labels.delete({ prefix: "2001:db8:99::/48" }), {
      code: "ESRCH",
      message: /^cannot delete label of 2001:db8:99::\/48: .*at prefix\)$/,
    });
    // What is refused before it is sent, the kernel refuses too.
    await here.sh("! ip addrlabel add prefix ::ffff:10.0.0.0/104 label 5 && ip addrlabel list");
    await rejects(labels.create({ prefix: "::ffff:10.0.0.0/104", label: 5 }), { code: "ERR_INPUT", path: ["prefix"] });
    await labels.delete({ prefix: "2001:db8:6::1", dev: "d0" });
    equal(await labels.flush({ label: 79 }), 1);
    await here.sh("ip addrlabel del prefix 2001:db8:7::/48 dev br0 label 78");
    deepEqual(await agree(), before);
    await rejects(labels.flush({}), { code: "ERR_INPUT", message: /^filter: names nothing/ });
    equal(await labels.flush({ family: "inet6" }), before.length);
    deepEqual(await agree(), []);
  });

  it("of a link that is gone are told by its number, and go by it", async () => {
    await using here = await scene();
    const labels = new AddressLabels(here.connection, here.links);
    await here.sh("ip link add v0 index 4000 type veth peer name v1 index 4001");
    for (const dev of ["v0", "v1"]) await labels.create({ prefix: "2001:db8:5::/48", label: 77, dev });
    await labels.create({ prefix: "2001:db8:6::/48", label: 77, dev: "v0" });
    await here.sh("ip link delete v0");
    const left = async (): Promise<unknown> =>
      (await here.json("ip -json addrlabel list")).filter(({ label }) => label === 77).length;
    equal(await left(), 3);
    deepEqual(await labels.list({ dev: "#4001" }), [{ prefix: "2001:db8:5::/48", label: 77, dev: "#4001" }]);
    await labels.delete({ prefix: "2001:db8:5::/48", dev: "#4000" });
    equal(await left(), 2);
    equal(await labels.flush({ label: 77 }), 2);
    equal(await left(), 0);
    await rejects(labels.create({ prefix: "2001:db8:5::/48", label: 77, dev: "#4000" }), { path: ["dev"] });
  });

  it("decide from which address is sent", async () => {
    await using here = await scene();
    const labels = new AddressLabels(here.connection, here.links);
    await here.sh(
      "ip address add 2001:db8:a::1/64 dev d0 nodad; ip address add fd00:a::1/64 dev d0 nodad; ip route add 2001:db8:b::/64 dev d0",
    );
    const source = async (): Promise<unknown> => {
      const [route] = await here.json("ip -json -6 route get 2001:db8:b::9");
      return route?.["prefsrc"];
    };
    await labels.create({ prefix: "2001:db8:b::/64", label: 50 });
    await labels.create({ prefix: "fd00:a::/64", label: 50 });
    equal(await source(), "fd00:a::1");
    await labels.replace({ prefix: "fd00:a::/64", label: 51 });
    await labels.create({ prefix: "2001:db8:a::/64", label: 50 });
    equal(await source(), "2001:db8:a::1");
  });
});
