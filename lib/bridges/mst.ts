/** Which states bridges' ports have in each instance of the spanning tree, in one network namespace. Linux 5.18 and later. */
import { type ChangeRules, type LinkLookup, type Listing, linkNamed, listing } from "../families/lookup.ts";
import { AF_BRIDGE, RTEXT_FILTER_MST } from "../families/route.ts";
import { Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { check, choice, InputError, integer, linkName, type Shapes } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import type { MessageIn, MessageOut } from "../wire/index.ts";
import { getlink, newlink, setlink } from "./schema.ts";
import { VLAN_STATES, type VlanState } from "./vlans.ts";

/** The state of a bridge's port in one instance of the spanning tree. */
export interface MstState {
  /** Name of a port of a bridge that has `mst`. */
  readonly dev: string;
  /**
   * Number of the instance, 1 to 4094. VLANs are in it that have this `msti` for the whole bridge. 0, the common tree, is
   * only told: its states are those of the ports themselves.
   */
  readonly msti: number;
  /** State of the port in all VLANs of the instance. */
  readonly state: VlanState;
}
/** A state as the kernel has it. */
export interface KnownMstState extends Omit<MstState, "state"> {
  /** A state without a word is told as its number. */
  readonly state: VlanState | number;
}
/** Which states are meant. */
export interface MstFilter {
  /** Name of a bridge's port. */
  readonly dev?: string | undefined;
}

/** What each property of {@link MstState} must look like. */
export const mstShapes = {
  dev: linkName,
  msti: integer(1, 4094),
  state: choice(...VLAN_STATES),
} as const satisfies Shapes;

/** @throws {InputError} for the first property that is unknown, missing, or does not fit. */
export function checkMst(config: MstState): void {
  check([], mstShapes, config);
  for (const key of ["dev", "msti", "state"] as const)
    if (config[key] === undefined) throw new InputError([key], `missing; expected ${mstShapes[key].expected}`);
}

type Wire = MessageIn<typeof setlink>;
/** The message for a checked state. */
export function mstToWire({ dev, msti, state }: MstState, indexOf: (name: string) => number): Wire {
  return {
    header: { family: AF_BRIDGE, index: indexOf(dev) },
    attrs: { afSpec: { mst: { entry: [{ msti, state: VLAN_STATES.indexOf(state) }] } } },
  };
}
/** The states that a message tells. */
export function mstFromWire(
  { header, attrs }: MessageOut<typeof newlink>,
  names: ReadonlyMap<number, string>,
): KnownMstState[] {
  const dev = linkNamed(names, header.index);
  return (attrs.afSpec?.mst?.entry ?? []).map(({ msti = 0, state = 0 }) => ({
    dev,
    msti,
    state: VLAN_STATES[state] ?? state,
  }));
}

const rules: ChangeRules<"update", MstState, Wire> = {
  verbs: { update: { message: setlink, flags: 0 } },
  check: checkMst,
  devices: ({ dev }) => [dev],
  toWire: (config, _verb, indexOf) => mstToWire(config, indexOf),
  told: ({ dev, msti }) => ({
    what: `cannot change the state of ${dev} in instance ${msti}`,
    properties: {
      afSpec: "msti",
      "afSpec.mst": "msti",
      "afSpec.mst.entry.msti": "msti",
      "afSpec.mst.entry.state": "state",
    },
    blamed: { ENOENT: "msti", ENODEV: "dev", EOPNOTSUPP: "dev", EINVAL: "dev" },
  }),
};

/**
 * Lists and changes the states of ports in instances of the spanning tree, as a daemon of MSTP does. The bridge has `mst`,
 * and `host.vlans.updateGlobals` says which VLANs are in which instance: the first one of an instance is `disabled` at all
 * ports until its state is set. The kernel sends no events of these states.
 */
export class Mst extends Service<"update", MstState, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  /** The states of all ports, or of one, in all instances that it has VLANs of. Same as: bridge mst show */
  async list(filter: MstFilter = {}, options?: CallOptions): Promise<Listing<KnownMstState>> {
    check([], { dev: linkName }, filter, "filter");
    const index = filter.dev === undefined ? 0 : await this.links.indexOf(filter.dev);
    const request = { header: { family: AF_BRIDGE }, attrs: { extMask: RTEXT_FILTER_MST } };
    const { messages, consistent } = await this.connection.dump(getlink, request, newlink, options);
    const names = await this.links.names();
    const found = await inTurns(messages, (message) =>
      index === 0 || message.header.index === index ? mstFromWire(message, names) : undefined,
    );
    return listing(found.flat(), consistent);
  }

  /**
   * Changes the state of a port in all VLANs of an instance.
   * Same as: bridge mst set dev DEV msti MSTI state STATE
   * @throws {NetlinkError} `EINVAL` where `dev` is no port of a bridge that has `mst`.
   */
  update(change: MstState, options?: CallOptions): Promise<void> {
    return this.changes.make("update", change, options);
  }
}
