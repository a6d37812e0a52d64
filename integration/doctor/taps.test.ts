/** Guests behind taps, whose MTU nobody can read: what the doctor makes of what they send. */
import { deepEqual, ok } from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { diagnose } from "../../lib/doctor/index.ts";
import { Lab } from "../../lib/testkit/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { BRISK } from "./matrix.ts";

/** A virtual machine that sends the frames which it is told to. */
const MACHINE = `
import fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", sys.argv[1].encode(), 0x1002))
print("running", flush=True)
for line in sys.stdin:
    os.write(tap, bytes.fromhex(line))
`;
const TAP = "tap9";
const MAC = "525400000909";
const [TCP, UDP] = [6, 17];

/** An IPv4 packet of that many bytes for an Ethernet address. */
function frame(to: string, protocol: number, payload: string, size: number): string {
  const header = Buffer.from(`4500000000004000400000000c0c8b630c0c8b0c`, "hex");
  header.writeUInt16BE(size, 2);
  header[9] = protocol;
  const packet = Buffer.alloc(size);
  packet.set(header);
  packet.set(Buffer.from(payload, "hex"), header.length);
  return `${to.replaceAll(":", "")}${MAC}0800${packet.toString("hex")}`;
}
/** A TCP handshake begins: padding, then the segments that it offers. */
const offering = (mss: number): string =>
  `c0000050000000010000000070020fff00000000010204${mss.toString(16).padStart(4, "0")}0000000000`.slice(0, 56);

describe("the doctor at the tap of a virtual machine", function () {
  this.timeout(30_000);
  this.retries(0);

  it("names one that sends too much, doubts one that offers to, and says that it does not know of the others", async function () {
    needs(this, "python3");
    if (!existsSync("/dev/net/tun")) skip(this, "there is no /dev/net/tun");
    await using lab = await Lab.up("examples/two-hosts.yaml");
    const host = lab.host("bm1");
    await host.links.create({ kind: "tun", name: TAP, mode: "tap", mtu: 1450, master: "br-vm", up: true });
    const far = lab.guests.map((name) => lab.guest(name)).find(({ on }) => on === "bm2");
    ok(((await (await far?.node.worker())?.ping("12.12.139.1", { timeout: 5000 }))?.received ?? 0) > 0);
    const to = String((await far?.node.host.links.get("eth0"))?.mac);
    const machine = host.netns.run("python3", ["-c", MACHINE, TAP], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(machine, "close");
    try {
      if (machine.stdin === null || machine.stdout === null) throw new Error("the machine has no pipes");
      await once(createInterface(machine.stdout), "line");
      const { stdin } = machine;
      const look = async (...frames: string[]) => {
        const sending = setInterval(() => stdin.write(`${frames.join("\n")}\n`), 100);
        const { findings, unseen } = await diagnose(host, BRISK);
        clearInterval(sending);
        const told = findings.map(({ cause, severity, subject }) => [cause, severity, subject]);
        return { told, unseen: unseen.filter((one) => one.includes(TAP)).length };
      };
      const fitting = frame(to, TCP, offering(1410), 44 + 4);
      deepEqual(await look(fitting, frame(to, UDP, "", 1454)), { told: [], unseen: 1 });
      // What is for this host itself is routed, and who sends too much is told.
      const own = String((await host.links.get("vxlan0"))?.mac);
      await host.links.update("br-vm", { mac: own });
      deepEqual(await look(frame(own, TCP, offering(1460), 48), frame(own, UDP, "", 1500)), { told: [], unseen: 1 });
      const offers = frame(to, TCP, offering(1460), 48);
      deepEqual(await look(offers), { told: [["guest-mtu", "warning", TAP]], unseen: 0 });
      deepEqual(await look(frame(to, UDP, "", 1455)), { told: [["guest-mtu", "error", TAP]], unseen: 0 });
      // What another tunnel of the bridge takes does not matter.
      const small = { kind: "vxlan", name: "vxlan9", vni: 9, dstport: 4789, local: "192.168.0.23", mtu: 1400 } as const;
      await host.links.create({ ...small, master: "br-vm", up: true } as never);
      const { told } = await look(fitting);
      deepEqual(
        told.filter(([, , subject]) => subject === TAP),
        [],
      );
    } finally {
      machine.kill();
      await ended;
    }
  });
});
