/** Links that NetworkManager manages, as far as it tells: another program has its name on the bus, and answers as 1.42 does. */
import { deepEqual, equal, match } from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../systemd/kit.ts";
import { eventually } from "../transaction/kit.ts";
import { NetworkdHost } from "./host.ts";

const BUS = pathToFileURL(join(ROOT, "node_modules/@jellybrick/dbus-next/dist/index.mjs")).href;
/** Whoever owns this name needs leave: that of the package network-manager is not there. */
const POLICY = `<busconfig><policy user="root"><allow own="org.freedesktop.NetworkManager"/>
<allow send_destination="org.freedesktop.NetworkManager"/></policy></busconfig>`;
/** Prints each call that changes something. */
const STAND_IN = `
import { Message, systemBus, Variant } from ${JSON.stringify(BUS)};
const NM = "org.freedesktop.NetworkManager";
// Managed; the connection that is active on it, and the flags of that: 0x80 is external.
const links = { mine: [true, 1], seen: [true, 2], free: [false, 0], bare: [true, 0], other: [false, 0], mute: [true, 0] };
const names = Object.keys(links);
const device = (name) => "/org/freedesktop/NetworkManager/Devices/" + (names.indexOf(name) + 1);
const active = (n) => (n === 0 ? "/" : "/org/freedesktop/NetworkManager/ActiveConnection/" + n);
const bus = systemBus();
const reply = (to, signature, body) => bus.send(Message.newMethodReturn(to, signature, body));
const deny = (to, name, words = name) => bus.send(Message.newError(to, NM + "." + name, words));
function property(path, of, name) {
  const number = Number(path.split("/").at(-1));
  if (of === NM + ".Connection.Active" && name === "StateFlags") return new Variant("u", number === 2 ? 0x80 | 1 : 1);
  const [managed, connection] = links[names[number - 1]] ?? [];
  if (of === NM + ".Device" && name === "Managed") return new Variant("b", managed);
  if (of === NM + ".Device" && name === "ActiveConnection") return new Variant("o", active(connection));
}
bus.addMethodHandler((call) => {
  const { member, body, path } = call;
  if (call.destination !== NM) return false;
  if (member === "GetDeviceByIpIface")
    names.includes(body[0]) ? reply(call, "o", [device(body[0])]) : deny(call, "UnknownDevice", "No device found for the requested iface.");
  else if (member === "Get" && path.endsWith("/6")) deny(call, "PermissionDenied");
  else if (member === "Get") reply(call, "v", [property(path, ...body)]);
  else if (member === "Reload") (console.log("Reload " + body[0]), reply(call));
  else return false;
  return true;
});
await bus.requestName(NM, 0);
console.log("ready");
`;

const ENTRY = pathToFileURL(join(ROOT, "dist/lib/systemd/index.js")).href;
const HOST = pathToFileURL(join(ROOT, "dist/lib/index.js")).href;

const LINKS = ["mine", "seen", "free", "bare", "other"];
const made = (mtu: number): string => LINKS.map((name) => `  ${name}: { kind: bridge, mtu: ${mtu} }\n`).join("");
const document = (mtu: number): string => `linkwright: 1\nlinks:\n${made(mtu)}`;

describe("links that NetworkManager manages", function () {
  this.timeout(240_000);
  let host: NetworkdHost;
  let said = "";
  before(async function () {
    host = await NetworkdHost.start(this);
    await host.systemd.write("/etc/dbus-1/system.d/stand-in.conf", POLICY);
    await host.systemd.must("systemctl", "reload", "dbus");
    await start();
    for (const name of LINKS) await host.systemd.must("ip", "link", "add", name, "type", "bridge");
  });
  after(async () => await host?.systemd.end());

  /** Begins to answer; ends with the host. */
  async function start(...before: readonly string[]): Promise<() => Promise<unknown>> {
    await host.systemd.must("mkdir", "-p", "/run/NetworkManager", "/etc/NetworkManager");
    const child = host.systemd.spawn(...before, process.execPath, "--input-type=module", "--eval", STAND_IN);
    said = "";
    const hear = (text: string): void => {
      said += text;
    };
    child.stdout?.setEncoding("utf8").on("data", hear);
    child.stderr?.setEncoding("utf8").on("data", hear);
    const over = once(child, "close");
    await eventually(async () => said, "ready\n");
    return async () => {
      child.kill();
      await over;
    };
  }

  const refused = (link: string): string =>
    `linkwright: ${link} is managed by NetworkManager, which may undo link ${link}; take ${link} from it: linkwright systemd unmanage FILE; or go on: --allow-managed`;

  for (const command of ["apply", "systemd install", "systemd install --direct", "systemd apply --deadline 0"])
    it(`are refused by ${command}; not so those that it only looks at, or has nothing to do with`, async () => {
      const [files, state] = [await host.files(), await host.state()];
      const { code, stderr } = await host.on(document(1400), command);
      equal(code, 1);
      deepEqual(
        stderr.split("\n").filter((line) => /^linkwright: /.test(line)),
        [refused("mine"), refused("bare")],
      );
      deepEqual([await host.files(), await host.state()], [files, state]);
    });

  it("are not known where it does not answer, and that is said", async () => {
    const { stderr } = await host.on("linkwright: 1\nlinks: { mute: { kind: bridge } }\n", "plan");
    match(stderr, /^whether systemd-networkd or NetworkManager manage a link is not known: .*PermissionDenied/m);
  });

  it("are known by busctl too, which does not print the names of errors; what networkd told counts where it does not answer", async () => {
    const own = "/etc/systemd/network/10-ens34f0.network";
    const mine = "[Match]\nName=ens34f0\n[Network]\nAddress=192.168.0.23/24\nLinkLocalAddressing=no\n";
    await host.systemd.write(own, mine);
    await host.systemd.must("networkctl", "reload");
    await host.configured("ens34f0");
    const program = `
      import { ownersOf, Systemd } from ${JSON.stringify(ENTRY)};
      import { Host } from ${JSON.stringify(HOST)};
      const systemd = new Systemd({ speakers: ["busctl"] });
      console.log(JSON.stringify([...(await systemd.networkManager.managed(["mine", "gone", "seen"]))]));
      const host = await Host.open();
      const { links, networkd, unasked } = await ownersOf(host, { links: [{ name: "mute" }] });
      console.log(JSON.stringify([[...links.keys()], networkd, unasked !== undefined]));
      await host[Symbol.asyncDispose]();
      systemd.close();`;
    const { stdout, stderr } = await host.systemd.run(process.execPath, "--input-type=module", "--eval", program);
    deepEqual([stdout, stderr], ['["mine"]\n[["ens34f0"],true,true]\n', ""]);
    await host.systemd.must("rm", own);
    await host.systemd.must("networkctl", "reload");
  });

  it("may be changed where that is allowed", async () => {
    const { code, stderr } = await host.on(document(1400), "apply", "--allow-managed");
    equal(code, 0, stderr);
    equal((await host.link("mine"))?.mtu, 1400);
  });

  it("are taken from it by a file that it is told to read", async () => {
    const { code, stderr } = await host.on(document(1400), "systemd unmanage");
    equal(code, 0, stderr);
    equal(said, "ready\nReload 1\n");
    match(
      await host.systemd.must("cat", "/etc/NetworkManager/conf.d/95-linkwright.conf"),
      /^\[keyfile\]\nunmanaged-devices\+=interface-name:=mine;interface-name:=seen;.*;interface-name:=other\n$/m,
    );
    equal((await host.systemd.linkwright("systemd", "uninstall")).code, 0);
    equal(said, "ready\nReload 1\nReload 1\n");
  });
});
