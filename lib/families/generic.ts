/**
 * Generic netlink: the header that all its families share, and the controller that knows their numbers.
 *
 * Source: include/uapi/linux/genetlink.h (struct genlmsghdr, CTRL_CMD_*, CTRL_ATTR_*).
 */
import { type CallOptions, NetlinkError } from "../socket/index.ts";
import { at, attrs, type Fields, type Schema } from "../wire/attr.ts";
import { type Codec, struct, u8, u16, u32 } from "../wire/codec.ts";
import { type Body, body, type Message, message } from "../wire/message.ts";
import { text } from "../wire/text.ts";

/** The socket protocol: NETLINK_GENERIC. */
export const NETLINK_GENERIC = 16;
/** The message type of the controller, the only family whose number is fixed. */
export const GENL_ID_CTRL = 0x10;

/** struct genlmsghdr. */
export const genlmsghdr = struct("genlmsghdr", { cmd: u8, version: u8, _reserved: u16 });

/** Members of a nest whose attribute numbers are no more than a running count. */
export function listOf<I, O>(item: Codec<I, O>): Codec<readonly I[], readonly O[]> {
  return {
    name: `list of ${item.name}`,
    write(out, values) {
      values.forEach((value, index) => {
        const begin = out.begin((index + 1) | 0x8000);
        item.write(out, value);
        out.end(begin);
      });
    },
    read(from, start, end) {
      const values: O[] = [];
      for (let place = start; place + 4 <= end; ) {
        const length = from.u16[place >> 1] as number;
        if (length < 4 || place + length > end) break;
        values.push(item.read(from, place + 4, place + length));
        place += (length + 3) & ~3;
      }
      return values;
    },
  };
}

/** A multicast group of a family. */
export const genericGroup = attrs("CTRL_ATTR_MCAST_GRP", { name: at(1, text), id: at(2, u32) });
/** An operation of a family. */
export const genericOperation = attrs("CTRL_ATTR_OP", { id: at(1, u32), flags: at(2, u32) });
/** What the controller tells of a family. */
export const genericFamily = attrs("CTRL_ATTR", {
  familyId: at(1, u16),
  familyName: at(2, text),
  version: at(3, u32),
  hdrsize: at(4, u32),
  maxattr: at(5, u32),
  ops: at(6, listOf(genericOperation)),
  mcastGroups: at(7, listOf(genericGroup)),
});

/** The payload of a message of a family without a header of its own: genlmsghdr, then these attributes. */
export function genericBody<F extends Fields>(attributes: Schema<F>) {
  return body(genlmsghdr, attributes);
}

/** A kind of message of a family whose number the controller gave. */
export function genericMessage<I, O>(name: string, familyId: number, payload: Body<I, O>): Message<I, O> {
  return message(name, familyId, payload);
}

/** Asks for, and tells of, a family. Same as: genl ctrl get name FAMILY */
export const getFamily = message("CTRL_CMD_GETFAMILY", GENL_ID_CTRL, body(genlmsghdr, genericFamily));
/** The command number of CTRL_CMD_GETFAMILY. */
export const CTRL_CMD_GETFAMILY = 3;

/** A family as this kernel numbers it. */
export interface Family {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** Multicast groups by name. */
  readonly groups: ReadonlyMap<string, number>;
}

/** The part of a connection that a look-up needs. */
export interface FamilyLookup {
  get<I, O>(request: Message<I, unknown>, value: I, reply: Message<never, O>, options?: CallOptions): Promise<O>;
}

/** Finds a family by name; the kernel answers ENOENT where it has none. Same as: genl ctrl get name FAMILY */
export async function lookUpFamily(connection: FamilyLookup, name: string, options?: CallOptions): Promise<Family> {
  const request = { header: { cmd: CTRL_CMD_GETFAMILY, version: 1 }, attrs: { familyName: name } };
  const { attrs: found } = await connection.get(getFamily, request, getFamily, options);
  const groups = new Map<string, number>();
  for (const { name: group, id } of found.mcastGroups ?? []) if (group !== undefined) groups.set(group, id ?? 0);
  return { id: found.familyId ?? 0, name: found.familyName ?? name, version: found.version ?? 0, groups };
}

const ENOENT = -2;

/** The messages of a family whose number is asked for when the first of them is needed. */
export class GenericFamily {
  readonly #connection: FamilyLookup;
  readonly #name: string;
  readonly #absence: string;
  #family: Family | undefined;

  /** `absence` says what it means that the kernel does not know the family. */
  constructor(connection: FamilyLookup, name: string, absence: string) {
    this.#connection = connection;
    this.#name = name;
    this.#absence = absence;
  }

  /** A message with these attributes; `what` begins a refusal. @throws {NetlinkError} `ENOENT` where the kernel has no such family. */
  async message<F extends Fields>(what: string, request: string, schema: Schema<F>, options?: CallOptions) {
    try {
      // Each of the first callers asks for itself: the signal of one ends nobody else's question.
      this.#family ??= await lookUpFamily(this.#connection, this.#name, options);
      return genericMessage(request, this.#family.id, genericBody(schema));
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.errno !== ENOENT) throw error;
      throw new NetlinkError({ errno: ENOENT, request: what, reason: this.#absence });
    }
  }
}
