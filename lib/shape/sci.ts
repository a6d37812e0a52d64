/** What the identifier of a secure channel of MACsec looks like. */
import type { Shape } from "./shape.ts";

const SCI = /^[0-9a-fA-F]{16}$/;

export const sci: Shape<string> = {
  expected: "a secure channel identifier: 16 hexadecimal digits, those of the MAC address and of the port",
  json: { type: "string", pattern: SCI.source },
  accepts: (value): value is string => typeof value === "string" && SCI.test(value),
};
