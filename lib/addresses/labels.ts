/** The labels by which IPv6 chooses among its addresses (RFC 6724), in one network namespace. */
import {
  type ChangeRules,
  canonicalIp,
  type LinkLookup,
  type Listing,
  linkNamed,
  listing,
} from "../families/lookup.ts";
import { parsePrefix, prefixText } from "../families/prefix.ts";
import { AF_INET6 } from "../families/route.ts";
import { checkFlush, matches, removeAll, Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { check, choice, InputError, integer, linkName, network, type Shape, type Shapes } from "../shape/shape.ts";
import { type CallOptions, type Connection, command } from "../socket/index.ts";
import { type MessageIn, type MessageOut, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import { deladdrlabel, getaddrlabel, newaddrlabel } from "./label-schema.ts";

/** A label for the addresses of a network: of two addresses of this host the one with the destination's label is taken. */
export interface AddressLabelConfig {
  /** An IPv6 network; `default` is all of IPv6, and IPv4 stands in `::ffff:0:0/96`. */
  readonly prefix: string;
  /** 0 to 4294967294. In a deletion it does not matter. */
  readonly label?: number | undefined;
  /**
   * Name of the link that it is for. Default: all links. Linux keeps labels of links that are gone: they are told as `#7`,
   * by the number of the link, and deleted by that.
   */
  readonly dev?: string | undefined;
}
/** A label as the kernel has it. */
export interface AddressLabel extends AddressLabelConfig {
  readonly label: number;
}
/** Which labels are meant: those that have all of this. */
export interface AddressLabelFilter {
  readonly prefix?: string | undefined;
  readonly label?: number | undefined;
  readonly dev?: string | undefined;
  /** There are none of IPv4: this means all. */
  readonly family?: "inet6" | undefined;
}
/** What can be done with a label. */
export type AddressLabelVerb = "create" | "replace" | "delete";

/** What each property of {@link AddressLabelConfig} must look like. The last number means that there is no label. */
export const addressLabelShapes = {
  prefix: network,
  label: integer(0, 0xffff_fffe),
  dev: linkName,
} as const satisfies Shapes;
const GONE = /^#([1-9][0-9]{0,8})$/;
/** The number of a link that is told by it; undefined for a name. */
const goneIndex = (dev: string | undefined): number | undefined => {
  const [, number] = GONE.exec(dev ?? "") ?? [];
  return number === undefined ? undefined : Number(number);
};
const linkThatWas: Shape<string> = {
  expected: `${linkName.expected}; or # and the number of a link that is gone`,
  json: { anyOf: [linkName.json, { type: "string", pattern: GONE.source }] },
  accepts: (value): value is string => linkName.accepts(value) || (typeof value === "string" && GONE.test(value)),
};
const WITH_GONE = { ...addressLabelShapes, dev: linkThatWas };
const FILTER = { ...WITH_GONE, family: choice("inet6") };

const ALL_OF_IPV4 = "addresses of IPv4 share one label, that of ::ffff:0:0/96";
/** IPv4 in IPv6, as {@link canonicalIp} writes it. */
const MAPPED = /^::ffff:([0-9]+\.[0-9.]+|[0-9a-f]+:[0-9a-f]+)$/;
const partsOf = (prefix: string): { readonly address: string; readonly length: number } => {
  const { address = "::", length, wide } = parsePrefix(prefix, "prefix", true);
  if (!wide || (length > 96 && MAPPED.test(canonicalIp(address))))
    throw new InputError(["prefix"], `${prefix} is of IPv4; ${ALL_OF_IPV4}`);
  return { address, length };
};
const canonical = (prefix: string): string => {
  const { address, length } = partsOf(prefix);
  return prefixText(length === 0 ? undefined : canonicalIp(address), length, true);
};
/** A checked label as the kernel's are shown. */
export const canonicalAddressLabel = (config: AddressLabelConfig): AddressLabelConfig => ({
  ...config,
  prefix: canonical(config.prefix),
});

/** The labels that each network namespace has from its start. Source: net/ipv6/addrlabel.c (ip6addrlbl_init_table) */
export const ORIGINAL_LABELS: ReadonlyMap<string, number> = new Map([
  ["default", 1],
  ["fc00::/7", 5],
  ["fec0::/10", 11],
  ["2002::/16", 2],
  ["3ffe::/16", 12],
  ["2001:10::/28", 7],
  ["2001::/32", 6],
  ["::ffff:0:0/96", 4],
  ["::/96", 3],
  ["::1", 0],
]);

/** @throws {InputError} for the first property that is unknown, missing, or does not fit. */
export function checkAddressLabel(config: AddressLabelConfig, verb: AddressLabelVerb): void {
  check([], verb === "delete" ? WITH_GONE : addressLabelShapes, config);
  for (const key of ["prefix", "label"] as const)
    if (config[key] === undefined && (key === "prefix" || verb !== "delete"))
      throw new InputError([key], `missing; expected ${addressLabelShapes[key].expected}`);
  partsOf(config.prefix);
}

type Wire = MessageIn<typeof newaddrlabel>;
/** The message for a checked label. */
export function addressLabelToWire(
  { prefix, label, dev }: AddressLabelConfig,
  indexOf: (name: string) => number,
): Wire {
  const { address, length } = partsOf(prefix);
  const index = dev === undefined ? 0 : (goneIndex(dev) ?? indexOf(dev));
  return { header: { family: AF_INET6, prefixlen: length, index }, attrs: { address, label: label ?? 0 } };
}
/** A label in people's words. */
export function addressLabelFromWire(
  { header, attrs }: MessageOut<typeof newaddrlabel>,
  names: ReadonlyMap<number, string>,
): AddressLabel {
  return {
    prefix: prefixText(attrs.address, header.prefixlen, true),
    label: attrs.label ?? 0,
    ...(header.index !== 0 && { dev: linkNamed(names, header.index) }),
  };
}

const ACTS = { create: "add", replace: "replace", delete: "delete" } as const;
const rules: ChangeRules<AddressLabelVerb, AddressLabelConfig, Wire> = {
  verbs: {
    create: { message: newaddrlabel, flags: NLM_F_CREATE | NLM_F_EXCL },
    replace: { message: newaddrlabel, flags: NLM_F_CREATE | NLM_F_REPLACE },
    delete: { message: deladdrlabel, flags: 0 },
  },
  check: checkAddressLabel,
  devices: ({ dev }) => [goneIndex(dev) === undefined ? dev : undefined],
  toWire: (config, _verb, indexOf) => addressLabelToWire(config, indexOf),
  told: ({ prefix, dev }, verb) => ({
    what: `cannot ${ACTS[verb]} label of ${prefix}${dev === undefined ? "" : ` on ${dev}`}`,
    properties: { address: "prefix" },
    blamed: { EEXIST: "prefix", ESRCH: "prefix", ENODEV: "dev" },
  }),
};

/** Lists and changes labels of IPv6 addresses. The kernel sends no events of them. */
export class AddressLabels extends Service<AddressLabelVerb, AddressLabelConfig, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  /** All labels, or those that the filter means; the longest prefix first. Same as: ip addrlabel list */
  async list(filter: AddressLabelFilter = {}, options?: CallOptions): Promise<Listing<AddressLabel>> {
    const { found, consistent } = await this.#found(filter, options);
    return listing(
      found.map(({ label }) => label),
      consistent,
    );
  }

  /** Labels that the filter means, and how they were told. */
  async #found(filter: AddressLabelFilter, options?: CallOptions) {
    check([], FILTER, filter, "filter");
    const header = { family: AF_INET6 };
    const { messages, consistent } = await this.connection.dump(getaddrlabel, { header }, newaddrlabel, options);
    const names = await this.links.names();
    const wanted = { ...filter, prefix: filter.prefix === undefined ? undefined : canonical(filter.prefix) };
    const found = await inTurns(messages, (message) => {
      const label = addressLabelFromWire(message, names);
      return matches(wanted, label, "family") ? { label, wire: message } : undefined;
    });
    return { found, consistent };
  }

  /**
   * Adds a label. Same as: ip addrlabel add prefix PREFIX dev DEV label LABEL
   * @throws {NetlinkError} `EEXIST` where the network has one; but Linux looks no further than the first other network of
   * the same length, and behind that may have it twice: then the new one counts.
   */
  create(config: AddressLabelConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /**
   * Adds a label, or changes that of a network that has one; which Linux may not notice, as with `create`: to be sure
   * delete it first. `ip addrlabel` has no word for it.
   */
  replace(config: AddressLabelConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("replace", config, options);
  }

  /**
   * Removes the label of a network. Same as: ip addrlabel del prefix PREFIX dev DEV label LABEL
   * @throws {NetlinkError} `ESRCH` where it has none.
   */
  delete(config: AddressLabelConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }

  /**
   * Removes all labels that the filter means, also those that every host has from its start. Resolves to how many were
   * removed. Same as: ip addrlabel flush
   * @throws {InputError} for a filter that names nothing.
   */
  async flush(filter: AddressLabelFilter, options?: CallOptions): Promise<number> {
    checkFlush(filter, "labels");
    const { found } = await this.#found(filter, options);
    // As they were told: the link of a label may be gone, or have a name that nobody would give.
    const commands = found.map(({ wire: { header, attrs } }) => command(deladdrlabel, { header, attrs }, 0));
    return removeAll(this.connection, commands, "labels", options);
  }
}
