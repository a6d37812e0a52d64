/** systemd-networkd: what it manages, and having it read its files. */
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { PATIENCE } from "./bus.ts";
import type { Connection } from "./connection.ts";
import { Refused, refusalOf, SystemdError } from "./error.ts";
import { Alarm, orAborted } from "./signals.ts";
import type { Units } from "./units.ts";
import { varlink } from "./varlink.ts";

const SERVICE = "org.freedesktop.network1";
const PATH = "/org/freedesktop/network1";
const PROPERTIES = "org.freedesktop.DBus.Properties";
const UNIT = "systemd-networkd.service";
/** Where networkd listens since systemd 257. */
const SOCKET = "/run/systemd/netif/io.systemd.Network";
/** Where systemd has a symbolic link for each unit that is active. */
const ACTIVE = "/run/systemd/units";
/** Milliseconds between two looks where no signal can be heard. */
const PAUSE = 250;
/** Milliseconds between two looks of whoever waits for something: a signal that was missed must not cost the whole deadline. */
const LOOK = 1000;
/** Milliseconds for which links have to stay configured: right after a reload they still look so. */
const SETTLE = 100;
/** Seconds in which links have to be configured. */
const DEADLINE = 30;

/** A link as networkd sees it. Words and forms are those of its JSON, of which more is there than is named here. */
export interface InterfaceDescription {
  readonly Index: number;
  readonly Name: string;
  /** `ether`, `loopback`, … */
  readonly Type?: string;
  /** What networkd has to do with it: `pending`, `initialized`, `configuring`, `configured`, `unmanaged`, `failed`, `linger`. */
  readonly AdministrativeState: string;
  /** `off`, `no-carrier`, `dormant`, `degraded-carrier`, `carrier`, `degraded`, `enslaved`, `routable` */
  readonly OperationalState: string;
  readonly CarrierState?: string;
  readonly AddressState?: string;
  readonly OnlineState?: string | null;
  /** The `.network` file that applies; absent where none does. */
  readonly NetworkFile?: string;
  readonly [more: string]: unknown;
}

/** All that networkd knows. Same as: networkctl --json=short */
export interface NetworkDescription {
  readonly Interfaces: readonly InterfaceDescription[];
  readonly [more: string]: unknown;
}

/** How a link is in networkd's eyes. */
export interface LinkState {
  readonly ifindex: number;
  readonly name: string;
  /** What networkd has to do with it: see `AdministrativeState` of {@link InterfaceDescription}. `removed` where the link is gone. */
  readonly administrative: string;
  /** See `OperationalState` of {@link InterfaceDescription}. */
  readonly operational: string;
  readonly carrier: string;
  readonly address: string;
  /** `online`, `partial` or `offline`; empty for a link that is not managed, and before systemd 249. */
  readonly online: string;
}

/** Options of {@link Networkd.waitConfigured}. */
export interface ConfiguredOptions {
  /** Seconds in which all have to be configured. Default: 30. */
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Ends the waiting for an answer. */
interface Signaled {
  readonly signal?: AbortSignal | undefined;
}

/** Where networkd is to be found. */
export interface NetworkdPlace {
  /** Inode of the network namespace that it has to live in; undefined for that of the calling thread. */
  readonly netns: number | undefined;
  readonly socket: string | undefined;
}

/** The same in fewer words. */
export const stateOf = (one: InterfaceDescription): LinkState => ({
  ifindex: one.Index,
  name: one.Name,
  administrative: one.AdministrativeState,
  operational: one.OperationalState,
  carrier: one.CarrierState ?? "",
  address: one.AddressState ?? "",
  online: one.OnlineState ?? "",
});

const same = (a: LinkState, b: LinkState | undefined): boolean =>
  b !== undefined && JSON.stringify(a) === JSON.stringify(b);

const here = (): number => Number(/\d+/.exec(readlinkSync("/proc/thread-self/ns/net"))?.[0]);

/** Errors of Varlink that say that this version of networkd has no such method, and those of a socket without anybody. */
function isAbsent(error: unknown): boolean {
  if (error instanceof Refused) return /(Method|Interface)(NotFound|NotImplemented)$/.test(error.reason);
  const cause = error instanceof SystemdError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause !== undefined && ["ENOENT", "ECONNREFUSED", "EACCES"].includes(cause.code ?? "");
}

/** Whether networkd is stopped: its socket may be the first process's, which would start it. */
const isStopped = (): boolean =>
  existsSync(ACTIVE) && lstatSync(`${ACTIVE}/invocation:${UNIT}`, { throwIfNoEntry: false }) === undefined;

/** Whether nobody has the name of networkd. */
const isNobody = (error: unknown): boolean =>
  error instanceof Refused && /NameHasNoOwner|ServiceUnknown|Spawn\.|NoSuchUnit/.test(error.reason);

/** systemd-networkd of this machine. Each call makes sure that it is the one of the right network namespace. */
export class Networkd {
  readonly #connection: Connection;
  readonly #units: Units;
  readonly #place: NetworkdPlace;

