/**
 * What only cards have: rings, pause frames, a connector, speeds to choose. Both ways to ask for them, beside the program
 * `ethtool`. Where another kernel runs on an emulated computer it has such cards.
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { Ethtool } from "../../lib/ethtool/ethtool.ts";
import { ethtoolIoctl } from "../../lib/ethtool/ioctl.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { Connection } from "../../lib/socket/connection.ts";
import { needs, skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { table, withoutFamily } from "./kit.ts";

const CARDS = process.env["LINKWRIGHT_CARDS"];
const MEGABIT = 1_000_000;

describe("ethtool: cards", () => {
  let netns: Netns;
  let connection: Connection;
  /** The two ways: over netlink, and as before Linux 5.6. */
  let ways: readonly Ethtool[];
  let names: ReadonlyMap<string, string>;
  const sh = (line: string): string =>
    execFileSync("nsenter", [`--net=${CARDS}`, "sh", "-c", `${line} 2>&1 || true`], { encoding: "utf8" });
  const nameOf = (driver: string): string => names.get(driver) ?? "";

  before(async function () {
    if (CARDS === undefined) skip(this, "no emulated cards here; npm run test:kernels -- qemu integration/ethtool");
    needs(this, "ip", "ethtool", "nsenter");
    netns = Netns.open(CARDS);
    connection = Connection.open({ protocol: 16, netns: netns.fd });
    const ioctl = ethtoolIoctl(netns.fd);
    const ethtool = new Ethtool(connection, ioctl);
    ways = [ethtool, new Ethtool(withoutFamily, ioctl)];
    const links = JSON.parse(sh("ip -json link show")) as { readonly ifname: string }[];
    const cards = links.filter(({ ifname }) => ifname !== "lo");
    names = new Map(
      await Promise.all(cards.map(async ({ ifname }) => [(await ethtool.driver(ifname)).driver, ifname] as const)),
    );
    deepEqual([...names.keys()].sort(), ["e1000", "virtio_net"]);
  });
  after(() => {
    connection?.close();
    netns?.close();
  });

  /** Both ways tell the same, but for what only netlink has. */
  async function same<T extends object>(read: (way: Ethtool) => Promise<T>, ...only: readonly (keyof T)[]): Promise<T> {
    const [first, second] = await Promise.all(ways.map(read));
    const rest = Object.fromEntries(Object.entries(first ?? {}).filter(([key]) => !only.includes(key as keyof T)));
    deepEqual(second, rest);
    return first as T;
  }

  it("have rings", async () => {
    const card = nameOf("e1000");
    const read = () => same((way) => way.rings(card), "txPush", "rxPush", "tcpDataSplit", "hdsThresh", "hdsThreshMax");
    for (const [i, way] of ways.entries()) {
      const wanted = { rx: 512 + 64 * i, tx: 128 + 64 * i };
      const told = await way.setRings(card, wanted);
      deepEqual([told.rx, told.tx, told.rxMax, told.txMax], [wanted.rx, wanted.tx, 4096, 4096]);
      await read();
      const shown = table(sh(`ethtool -g ${card}`));
      deepEqual(
        ["RX", "TX"].map((label) => shown.get(`Current hardware settings / ${label}`)),
        [wanted.rx, wanted.tx].map(String),
      );
      await way.setRings(card, { tx: 256 });
      equal((await read()).rx, wanted.rx, "absent stays");
      for (const word of ["rx", "tx"]) tried(`rings.${word}`, "changes");
      await rejects(way.setRings(card, { rx: 5000 }), { code: "EINVAL", message: /^cannot set rings of / });
    }
    sh(`ethtool -G ${card} rx 1024 tx 1024`);
    equal((await read()).tx, 1024);
    await rejects(ways[1]?.setRings(card, { rxBufLen: 2048 }) ?? Promise.resolve(), {
      code: "EOPNOTSUPP",
      message: /it needs ethtool over netlink, which this kernel has not \(EOPNOTSUPP, at rxBufLen\)$/,
    });
  });

  it("have pause frames", async () => {
    const card = nameOf("e1000");
    for (const [i, way] of ways.entries()) {
      const wanted = { autoneg: false, rx: i === 0, tx: i === 1 };
      deepEqual(await way.setPause(card, wanted), wanted);
      deepEqual(await same((one) => one.pause(card)), wanted);
      const shown = table(sh(`ethtool -a ${card}`));
      deepEqual(
        ["Autonegotiate", "RX", "TX"].map((label) => shown.get(`Pause parameters for ${card} / ${label}`)),
        [wanted.autoneg, wanted.rx, wanted.tx].map((on) => (on ? "on" : "off")),
      );
    }
    for (const word of ["autoneg", "rx", "tx"]) tried(`pause.${word}`, "changes");
    sh(`ethtool -A ${card} autoneg on rx on tx on`);
    deepEqual(await same((one) => one.pause(card)), { autoneg: true, rx: true, tx: true });
  });

  it("have a connector", async () => {
    const card = nameOf("e1000");
    for (const way of ways)
      for (const mdix of ["on", "off", "auto"] as const) {
        equal((await way.setLinkInfo(card, { mdix })).mdix, mdix);
        await same((one) => one.linkInfo(card));
        const shown = table(sh(`ethtool ${card}`)).get(`Settings for ${card} / MDI-X`) ?? "";
        tried("linkinfo.mdix", "changes");
        match(shown, { on: /^on \(forced\)$/, off: /^off \(forced\)$/, auto: /\(auto\)$/ }[mdix]);
      }
  });

  it("have speeds to choose from", async () => {
    const card = nameOf("e1000");
    const read = () => same((one) => one.linkModes(card), "rateMatching", "lanes");
    const { supported } = await read();
    ok(supported.includes("1000baseT/Full") && supported.includes("Autoneg"), supported.join(" "));
    for (const way of ways) {
      await way.setLinkModes(card, { autoneg: true, advertise: { "10baseT/Half": false, "1000baseT/Full": true } });
      const { advertised } = await read();
      ok(!advertised.includes("10baseT/Half") && advertised.includes("1000baseT/Full"), advertised.join(" "));
      // A speed of several modes: those of it are offered, and nothing else of their sort.
      await way.setLinkModes(card, { speed: 100 * MEGABIT });
      const offered = (await read()).advertised.filter((mode) => mode.includes("base"));
      deepEqual(offered, ["100baseT/Half", "100baseT/Full"]);
      const shown = table(sh(`ethtool ${card}`)).get(`Settings for ${card} / Advertised link modes`);
      equal(shown?.replaceAll(/ +/g, " "), "100baseT/Half 100baseT/Full");
      await way.setLinkModes(card, { autoneg: false, speed: 100 * MEGABIT, duplex: "full" });
      equal((await read()).autoneg, false);
      equal(table(sh(`ethtool ${card}`)).get(`Settings for ${card} / Auto-negotiation`), "off");
      sh(`ethtool -s ${card} autoneg on advertise 0x02f`);
      deepEqual((await read()).advertised.filter((mode) => mode.includes("base")).length, 5);
      await rejects(way.setLinkModes(card, { advertise: { "12baseT/Full": true } }), { message: /at advertise/ });
    }
    for (const word of ["autoneg", "advertise", "speed"]) tried(`linkmodes.${word}`, "changes");
    await rejects(ways[1]?.setLinkModes(card, { lanes: 1 }) ?? Promise.resolve(), {
      code: "EOPNOTSUPP",
      message: /at lanes\)/,
    });
  });

  it("tell the rest in both ways, too", async () => {
    for (const card of names.values()) {
      await same((one) => one.linkState(card), "downs");
      await same((one) => one.linkInfo(card));
      await same((one) => one.linkModes(card), "rateMatching", "lanes");
    }
    const virtio = nameOf("virtio_net");
    await same((one) => one.channels(virtio));
    const { speed, duplex } = (await ways[1]?.setLinkModes(virtio, { speed: 2500 * MEGABIT, duplex: "half" })) ?? {};
    deepEqual([speed, duplex], [2500 * MEGABIT, "half"]);
    tried("linkmodes.duplex", "changes");
    const told = await ways[0]?.coalesce(virtio);
    const old: Readonly<Record<string, unknown>> = { ...(await ways[1]?.coalesce(virtio)) };
    for (const [key, value] of Object.entries(told ?? {})) equal(old[key], value, key);
  });
});
