/** A config as the kernel would tell it: what can be written in several ways is told in one. */
import { Reader, Writer } from "../wire/index.ts";
import { actionsAgain, type TcAction } from "./action.ts";
import { type AnyKind, kindIn } from "./kind.ts";
import { type NameOf, shapesOf } from "./option.ts";
import { newclass, newfilter, newqdisc, type TcMessage } from "./schema.ts";
import {
  checkConfig,
  classFromWire,
  classSort,
  configToWire,
  filterFromWire,
  filterSort,
  qdiscFromWire,
  type Sort,
} from "./words.ts";

type Values = Readonly<Record<string, unknown>>;

/** What can be set of an object that is told: its place, the options of its kind, and its actions. */
export function settableOf(sort: Sort, told: Values): Values {
  const known = sort.kinds[String(told["kind"])];
  const keys = [
    "kind",
    ...Object.keys(sort.shapes),
    ...Object.keys(known === undefined ? {} : shapesOf(known.options)),
  ];
  const values = Object.fromEntries(keys.flatMap((key) => (told[key] === undefined ? [] : [[key, told[key]]])));
  const actions = values["actions"] as readonly TcAction[] | undefined;
  return actions === undefined ? values : { ...values, actions: actionsAgain(actions) };
}

/** What the kernel numbers, counts and computes by itself; a link has another index where it is made again. */
const OWN = new Set([
  ...["tm", "pad", "pcnt", "stats", "usedHwStats", "inHwCount", "index", "capab", "refcnt", "bindcnt"],
  ...["ifindex", "cellLog", "cellAlign"],
  // Bytes of a burst are ticks, which are rounded; behind a VLAN's tag the kernel tells the protocol of what is inside.
  ...["burst", "pktburst64", "keyEthType"],
]);
/** Those of a filter's flags that somebody chose: not those that tell whether hardware does the work. */
const CHOSEN = 3;
/** The flag of an action that somebody chose: the others follow from those of the filter. */
const NO_PERCPU = 1;

/** Whether all of a value is in another one. */
function isWithin(told: unknown, again: unknown): boolean {
  if (typeof told !== "object" || told === null) return told === again;
  if (typeof again !== "object" || again === null) return false;
  const isChosen = ([key, value]: [string, unknown]): boolean =>
    !OWN.has(key) && !(key === "flags" && value instanceof Uint8Array && ((value[0] ?? 0) & NO_PERCPU) === 0);
  const keys = Object.entries(told)
    .filter(isChosen)
    .map(([key]) => key);
  return keys.every((key) => isWithin((told as Values)[key], (again as Values)[key]));
}
const withoutStatus = ({ flags, ...rest }: Values): Values => ({ ...rest, flags: Number(flags ?? 0) & CHOSEN });
const dataOf = ({ attrs }: TcMessage): Values => withoutStatus((attrs.options?.data ?? {}) as Values);

/** Whether all that is told of an object has a word, and says the same again, so that it can be made again. */
export function isKnown(sort: Sort, told: Values): boolean {
  const actions = (told["actions"] ?? []) as readonly TcAction[];
  if (!Object.hasOwn(sort.kinds, String(told["kind"])) || actions.some(({ kind }) => kind.startsWith("#")))
    return false;
  try {
    const { wire } = again(sort, settableOf(sort, told));
    return isWithin(dataOf(told["wire"] as TcMessage), dataOf(wire));
  } catch {
    // What is told of it cannot be asked for.
    return false;
  }
}

/** The message that a config is, as it is read. */
function again(sort: Sort, config: Values): { readonly wire: TcMessage; readonly nameOf: NameOf } {
  const known = kindIn(sort.kinds, String(config["kind"])) as AnyKind;
  const names: string[] = [];
  const indexOf = (name: string): number => {
    if (!names.includes(name)) names.push(name);
    return names.indexOf(name) + 1;
  };
  const message = sort === filterSort ? newfilter : sort === classSort ? newclass : newqdisc;
  const out = new Writer(1024);
  message.body.write(out, configToWire(sort, known, config, indexOf) as never);
  const wire = message.body.read(new Reader(out.u8.slice(0, out.length)), 0, out.length) as unknown as TcMessage;
  return { wire, nameOf: (index) => names[index - 1] ?? "" };
}

/**
 * What the kernel would tell of a config, as {@link settableOf} has it, with all that is sent unless somebody says otherwise.
 * @throws {InputError} for the first word that does not fit.
 */
export function retold(sort: Sort, config: Values): Values {
  checkConfig(sort, config);
  const { wire, nameOf } = again(sort, config);
  const read = sort === filterSort ? filterFromWire : sort === classSort ? classFromWire : qdiscFromWire;
  return settableOf(sort, read(wire, nameOf) as unknown as Values);
}
