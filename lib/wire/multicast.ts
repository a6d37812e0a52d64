/** Addresses that stand for many. */

/** Whether an IPv4 or IPv6 address is that of a multicast group: 224.0.0.0/4, ff00::/8. */
export function isMulticast(ip: string): boolean {
  return ip.includes(":") ? /^ff/i.test(ip) : /^2(2[4-9]|3\d)\./.test(ip);
}
