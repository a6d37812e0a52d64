/**
 * Actions of a filter, between people's words and the wire.
 *
 * Source: include/uapi/linux/pkt_cls.h (TCA_ACT_*, TCA_ACT_MAX_PRIO), net/sched/act_api.c (tcf_action_policy, tcf_action_dump_1).
 */
import { InputError, shown } from "../shape/shape.ts";
import { at, attrs, bytes, type In, type Out, padding, u32 } from "../wire/index.ts";
import { actionKinds } from "./actions/index.ts";
import { checkKind } from "./check.ts";
import { type AnyKind, kindAndOptions, kindIn } from "./kind.ts";
import { type Context, fromWire, type NameOf, type OptionsOf, type ToldOf, toWire, type Wire } from "./option.ts";
import { type QdiscCounters, statisticsOf, stats } from "./statistics.ts";

type ActionKinds = typeof actionKinds;
type ActionOf<K extends keyof ActionKinds> = { readonly kind: K } & OptionsOf<ActionKinds[K]["options"]>;
/** An action to be carried out on what a filter matches. */
export type TcActionConfig = { [K in keyof ActionKinds]: ActionOf<K> }[keyof ActionKinds];

interface ToldAction {
  /** The number by which actions of this kind are known. */
  readonly index?: number;
  readonly statistics?: QdiscCounters;
}
/** An action as the kernel has it. One of a kind that is not known here keeps its bytes. */
export type TcAction =
  | {
      [K in keyof ActionKinds]: { readonly kind: K } & ToldOf<ActionKinds[K]["options"]> & ToldAction;
    }[keyof ActionKinds]
  | ({ readonly kind: `#${string}`; readonly data?: Uint8Array } & ToldAction);

const kinds: Readonly<Record<string, AnyKind>> = actionKinds as never;

const action = attrs("TCA_ACT", {
  options: kindAndOptions(1, 2, kinds),
  index: at(3, u32),
  stats: at(4, stats),
  pad: padding(5),
  cookie: at(6, bytes),
  flags: at(7, bytes),
  hwStats: at(8, bytes),
  usedHwStats: at(9, bytes),
  inHwCount: at(10, u32),
});
const MOST = 32;
const places = Array.from({ length: MOST }, (_, i) => i + 1);
/** A filter's actions: nests numbered from 1. */
export const actionList = attrs("TCA_ACT_PRIO", Object.fromEntries(places.map((n) => [String(n), at(n, action)])));

/** @throws {InputError} for the first action that does not fit. */
export function checkActions(path: readonly string[], actions: unknown): void {
  if (!Array.isArray(actions) || actions.length > MOST)
    throw new InputError(path, `expected a list of at most ${MOST} actions, got ${shown(actions)}`);
  for (const [i, one] of actions.entries()) checkKind([...path, String(i)], kinds, {}, one);
}
/** Names of the links that actions refer to. */
export function actionDevices(actions: readonly TcActionConfig[] = []): string[] {
  return actions.flatMap((one) => {
    const { options = {} } = kindIn(kinds, one.kind) ?? {};
    const values = one as unknown as Readonly<Record<string, unknown>>;
    return Object.entries(options).flatMap(([key, { refers }]) => (refers ? [values[key] as string] : []));
  });
}

/** Checked actions as attributes. */
export function actionsToWire(actions: readonly TcActionConfig[], indexOf: Context["indexOf"]): In<typeof actionList> {
  return Object.fromEntries(
    actions.map((one, i) => {
      const known = kindIn(kinds, one.kind) as AnyKind;
      const values = { ...known.defaults?.(one), ...one };
      const data = toWire(known.options, { values, indexOf }, known.base as Wire | undefined);
      return [String(i + 1), { options: { kind: one.kind, data } }];
    }),
  ) as In<typeof actionList>;
}
/** Actions in people's words. */
export function actionsFromWire(wire: Out<typeof actionList>, nameOf: NameOf): TcAction[] {
  return Object.values(wire as Readonly<Record<string, Out<typeof action>>>).map((one) => {
    const { kind = "#", data } = one.options ?? {};
    const known = kindIn(kinds, kind);
    const statistics = statisticsOf(one.stats);
    const index = one.index ?? indexIn(data);
    return {
      kind,
      ...(known === undefined ? { data } : fromWire(known.options, (data ?? {}) as Wire, nameOf)),
      ...(index === undefined ? {} : { index }),
      ...(statistics === undefined ? {} : { statistics }),
    } as unknown as TcAction;
  });
}
/** The number stands in the kind's own struct. */
function indexIn(data: unknown): number | undefined {
  const { parms, tbf } = (data ?? {}) as Readonly<Record<string, { readonly index: number } | undefined>>;
  return (parms ?? tbf)?.index;
}
/** What was told of actions, as they are asked for. */
export function actionsAgain(actions: readonly TcAction[]): TcActionConfig[] {
  return actions.map(({ index: _, statistics: __, ...config }) => config as TcActionConfig);
}
