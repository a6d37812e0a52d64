/** Changes of one sort of object: checked, completed by what is there, sent, and refused in the caller's words. */
import { indexesOf, type LinkLookup, retold } from "../families/lookup.ts";
import { check, checkObject, InputError, shown } from "../shape/shape.ts";
import { type CallOptions, type Connection, NetlinkError } from "../socket/index.ts";
import { type Message, type MessageIn, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import type { AnyKind } from "./kind.ts";
import type { newqdisc } from "./schema.ts";
import { changed, checkConfig, checkPlace, configToWire, devicesOf, placeToWire, type Sort } from "./words.ts";

type Request = MessageIn<typeof newqdisc>;
type Values = Readonly<Record<string, unknown>>;

const FLAGS = { create: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE | NLM_F_REPLACE, change: 0 } as const;
const ENOENT = -2;

/** What {@link Changes} knows of its sort. */
export interface ChangesOf {
  /** `qdisc` */
  readonly noun: string;
  readonly sort: Sort;
  readonly make: Message<Request, unknown>;
  readonly remove: Message<Request, unknown>;
  /** The object as it is now. */
  now(values: Values, options?: CallOptions): Promise<object | undefined>;
}

/** Makes, changes and deletes objects of one sort. */
export class Changes {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #of: ChangesOf;

  constructor(connection: Connection, links: LinkLookup, of: ChangesOf) {
    this.#connection = connection;
    this.#links = links;
    this.#of = of;
  }

  async make(verb: keyof typeof FLAGS, config: object, options?: CallOptions): Promise<void> {
    const { sort, make } = this.#of;
    const known = checkConfig(sort, config);
    const values = config as Values;
    try {
      const whole = verb === "change" ? changed(known, await this.#present(values, known, options), values) : values;
      const indexOf = await indexesOf(this.#links, devicesOf(whole));
      await this.#connection.request(make, configToWire(sort, known, whole, indexOf), FLAGS[verb], options);
    } catch (error) {
      throw this.#told(error, verb, values, known);
    }
  }

  async #present(values: Values, known: AnyKind, options?: CallOptions): Promise<Values> {
    const { noun } = this.#of;
    const now = (await this.#of.now(values, options)) as Values | undefined;
    if (now === undefined) throw new NetlinkError({ errno: ENOENT, request: "", reason: `there is no such ${noun}` });
    if (now["kind"] !== known.kind)
      throw new InputError(["kind"], `it is of kind ${shown(now["kind"])} now; use replace`);
    return now;
  }

  async remove(place: object, options?: CallOptions): Promise<void> {
    const { sort, remove } = this.#of;
    checkObject([], place, "place");
    const { kind: _, ...values } = place as Values;
    check([], sort.shapes, values);
    checkPlace(sort, values);
    try {
      const indexOf = await indexesOf(this.#links, [values["dev"] as string]);
      await this.#connection.request(remove, placeToWire(sort, place as Values, indexOf), 0, options);
    } catch (error) {
      throw this.#told(error, "delete", values, undefined);
    }
  }

  #told(error: unknown, verb: string, values: Values, known: AnyKind | undefined): unknown {
    const { noun } = this.#of;
    const { dev, kind, parent, classid, handle, pref } = values;
    const name = classid ?? handle;
    const what = [
      `cannot ${verb} ${kind === undefined ? "" : `${kind} `}${noun}${name === undefined ? "" : ` ${name}`} on ${dev}`,
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
