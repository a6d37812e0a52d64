/** One connection with the system bus, made when it is first needed, and again when it was lost. */

import type { Bus, Call } from "./bus.ts";
import { connectByBusctl } from "./busctl.ts";
import { connectByPackage } from "./dbus.ts";
import { Refused, SystemdError } from "./error.ts";

/** Who speaks D-Bus. */
export type Speaker = "package" | "busctl";

const DEFAULT = "unix:path=/run/dbus/system_bus_socket";
/** Milliseconds in which the bus has to take us in. */
const PATIENCE = 5000;

/** What is wrong with a path, said in a few words. */
function causeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such socket";
  if (code === "ECONNREFUSED") return "nobody listens there";
  if (code === "EACCES") return "this user may not";
  return String(message).split("\n")[0] ?? "";
}

/** The connection that several clients share. */
export class Connection {
  readonly #address: string;
  readonly #speakers: readonly Speaker[];
  #bus: Promise<Bus> | undefined;

  constructor(address: string | undefined, speakers: readonly Speaker[] = ["package", "busctl"]) {
    this.#address = address ?? process.env["DBUS_SYSTEM_BUS_ADDRESS"] ?? DEFAULT;
    this.#speakers = speakers;
  }

  /** The bus. @throws {SystemdError} `ERR_NO_BUS` */
  bus(): Promise<Bus> {
    this.#bus ??= this.#connect();
    return this.#bus;
  }

  /** Calls a method. @throws {Refused} @throws {SystemdError} */
  async call(call: Call): Promise<readonly unknown[]> {
    call.signal?.throwIfAborted();
    return await (await this.bus()).call(call);
  }

  async #connect(): Promise<Bus> {
    try {
      const bus = await this.#first();
      bus.lost.addEventListener("abort", () => this.#forget(), { once: true });
      return bus;
    } catch (cause) {
      this.#forget();
      const wayOut = "start it with systemctl start dbus.socket, or install it with apt-get install dbus";
      const message = `no D-Bus at ${this.#address}: ${causeOf(cause)}; ${wayOut}`;
      throw new SystemdError("ERR_NO_BUS", message, { cause });
    }
  }

  #forget(): void {
    this.#bus = undefined;
  }

  /** The first that answers. What the first has to say is told: it is the one that should have. */
  async #first(): Promise<Bus> {
    const failures: unknown[] = [];
    for (const speaker of this.#speakers)
      try {
        return await (speaker === "package" ? connectByPackage : connectByBusctl)(this.#address, PATIENCE);
      } catch (error) {
        failures.push(error instanceof SystemdError && error.cause !== undefined ? error.cause : error);
      }
    const missing = (error: unknown): boolean => (error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND";
    throw failures.find((error) => !missing(error)) ?? failures[0] ?? new Refused("none", "nobody speaks D-Bus here");
  }

  close(): void {
    this.#bus?.then((bus) => bus.close()).catch(() => undefined);
    this.#forget();
  }
}
