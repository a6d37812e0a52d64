/** A host with the machine's own systemd and networkd, a network card, and the command where units look for it. */
import { deepEqual, equal } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ended, SystemdHost } from "../systemd/kit.ts";
import { isComplaint } from "../systemd-export/networkd.ts";

const DOCUMENT = "/root/host.yaml";
const DIRECTORIES = ["/etc/systemd", "/run/systemd/network", "/run/systemd/system", "/etc/linkwright", "/etc/sysctl.d"];
/** With the broadcast address that networkd computes: where it is another, networkd 252 sets it on and on until that fails. */
const ADDRESS = ["address", "add", "192.168.0.23/24", "broadcast", "+", "dev", "ens34f0"];
const TEST_UNITS = /linkwright-(ready|test)\.\w+/;

/** The first version that was seen to take addresses and routes when it starts; of those before it, 252 was looked at. */
export const TAKES_MORE = 257;

/** What a link of `ip -json -d link` tells that tests ask about. */
export interface ToldLink {
  readonly ifname: string;
  readonly ifindex: number;
  readonly mtu: number;
  readonly address: string;
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: Readonly<Record<string, unknown>> };
}

/** The host of one suite of tests. */
export class NetworkdHost {
  readonly systemd: SystemdHost;
  /** Lines that networkd had said when it was cleaned last. */
  #old = 0;

  private constructor(systemd: SystemdHost) {
    this.systemd = systemd;
  }

  static async start(context: Mocha.Context): Promise<NetworkdHost> {
    const systemd = await SystemdHost.start(context);
    await systemd.installPackage();
    await systemd.must("sh", "-c", "rm -f /etc/systemd/network/* /run/systemd/network/*; ip link set lo up");
    for (const words of ["add ens34f0 type veth peer name cable", "set cable up", "set ens34f0 up"])
      await systemd.must("ip", "link", ...words.split(" "));
    await systemd.must("ip", ...ADDRESS);
    await systemd.must("systemctl", "start", "systemd-networkd");
    return new NetworkdHost(systemd);
  }

  /** That of its systemd. */
  async version(): Promise<number> {
    return Number(/^systemd (\d+)/.exec(await this.systemd.must("systemctl", "--version"))?.[1]);
  }

  /** Writes the document, and runs a command on it. */
  async on(text: string, command: string, ...options: readonly string[]): Promise<Ended> {
    await this.systemd.write(DOCUMENT, text);
    return await this.systemd.linkwright(...command.split(" "), DOCUMENT, ...options);
  }

  async install(text: string, ...options: readonly string[]): Promise<Ended> {
    return await this.on(text, "systemd install", ...options);
  }

  /** Installs what has to work. */
  async installed(text: string, ...options: readonly string[]): Promise<Ended> {
    const ended = await this.install(text, ...options);
    equal(ended.code, 0, ended.stderr + (await this.log()));
    return ended;
  }

  /** Waits until networkd has configured a link. */
  async configured(link: string): Promise<void> {
    for (const end = Date.now() + 15_000; ; await sleep(50)) {
      const { stdout } = await this.systemd.run("networkctl", "--no-legend", "list", link);
      if (/ configured\s*$/.test(stdout)) break;
      if (Date.now() > end) throw new Error(`not configured: ${stdout}`);
    }
    // What it deletes on the way may come a moment later.
    await sleep(300);
  }

  /**
   * What networkd takes that it did not make, it takes some time after it was told. From 257 on, it takes neighbors at some
   * times only: these are not looked at.
   */
  async loses(lost: () => Promise<readonly string[]>, ...wanted: readonly string[]): Promise<void> {
    const takesMore = (await this.version()) >= TAKES_MORE;
    const told = (names: readonly string[]): readonly string[] =>
      names.filter((name) => !takesMore || name !== "neighbor").sort();
    for (const end = Date.now() + 10_000; ; await sleep(100)) {
      const now = told(await lost());
      if (JSON.stringify(now) === JSON.stringify(told(wanted)) || Date.now() > end) return deepEqual(now, told(wanted));
    }
  }

  /** Takes everything away that an installation made. */
  async clean(): Promise<void> {
    await this.systemd.linkwright("systemd", "uninstall");
    await this.systemd.must(
      "sh",
      "-c",
      `cd /sys/class/net; for l in *; do case $l in lo | ens34f0 | cable) ;; *) ip link del "$l" 2>/dev/null ;; esac; done; rm -rf /etc/systemd/network/* /run/systemd/network/*; ip rule del priority 1000; ip ${ADDRESS.join(" ")}; ip link set ens34f0 mtu 1500; networkctl reload; nft flush ruleset; systemctl reset-failed; true`,
    );
    this.#old = (await this.#said()).length;
  }

  /** Names, modes and sums of all files that an installation may touch. */
  async files(): Promise<string> {
    const script = `find ${DIRECTORIES.join(" ")} -type f -printf '%p %m ' -exec sha256sum {} \\; 2>/dev/null`;
    const { stdout } = await this.systemd.run("sh", "-c", script);
    const lines = stdout.split("\n").filter((line) => /linkwright|\.network/.test(line) && !TEST_UNITS.test(line));
    return lines
      .map((line) => `${line}\n`)
      .sort()
      .join("");
  }

  /** All of `ip`, as text without what runs by itself. */
  async state(): Promise<string> {
    const script =
      "ip -oneline link; ip -oneline -4 address; ip -4 route show table all; ip rule; nft list ruleset; sysctl -n net.ipv4.ip_forward";
    const text = await this.systemd.must("sh", "-c", script);
    return text.replaceAll(/ (qlen|state|valid_lft|preferred_lft) \S+/g, "");
  }

  async link(name: string): Promise<ToldLink | undefined> {
    const { code, stdout } = await this.systemd.run("ip", "-json", "-d", "link", "show", name);
    return code === 0 ? (JSON.parse(stdout) as ToldLink[])[0] : undefined;
  }

  async #said(): Promise<readonly { readonly PRIORITY: string; readonly MESSAGE: string }[]> {
    await this.systemd.must("journalctl", "--sync");
    // Not what the first process says of it.
    const own = "_SYSTEMD_UNIT=systemd-networkd.service";
    const fields = "--output-fields=PRIORITY,MESSAGE";
    const text = await this.systemd.must("journalctl", "--quiet", "--no-pager", "--output=json", fields, own);
    const lines = text.split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }

  /** What networkd said since the last cleaning that is a complaint. */
  async log(): Promise<string> {
    const said = (await this.#said()).slice(this.#old);
    const complaints = said.filter(({ PRIORITY, MESSAGE }) => isComplaint(Number(PRIORITY), MESSAGE));
    return complaints.map(({ MESSAGE }) => MESSAGE).join("\n");
  }
}
