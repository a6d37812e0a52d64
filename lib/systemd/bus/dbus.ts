/** The bus as the package speaks it; nothing else here knows that package. */
import type { EventEmitter } from "node:events";
import { type Bus, type Call, PATIENCE, plain } from "./bus.ts";
import { Refused, SystemdError } from "./error.ts";
import { matchRule, orAborted, type Rule } from "./signals.ts";

/** Optional, so neither the compiler nor a bundler may insist on it. What is used of it is written down here. */
const PACKAGE: string = "@jellybrick/dbus-next";
interface Package {
  readonly Message: new (call: Required<Omit<Call, "timeout" | "signal">> & { readonly flags: number }) => Message;
  readonly DBusError: new (type: string, text: string) => Error & { readonly type: string; readonly text: string };
  /** Connects to any address. */
  sessionBus(options: { readonly busAddress: string }): MessageBus;
}
interface Message extends Pick<Call, "path" | "interface" | "member"> {
  readonly type: number;
  readonly body: readonly unknown[];
}
interface MessageBus extends EventEmitter {
  /** Its inside, which alone tells of the end of the connection. */
  readonly _connection: EventEmitter;
  call(message: Message): Promise<Message | null>;
  disconnect(): void;
}

/** A service that does not run is not started by being asked. Source: D-Bus specification, NO_AUTO_START */
const NO_AUTO_START = 2;
const SIGNAL = 4;
const DAEMON = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
};

function fits(rule: Rule, message: Message): boolean {
  if (message.type !== SIGNAL || message.interface !== rule.interface || message.member !== rule.member) return false;
  return (rule.path ?? message.path) === message.path && (rule.first ?? message.body[0]) === message.body[0];
}

class PackageBus implements Bus {
  readonly #bus: MessageBus;
  readonly #package: Package;
  readonly #lost = new AbortController();

  constructor(library: Package, address: string) {
    this.#package = library;
    this.#bus = library.sessionBus({ busAddress: address });
    this.#bus.setMaxListeners(0);
    const lose = (cause?: Error): void =>
      this.#lost.abort(new SystemdError("ERR_LOST", `the connection with D-Bus at ${address} ended`, { cause }));
    this.#bus.on("error", lose);
    // Calls that wait for an answer would wait for ever.
    this.#bus._connection.on("end", () => lose());
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Until it has a name on the bus. */
  async ready(timeout: number): Promise<void> {
    const connected = new Promise<void>((resolve) => this.#bus.once("connect", resolve));
    await orAborted(connected, AbortSignal.any([this.lost, AbortSignal.timeout(timeout)]));
  }

  async call({ signature = "", body = [], timeout = PATIENCE, signal, ...where }: Call): Promise<readonly unknown[]> {
    this.lost.throwIfAborted();
    const message = new this.#package.Message({ ...where, signature, body: [...body], flags: NO_AUTO_START });
    const late = AbortSignal.timeout(timeout);
    const ends = [this.lost, late, ...(signal === undefined ? [] : [signal])];
    try {
      const reply = await orAborted(this.#bus.call(message), AbortSignal.any(ends));
      return plain(reply?.body ?? []) as readonly unknown[];
    } catch (error) {
      if (error instanceof this.#package.DBusError) throw new Refused(error.type, error.text);
      if (error === late.reason)
        throw new SystemdError("ERR_TIMEOUT", `${where.member}: ${where.destination} gave no answer in ${timeout} ms`);
      throw error;
    }
  }

  async listen(rule: Rule, heard: (body: readonly unknown[]) => void): Promise<() => void> {
    const match = { ...DAEMON, signature: "s", body: [matchRule(rule)] };
    const take = (message: Message): void => {
      if (fits(rule, message)) heard(plain(message.body) as readonly unknown[]);
    };
    this.#bus.on("message", take);
    await this.call({ ...match, member: "AddMatch" });
    return () => {
      this.#bus.off("message", take);
      if (!this.lost.aborted) this.call({ ...match, member: "RemoveMatch" }).catch(() => undefined);
    };
  }

  close(): void {
    this.#lost.abort(new SystemdError("ERR_LOST", "the connection with D-Bus was closed"));
    this.#bus.disconnect();
  }
}

/** Connects. Throws where the package is not installed, and where nobody answers. */
export async function connectByPackage(address: string, timeout: number): Promise<Bus> {
  const bus = new PackageBus((await import(PACKAGE)) as Package, address);
  try {
    await bus.ready(timeout);
    return bus;
  } catch (error) {
    bus.close();
    throw error;
  }
}
