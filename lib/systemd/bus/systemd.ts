/** The door to systemd: one connection, and who is asked over it. */
import { Connection } from "./connection.ts";
import { NetworkManager } from "./network-manager.ts";
import { Networkd } from "./networkd.ts";
import { Units } from "./units.ts";

/** Options of {@link Systemd}. */
export interface SystemdOptions {
  /** Address of the bus. Default: `$DBUS_SYSTEM_BUS_ADDRESS`, else `unix:path=/run/dbus/system_bus_socket`. */
  readonly address?: string | undefined;
  /** Path of networkd's Varlink socket. Default: `/run/systemd/netif/io.systemd.Network`, which it has since systemd 257. */
  readonly socket?: string | undefined;
  /** Inode of the network namespace that networkd has to manage, `host.netns.identity.inode`. Default: the calling thread's. */
  readonly netns?: number | undefined;
  /** Who speaks D-Bus, in the order in which they are tried. Default: `["package", "busctl"]`. */
  readonly speakers?: readonly ("package" | "busctl")[] | undefined;
}

/**
 * systemd of this machine. Nothing happens until something is asked: over Varlink where systemd's version has the
 * method, else over D-Bus, by the package `@jellybrick/dbus-next`, else by `busctl`.
 */
export class Systemd implements Disposable, AsyncDisposable {
  /** systemd-networkd. */
  readonly networkd: Networkd;
  /** NetworkManager, which is asked over the same bus. */
  readonly networkManager: NetworkManager;
  /** Services and other units. */
  readonly units: Units;
  readonly #connection: Connection;

  constructor({ address, socket, netns, speakers }: SystemdOptions = {}) {
    this.#connection = new Connection(address, speakers);
    this.units = new Units(this.#connection);
    this.networkManager = new NetworkManager(this.#connection, netns);
    this.networkd = new Networkd(this.#connection, this.units, { netns, socket });
  }

  /** Lets go of the connection; what is asked later makes another. */
  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
