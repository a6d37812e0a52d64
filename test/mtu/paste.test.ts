import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { parse } from "yaml";
import { PASTES, type PasteName, paste } from "../../lib/mtu/paste.ts";
import { needs } from "../needs.ts";

const VALUES = { mtu: 1450, bridge: "br-vm" };
const texts = (name: PasteName): string[] => paste(name, VALUES).map(({ text }) => text);
const yaml = (name: PasteName): unknown[] => texts(name).map((text) => parse(text));

describe("what to paste", () => {
  it("says where each belongs", () => {
    for (const name of PASTES) for (const { where } of paste(name, VALUES)) assert.notEqual(where, "");
  });

  it("gives dnsmasq and ip one line", () => {
    assert.deepEqual(texts("dnsmasq"), ["dhcp-option=26,1450"]);
    assert.deepEqual(texts("ip"), ["ip link set dev enp1s0 mtu 1450"]);
  });

  it("gives Kea the option as JSON", () => {
    const option = { name: "interface-mtu", code: 26, data: "1450" };
    assert.deepEqual(JSON.parse(texts("kea")[0] ?? ""), { Dhcp4: { "option-data": [option] } });
  });

  it("gives netplan and cloud-init the same, one level apart", () => {
    const [seed] = yaml("cloud-init");
    assert.deepEqual(seed, {
      version: 2,
      ethernets: { enp1s0: { match: { macaddress: "52:54:00:12:34:56" }, dhcp4: true, mtu: 1450 } },
    });
    assert.deepEqual(yaml("netplan"), [{ network: seed }]);
  });

  it("gives OpenShift the card's MTU in install-config, and the pods' in the manifest", () => {
    const [state] = yaml("nmstate");
    const card = { name: "enp1s0", type: "ethernet", state: "up", mtu: 1450, ipv4: { enabled: true, dhcp: true } };
    assert.deepEqual(state, { interfaces: [card] });
    assert.deepEqual(yaml("openshift"), [
      { platform: { baremetal: { hosts: [{ name: "master-0", networkConfig: state }] } } },
      {
        apiVersion: "operator.openshift.io/v1",
        kind: "Network",
        metadata: { name: "cluster" },
        spec: { defaultNetwork: { type: "OVNKubernetes", ovnKubernetesConfig: { mtu: 1350 } } },
      },
    ]);
  });

  it("gives libvirt well-formed XML, whatever the bridge is called", function () {
    needs(this, "python3");
    const [snippet] = paste("libvirt", { mtu: 1450, bridge: `a'"<&>b` });
    const script =
      "import sys, xml.etree.ElementTree as t; r = t.fromstring(sys.stdin.read()); " +
      "print(r.get('type'), r.find('source').get('bridge'), r.find('mtu').get('size'))";
    const { stdout, stderr } = spawnSync("python3", ["-c", script], { input: snippet?.text, encoding: "utf8" });
    assert.equal(stdout, `bridge a'"<&>b 1450\n`, stderr);
  });
});
