/** What qdiscs, classes and filters have in common: listed from one dump, made and changed in words, refused in words. */
import { indexesOf, type LinkLookup, type Listing, linkNamed, listing, retold } from "../families/lookup.ts";
import { inTurns } from "../families/turns.ts";
import { InputError, shown } from "../shape/shape.ts";
import { type CallOptions, type Connection, NetlinkError } from "../socket/index.ts";
import { type Message, type MessageIn, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import type { AnyKind } from "./kind.ts";
import type { newqdisc, TcMessage } from "./schema.ts";
import { changed, checkConfig, checkPlace, configToWire, devicesOf, placeToWire, type Sort } from "./words.ts";

type Request = MessageIn<typeof newqdisc>;
type Values = Readonly<Record<string, unknown>>;

const FLAGS = { create: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE | NLM_F_REPLACE, change: 0 } as const;
const ENOENT = -2;

/** What {@link TcObjects} knows of its sort. */
export interface ObjectsOf<T> {
  /** `qdisc` */
  readonly noun: string;
  readonly sort: Sort;
  readonly get: Message<Request, unknown>;
  readonly make: Message<Request, TcMessage>;
  readonly remove: Message<Request, unknown>;
  read(wire: TcMessage, nameOf: (index: number) => string): T;
}

/** Objects of traffic control of one sort: `T` as they are told, `C` as they are asked for, `P` what finds one. */
export abstract class TcObjects<T, C extends object, P extends object> {
  protected readonly links: LinkLookup;
  readonly #connection: Connection;
  readonly #of: ObjectsOf<T>;

  constructor(connection: Connection, links: LinkLookup, of: ObjectsOf<T>) {
    this.#connection = connection;
    this.links = links;
    this.#of = of;
  }

  /** One of them; undefined where there is none. */
  abstract get(place: P, options?: CallOptions): Promise<T | undefined>;

  /**
   * Makes one. Same as: tc qdisc|class|filter add
   * @throws {InputError} before anything is sent.
   * @throws {NetlinkError} `EEXIST`; `ENOENT` where the kernel does not have the kind; `EINVAL` where what it belongs to
   * is not there.
   */
  create(config: C, options?: CallOptions): Promise<void> {
    return this.make("create", config, options);
  }
  /** Makes one, in place of the one that is there. Same as: tc qdisc|class|filter replace */
  replace(config: C, options?: CallOptions): Promise<void> {
    return this.make("replace", config, options);
  }
  /**
   * Changes options; those that are not named stay. Same as: tc qdisc|class|filter change, which resets some of them
   * @throws {NetlinkError} `ENOENT` where there is none; `EINVAL` for what cannot change.
   */
  change(config: C, options?: CallOptions): Promise<void> {
    return this.make("change", config, options);
  }
  /** Removes one, with what is below it. Same as: tc qdisc|class|filter delete */
  async delete(place: P & { readonly kind?: string | undefined }, options?: CallOptions): Promise<void> {
    const { sort, remove } = this.#of;
    const values = { ...this.checked(place), kind: undefined };
    try {
      const indexOf = await indexesOf(this.links, devicesOf(values));
      await this.#connection.request(remove, placeToWire(sort, place as Values, indexOf), 0, options);
    } catch (error) {
      throw this.#told(error, "delete", values, undefined);
    }
  }

  /** What finds one, checked; nothing else may be named. @throws {InputError} */
  protected checked(place: P & { readonly kind?: string | undefined }): P {
    const { sort } = this.#of;
    checkPlace(sort, place);
    return place;
  }

  /** The objects that a dump tells, in words. */
  protected async dump(request: Request, options?: CallOptions): Promise<Listing<T>> {
    const { get, make, read } = this.#of;
    const { messages, consistent } = await this.#connection.dump(get, request, make, options);
    const names = await this.links.names();
    const nameOf = (index: number): string => linkNamed(names, index);
    return listing(await inTurns(messages, (one) => read(one, nameOf)), consistent);
  }

  /** The place that a config means. */
  protected placeOf(config: C): P {
    const { named } = this.#of.sort;
    return Object.fromEntries(Object.entries(config).filter(([key]) => named.includes(key))) as P;
  }

  protected async make(verb: keyof typeof FLAGS, config: C, options?: CallOptions): Promise<void> {
    const { sort, make } = this.#of;
    const known = checkConfig(sort, config);
    const values = config as Values;
    try {
      const whole = verb === "change" ? changed(known, await this.#present(config, known, options), values) : values;
      const indexOf = await indexesOf(this.links, devicesOf(whole));
      await this.#connection.request(make, configToWire(sort, known, whole, indexOf), FLAGS[verb], options);
    } catch (error) {
      throw this.#told(error, verb, values, known);
    }
  }

  async #present(config: C, known: AnyKind, options?: CallOptions): Promise<Values> {
    const { noun } = this.#of;
    const now = (await this.get(this.placeOf(config), options)) as Values | undefined;
    if (now === undefined) throw new NetlinkError({ errno: ENOENT, request: "", reason: `there is no such ${noun}` });
    if (now["kind"] !== known.kind)
      throw new InputError(["kind"], `it is of kind ${shown(now["kind"])} now; use replace`);
    return now;
  }

  #told(error: unknown, verb: string, values: Values, known: AnyKind | undefined): unknown {
    const { noun } = this.#of;
    const { dev, block, kind, parent, classid, handle, pref } = values;
    const name = noun === "class" ? classid : handle;
    const what = [
      `cannot ${verb} ${kind === undefined ? "" : `${kind} `}${noun}${name === undefined ? "" : ` ${name}`}`,
      `on ${dev ?? `block ${block}`}`,
      ...(parent === undefined ? [] : [`parent ${parent}`]),
      ...(pref === undefined ? [] : [`pref ${pref}`]),
    ].join(" ");
    const path = error instanceof NetlinkError ? error.attribute : undefined;
    return retold(error, { what, properties: path === undefined ? {} : { [path]: wordFor(known, path) } });
  }
}

/** The caller's word for an attribute such as `options(htb).rate64` or `options(flower).act.2.options(mirred).parms`. */
function wordFor(known: AnyKind | undefined, path: string): string {
  const [first = "", key = "", place = ""] = path.split(".");
  if (!first.startsWith("options(")) return first === "options" ? "kind" : path;
  if (key === "act") return place === "" ? "actions" : `actions.${Number(place) - 1}`;
  const word = Object.entries(known?.options ?? {}).find(([, { keys }]) =>
    keys.some((one) => one === key || one.startsWith(`${key}.`)),
  );
  return word?.[0] ?? path;
}
