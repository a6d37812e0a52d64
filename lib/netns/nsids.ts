/**
 * Numbers that one network namespace has for others. The far end of a veth, or the lower device of a tunnel, is told with
 * the number of its namespace, and so are events of other namespaces.
 *
 * Source: include/uapi/linux/net_namespace.h (NETNSA_*), include/uapi/linux/rtnetlink.h (RTM_*NSID, struct rtgenmsg),
 * net/core/net_namespace.c (rtnl_net_newid, rtnl_net_fill).
 */
import { type Listing, listing, retold } from "../families/lookup.ts";
import { checkOne, InputError, integer } from "../shape/shape.ts";
import { type CallOptions, type Connection, NetlinkError } from "../socket/index.ts";
import { at, attrs, body, type MessageOut, message, s32, struct, u8, u32 } from "../wire/index.ts";
import { Netns } from "./netns.ts";

const rtgenmsg = struct("rtgenmsg", { family: u8 });
export const netnsa = attrs("NETNSA", {
  nsid: at(1, s32),
  pid: at(2, u32),
  fd: at(3, u32),
  targetNsid: at(4, s32),
  currentNsid: at(5, s32),
});
const nsid = body(rtgenmsg, netnsa);
export const newnsid = message("RTM_NEWNSID", 88, nsid);
export const delnsid = message("RTM_DELNSID", 89, nsid);
export const getnsid = message("RTM_GETNSID", 90, nsid);
/** The multicast group that tells of numbers: RTNLGRP_NSID. */
export const NSID_GROUP = 28;

/** The kernel chooses; or there is none. */
const NONE = -1;
const MOST = 0x7fff_ffff;

/** A network namespace: its name under /run/netns or path, or whatever holds a descriptor of it, as a `Netns` does. */
type NetnsRef = string | { readonly fd: number };

/** A namespace that has a number here. */
export interface NetnsId {
  /** From 0 on. */
  readonly nsid: number;
}

/** What a message says; nothing where the namespace has no number. */
export function nsidsFromWire({ attrs: { nsid: number = NONE } }: MessageOut<typeof newnsid>): NetnsId[] {
  return number === NONE ? [] : [{ nsid: number }];
}

/** Numbers of other namespaces, as one namespace has them. The kernel gives them by itself where it has to tell one. */
export class Nsids {
  readonly #connection: Connection;

  /** The connection stays the caller's to close. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All numbers that are given. Same as: ip netns list-id */
  async list(options?: CallOptions): Promise<Listing<NetnsId>> {
    const { messages, consistent } = await this.#connection.dump(getnsid, { header: {} }, newnsid, options);
    return listing(messages.flatMap(nsidsFromWire), consistent);
  }

  /**
   * The number of a namespace, which is open, or given by its name or path; undefined where it has none here.
   * @throws {NetnsError} when there is no such namespace.
   */
  get(netns: NetnsRef, options?: CallOptions): Promise<number | undefined> {
    return this.#with(netns, async (fd) => {
      const told = await this.#connection.get(getnsid, { header: {}, attrs: { fd } }, newnsid, options);
      return nsidsFromWire(told)[0]?.nsid;
    });
  }

  /**
   * Gives a namespace a number, which it keeps as long as both live; without one the kernel chooses. Returns it.
   * Same as: ip netns set NAME auto|NSID
   * @throws {NetlinkError} `EEXIST` where it has one, or another namespace has this one.
   */
  async set(netns: NetnsRef, nsid?: number, options?: CallOptions): Promise<number> {
    if (nsid !== undefined) checkOne(["nsid"], integer(0, MOST), nsid);
    return this.#with(netns, async (fd) => {
      try {
        await this.#connection.request(newnsid, { header: {}, attrs: { fd, nsid: nsid ?? NONE } }, 0, options);
        const told = await this.#connection.get(getnsid, { header: {}, attrs: { fd } }, newnsid, options);
        return told.attrs.nsid ?? NONE;
      } catch (error) {
        throw retold(error, { what: "cannot give a network namespace a number", properties: { fd: "netns" } });
      }
    });
  }

  /** The number of a namespace, which gets one where it has none. */
  async ensure(netns: NetnsRef, options?: CallOptions): Promise<number> {
    const known = await this.get(netns, options);
    if (known !== undefined) return known;
    try {
      return await this.set(netns, undefined, options);
    } catch (error) {
      // Somebody else was first.
      const now = error instanceof NetlinkError && error.code === "EEXIST" ? await this.get(netns, options) : undefined;
      if (now === undefined) throw error;
      return now;
    }
  }

  async #with<T>(netns: NetnsRef, act: (fd: number) => Promise<T>): Promise<T> {
    if (typeof netns !== "string" && !Number.isInteger((netns as { readonly fd?: unknown } | null | undefined)?.fd))
      throw new InputError(["netns"], "expected a network namespace: its name, its path, or an object that holds it");
    if (typeof netns === "object") return await act(netns.fd);
    using opened = Netns.open(netns);
    return await act(opened.fd);
  }
}
