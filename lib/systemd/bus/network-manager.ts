/** NetworkManager: which links it manages. */
import { readlinkSync } from "node:fs";
import type { Connection } from "./connection.ts";
import { Refused, refusalOf } from "./error.ts";

const SERVICE = "org.freedesktop.NetworkManager";
const PATH = "/org/freedesktop/NetworkManager";
const BUS = { destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };

/** The path of no object. */
const NOTHING = "/";
/** Somebody else configured the link, and it only looks on. Source: NetworkManager's D-Bus API, NM_ACTIVATION_STATE_FLAG_EXTERNAL */
const EXTERNAL = 0x80;

/** NetworkManager of this machine. */
export class NetworkManager {
  readonly #connection: Connection;
  readonly #netns: number | undefined;

  /** @internal */
  constructor(connection: Connection, netns: number | undefined) {
    this.#connection = connection;
    this.#netns = netns;
  }

  /** Which of these links it manages; none where it does not run, or runs in another network namespace. */
  async managed(names: readonly string[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    if (!(await this.#isHere())) return found;
    for (const name of names) if (await this.#manages(name)) found.add(name);
    return found;
  }

  /** Reads its files again. Same as: nmcli general reload conf */
  async reload(): Promise<void> {
    if (!(await this.#isHere())) return;
    const call = { destination: SERVICE, path: PATH, interface: SERVICE, member: "Reload", signature: "u", body: [1] };
    await this.#connection.call(call).catch((error: unknown) => {
      throw error instanceof Refused ? refusalOf("have NetworkManager read its files", error) : error;
    });
  }

  async #isHere(): Promise<boolean> {
    try {
      const call = { ...BUS, member: "GetConnectionUnixProcessID", signature: "s", body: [SERVICE] };
      const [pid] = await this.#connection.call(call);
      const inode = Number(/\d+/.exec(readlinkSync(`/proc/${Number(pid)}/ns/net`))?.[0]);
      return this.#netns === undefined || inode === this.#netns;
    } catch (error) {
      if (error instanceof Refused || (error as { syscall?: unknown }).syscall === "readlink") return false;
      throw error;
    }
  }

  async #manages(name: string): Promise<boolean> {
    try {
      const ask = { destination: SERVICE, path: PATH, interface: SERVICE };
      const [path] = await this.#connection.call({
        ...ask,
        member: "GetDeviceByIpIface",
        signature: "s",
        body: [name],
      });
      if ((await this.#property(String(path), "Device", "Managed")) !== true) return false;
      const active = String(await this.#property(String(path), "Device", "ActiveConnection"));
      if (active === NOTHING) return true;
      return (Number(await this.#property(active, "Connection.Active", "StateFlags")) & EXTERNAL) === 0;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // A link that it does not know, or no more.
      if (/Unknown(Device|Object|Method)$/.test(error.reason)) return false;
      throw refusalOf(`ask NetworkManager whether it manages ${name}`, error);
    }
  }

  async #property(path: string, of: string, name: string): Promise<unknown> {
    const where = { destination: SERVICE, path, interface: "org.freedesktop.DBus.Properties" };
    const call = { ...where, member: "Get", signature: "ss", body: [`${SERVICE}.${of}`, name] };
    return (await this.#connection.call(call))[0];
  }
}