  /** @internal */
  constructor(connection: Connection, units: Units, place: NetworkdPlace) {
    this.#connection = connection;
    this.#units = units;
    this.#place = place;
  }

  /**
   * The manager and all links. Same as: networkctl --json=short; since systemd 249.
   *
   * @throws {SystemdError} `ERR_NO_NETWORKD`, `ERR_OTHER_NETNS`
   */
  async describe({ signal }: Signaled = {}): Promise<NetworkDescription> {
    await this.#checkNamespace(signal);
    return await this.#describe(signal);
  }

  /** Reads all `.netdev` and `.network` files again. Same as: networkctl reload @throws {SystemdError} as {@link describe} */
  async reload({ signal }: Signaled = {}): Promise<void> {
    await this.#checkNamespace(signal);
    await this.#ask("have networkd reload", { varlink: "io.systemd.Network.Reload", member: "Reload" }, signal);
  }

  /** Configures a link anew, as its files say. Same as: networkctl reconfigure IFINDEX @throws {SystemdError} as {@link describe} */
  async reconfigureLink(ifindex: number, { signal }: Signaled = {}): Promise<void> {
    if (!Number.isInteger(ifindex) || ifindex < 1 || ifindex > 0x7fff_ffff)
      throw new TypeError(`ifindex: expected the number of a link, got ${String(ifindex)}`);
    await this.#checkNamespace(signal);
    const method = {
      varlink: "io.systemd.Network.Link.Reconfigure",
      parameters: { InterfaceIndex: ifindex },
      member: "ReconfigureLink",
      signature: "i",
      body: [ifindex],
    };
    await this.#ask(`have networkd reconfigure link ${ifindex}`, method, signal);
  }

  /**
   * How each link is now, and then each that becomes another, until the signal comes: then it ends. It goes on over a
   * restart of networkd. Same as: watching networkctl list
   *
   * @throws {SystemdError} as {@link describe}, where networkd is not there at the beginning
   */
  async *linkStates({ signal }: Signaled = {}): AsyncGenerator<LinkState, void, void> {
    for await (const { changed } of this.#changes(signal)) yield* changed;
  }

  /**
   * Waits until networkd has configured all of these links.
   *
   * @throws {SystemdError} `ERR_LINK` for a link that failed, and at the deadline
   */
  async waitConfigured(names: readonly string[], options: ConfiguredOptions = {}): Promise<readonly LinkState[]> {
    const { deadline = DEADLINE, signal } = options;
    const late = AbortSignal.timeout(Math.ceil(deadline * 1000));
    const over = signal === undefined ? late : AbortSignal.any([late, signal]);
    let states: readonly (LinkState | undefined)[] | undefined;
    let since: number | undefined;
    for await (const { all } of this.#changes(over, () => (since === undefined ? LOOK : SETTLE))) {
      states = names.map((name) => all.find((one) => one.name === name));
      const failed = states.find((one) => one?.administrative === "failed");
      if (failed !== undefined) throw failure(`networkd failed to configure ${failed.name}`);
      const found = states.filter((one) => one?.administrative === "configured");
      if (found.length < names.length) since = undefined;
      else if (since === undefined) since = performance.now();
      else if (performance.now() - since >= SETTLE - 1) return found.filter((one) => one !== undefined);
    }
    signal?.throwIfAborted();
    if (states === undefined) throw failure(`networkd did not answer in ${deadline} s`);
    const told = names.flatMap((name, at) => {
      const is = states[at]?.administrative ?? "not there";
      if (is === "configured") return [];
      return `${name} is ${is}${is === "unmanaged" ? " (no .network file fits it)" : ""}`;
    });
    throw failure(`not configured in ${deadline} s: ${told.join(", ")}`);
  }

  /** Looks again and again: all states, and those that are others than before. `pause` is the longest time between two looks, in milliseconds. */
  async *#changes(
    signal: AbortSignal | undefined,
    pause = (): number => Number.POSITIVE_INFINITY,
  ): AsyncGenerator<{ readonly all: readonly LinkState[]; readonly changed: readonly LinkState[] }, void, void> {
    if (signal?.aborted) return;
    const alarm = new Alarm();
    const listening = this.#listen(alarm);
    let known = new Map<number, LinkState>();
    try {
      const ear = await orAborted(listening, signal);
      await this.#checkNamespace(signal);
      for (let first = true; !isOver(signal); first = false) {
        const all = await this.#look(first, signal);
        if (all !== undefined) {
          const next = new Map(all.map((one) => [one.ifindex, one]));
          const gone = [...known.values()].filter((one) => !next.has(one.ifindex));
          const changed = all.filter((one) => !same(one, known.get(one.ifindex)));
          known = next;
          yield { all, changed: [...changed, ...gone.map((one) => ({ ...one, administrative: "removed" }))] };
        }
        if (ear.lost()) throw new SystemdError("ERR_LOST", "the connection with D-Bus ended; ask again");
        await alarm.wait(ear.deaf ? Math.min(PAUSE, pause()) : pause(), signal);
      }
    } catch (error) {
      if (!isOver(signal)) throw error;
    } finally {
      // It may not even have begun, where the bus does not answer.
      listening.then(
        (ear) => ear.close(),
        () => undefined,
      );
    }
  }

