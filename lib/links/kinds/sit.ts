/**
 * Source: include/uapi/linux/if_tunnel.h (IFLA_IPTUN_*, SIT_ISATAP), net/ipv6/sit.c (ipip6_policy, ipip6_changelink,
 * ipip6_fill_info). The one flag is handed through as it comes, so in the host's order.
 */
import { boolean, network, type Shape } from "../../shape/shape.ts";
import { bits, ipv4, u16 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { custom, type Option } from "../option.ts";
import { checkPmtudisc, iptunAttrs, mode } from "../tunnels/iptun.ts";
import { encap, hasBit, header4, ipv4Address, ipv6Address, pointToPoint4 } from "../tunnels/outer.ts";

function prefix(example: string, ip: Shape<string>): Shape<string> {
  return {
    expected: `a prefix such as ${example}`,
    json: { type: "string" },
    accepts: (value): value is string =>
      network.accepts(value) && value.includes("/") && ip.accepts(value.slice(0, value.indexOf("/"))),
  };
}
/** A prefix whose address and length are attributes of their own. */
function prefixOf(key: "6rdPrefix" | "6rdRelayPrefix", shape: Shape<string>): Option<string> {
  const length = `${key}len`;
  return custom(
    [key, length],
    shape,
    (value) => {
      const [ip, bits] = value.split("/");
      return { [key]: ip, [length]: Number(bits) };
    },
    (wire) => (wire[key] === undefined ? undefined : `${wire[key]}/${wire[length]}`),
  );
}

/** IPv6 in IPv4. */
export const sit = linkKind({
  kind: "sit",
  wire: iptunAttrs(ipv4, bits(u16, { isatap: 0x1 })),
  whole: true,
  options: {
    ...pointToPoint4,
    ...header4,
    /** What is inside, default `ip6ip`. */
    mode: mode(["ip6ip", "ipip", "mplsip", "any"], { ignored: true }),
    /** Whether the other hosts of the site are found by their addresses (RFC 5214). Default false. */
    isatap: custom(
      ["flags"],
      boolean,
      (value) => ({ flags: { isatap: value } }),
      (wire) => (wire["flags"] === undefined ? undefined : hasBit(wire, "flags", "isatap")),
      { ignored: true },
    ),
    /** IPv6 prefix whose addresses hold the far end's IPv4 address (RFC 5969). Default 2002::/16. Same as: 6rd-prefix ADDR */
    "6rdPrefix": prefixOf("6rdPrefix", prefix("2001:db8::/32", ipv6Address)),
    /** What the IPv4 addresses of all far ends begin with, and is left out. Default 0.0.0.0/0. Same as: 6rd-relay_prefix ADDR */
    "6rdRelayPrefix": prefixOf("6rdRelayPrefix", prefix("192.0.2.0/24", ipv4Address)),
    ...encap,
  },
  check: checkPmtudisc,
});
