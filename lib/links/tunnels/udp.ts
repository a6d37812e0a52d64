/** What the overlays over UDP share. Source: include/uapi/linux/if_link.h (ifla_vxlan_port_range, ifla_geneve_port_range). */
import { integer, type Shape } from "../../shape/shape.ts";
import { be16, struct } from "../../wire/index.ts";
import { orWord } from "./outer.ts";

export const port = integer(1, 0xffff);

export interface PortRange {
  readonly low: number;
  readonly high: number;
}
export const portRange: Shape<PortRange> = {
  expected: "a port range such as { low: 49152, high: 65535 }, low not above high",
  json: {
    type: "object",
    properties: { low: port.json, high: port.json },
    required: ["low", "high"],
    additionalProperties: false,
  },
  accepts(value): value is PortRange {
    const range = value as Partial<PortRange> | null;
    if (typeof range !== "object" || range === null || Object.keys(range).length !== 2) return false;
    return port.accepts(range.low) && port.accepts(range.high) && range.low <= range.high;
  },
};
/** A range of ports on the wire. */
export const portRangeStruct = (name: string) => struct(name, { low: be16, high: be16 });
/** Hops of the outer packets: 0 lets the kernel choose, `inherit` takes the inner packet's. */
export const ttl = orWord(integer(0, 255), "inherit");