  /** The states; undefined where networkd is away for a moment. */
  async #look(first: boolean, signal: AbortSignal | undefined): Promise<readonly LinkState[] | undefined> {
    try {
      return (await this.#describe(signal)).Interfaces.map(stateOf);
    } catch (error) {
      if (first || !(error instanceof SystemdError) || !["ERR_NO_NETWORKD", "ERR_LOST"].includes(error.code))
        throw error;
      return undefined;
    }
  }

  /** Rings whenever something changes at networkd, or it comes or goes. */
  async #listen(alarm: Alarm): Promise<{ readonly deaf: boolean; lost(): boolean; close(): void }> {
    const deaf = { deaf: true, lost: () => false, close: () => undefined };
    try {
      const bus = await this.#connection.bus();
      if (bus.listen === undefined) return deaf;
      const ring = (): void => alarm.ring();
      const stops = [
        await bus.listen({ sender: SERVICE, interface: PROPERTIES, member: "PropertiesChanged" }, ring),
        await bus.listen({ ...DAEMON, member: "NameOwnerChanged", first: SERVICE }, ring),
      ];
      bus.lost.addEventListener("abort", ring, { once: true });
      const close = (): void => {
        bus.lost.removeEventListener("abort", ring);
        for (const stop of stops) stop();
      };
      return { deaf: false, lost: () => bus.lost.aborted, close };
    } catch (error) {
      // Varlink takes no bus, and cannot tell of changes.
      if (error instanceof SystemdError && error.code === "ERR_NO_BUS") return deaf;
      throw error;
    }
  }

  async #describe(signal: AbortSignal | undefined): Promise<NetworkDescription> {
    const method = { varlink: "io.systemd.Network.Describe", member: "Describe" };
    const answer = await this.#ask("ask networkd what it manages", method, signal);
    const description = (Array.isArray(answer) ? JSON.parse(String(answer[0])) : answer) as NetworkDescription;
    return { ...description, Interfaces: description.Interfaces ?? [] };
  }

  /** @throws {SystemdError} `ERR_OTHER_NETNS` */
  async #checkNamespace(signal: AbortSignal | undefined): Promise<void> {
    const wanted = this.#place.netns ?? here();
    const property = {
      interface: PROPERTIES,
      member: "Get",
      signature: "ss",
      body: [`${SERVICE}.Manager`, "NamespaceId"],
    };
    const method = { varlink: "io.systemd.Network.GetNamespaceId", ...property };
    const answer = await this.#ask("ask networkd for its network namespace", method, signal);
    const found = Number(Array.isArray(answer) ? answer[0] : (answer as { NamespaceId?: unknown }).NamespaceId);
    // 0 is what it says where it does not know.
    if (found === wanted || found === 0 || Number.isNaN(found)) return;
    const message = `systemd-networkd manages another network namespace (${found}) than this one (${wanted}); ask from inside of it`;
    throw new SystemdError("ERR_OTHER_NETNS", message);
  }

  /** Varlink where this version has the method, else D-Bus. What comes back is an object of the one, or a list of the other. */
  async #ask(doing: string, method: Method, signal: AbortSignal | undefined): Promise<object> {
    const { varlink: name, parameters = {}, ...where } = method;
    const { socket } = this.#place;
    const byBus = (): Promise<object> =>
      this.#connection.call({ destination: SERVICE, path: PATH, interface: `${SERVICE}.Manager`, ...where, signal });
    try {
      if (socket === undefined && isStopped()) return await byBus();
      const call = { socket: socket ?? SOCKET, method: name, parameters, timeout: PATIENCE, signal };
      return await varlink(call).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
        return byBus();
      });
    } catch (error) {
      if (isNobody(error)) throw await this.#whyAbsent(signal);
      throw error instanceof Refused ? refusalOf(doing, error) : error;
    }
  }

  /** Why nobody answers. */
  async #whyAbsent(signal: AbortSignal | undefined): Promise<SystemdError> {
    const { load, active, file } = await this.#units.unitState(UNIT, { signal }).catch(() => UNKNOWN);
    const away = (message: string): SystemdError => new SystemdError("ERR_NO_NETWORKD", message);
    if (load === "masked" || file === "masked")
      return away(`systemd-networkd is masked; allow it with systemctl unmask ${UNIT}`);
    if (load === "not-found") return away("systemd-networkd is not installed, or not known to systemd here");
    if (active === "failed") return away(`systemd-networkd failed; see journalctl --unit=${UNIT}`);
    return away(`systemd-networkd is not running; start it with systemctl enable --now ${UNIT}`);
  }
}

const DAEMON = { sender: "org.freedesktop.DBus", interface: "org.freedesktop.DBus" };
const UNKNOWN = { load: "", active: "", file: "" };

/** One question in both languages. */
interface Method {
  readonly varlink: string;
  readonly parameters?: object;
  readonly interface?: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

const isOver = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

const failure = (what: string): SystemdError => new SystemdError("ERR_LINK", `${what}; see journalctl --unit=${UNIT}`);
