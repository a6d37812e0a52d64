/** The multicast groups that links listen to for this host. */
import { type Family, type LinkLookup, linkNamed } from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import type { MessageOut } from "../wire/index.ts";
import type { toldmulticast } from "./schema.ts";

/** A group that a link listens to. */
export interface MulticastAddress {
  readonly dev: string;
  readonly family: Family;
  /** `224.0.0.1`, `ff02::1`. */
  readonly address: string;
}

/** A group in people's words; undefined for a message of another family. */
export function multicastFromWire(
  { header, attrs }: MessageOut<typeof toldmulticast>,
  names: Awaited<ReturnType<LinkLookup["names"]>>,
): MulticastAddress | undefined {
  const { multicast: address } = attrs;
  if ((header.family !== AF_INET && header.family !== AF_INET6) || address === undefined) return undefined;
  return { dev: linkNamed(names, header.index), family: header.family === AF_INET ? "inet" : "inet6", address };
}
