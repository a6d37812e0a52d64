/** Addresses and networks. */
import { BlockList, isIPv6 } from "node:net";

const familyOf = (address: string): "ipv4" | "ipv6" => (isIPv6(address) ? "ipv6" : "ipv4");

/** Whether an address is of a network such as `192.0.2.0/24`; a network without length is one address. */
export function inPrefix(address: string, network: string): boolean {
  const [base = "", length] = network.split("/");
  const family = familyOf(base);
  if (family !== familyOf(address)) return false;
  const list = new BlockList();
  if (length === undefined) list.addAddress(base, family);
  else list.addSubnet(base, Number(length), family);
  return list.check(address, family);
}

/** The addresses of a small IPv4 network, without its first and last; none where it is larger than a /24. */
export function addressesIn(network: string): string[] {
  const [base = "", length] = network.split("/");
  const bits = Number(length);
  if (isIPv6(base) || !(bits >= 24 && bits <= 30)) return [];
  const [a, b, c, d] = base.split(".").map(Number);
  const count = 2 ** (32 - bits);
  const first = (d ?? 0) - ((d ?? 0) % count);
  return Array.from({ length: count - 2 }, (_, at) => [a, b, c, first + at + 1].join("."));
}
