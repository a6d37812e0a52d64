/** A config as the kernel would tell it: what can be written in several ways is told in one. */
import { Reader, Writer } from "../wire/index.ts";
import { actionsAgain, type TcAction } from "./action.ts";
import type { AnyKind } from "./kind.ts";
import { shapesOf } from "./option.ts";
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

/** Whether all that is told of an object has a word, so that it can be made again. */
export function isKnown(sort: Sort, told: Values): boolean {
  const actions = (told["actions"] ?? []) as readonly TcAction[];
  return Object.hasOwn(sort.kinds, String(told["kind"])) && actions.every(({ kind }) => !kind.startsWith("#"));
}

/**
 * What the kernel would tell of a config, as {@link settableOf} has it, with all that is sent unless somebody says otherwise.
 * @throws {InputError} for the first word that does not fit.
 */
export function retold(sort: Sort, config: Values): Values {
  const known: AnyKind = checkConfig(sort, config);
  const names: string[] = [];
  const indexOf = (name: string): number => {
    if (!names.includes(name)) names.push(name);
    return names.indexOf(name) + 1;
  };
  const nameOf = (index: number): string => names[index - 1] ?? "";
  const message = sort === filterSort ? newfilter : sort === classSort ? newclass : newqdisc;
  const out = new Writer(1024);
  message.body.write(out, configToWire(sort, known, config, indexOf) as never);
  const wire = message.body.read(new Reader(out.u8.slice(0, out.length)), 0, out.length) as unknown as TcMessage;
  const read = sort === filterSort ? filterFromWire : sort === classSort ? classFromWire : qdiscFromWire;
  return settableOf(sort, read(wire, nameOf) as unknown as Values);
}
