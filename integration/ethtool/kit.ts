/** What tests of devices share: what `ethtool` prints, and a kernel without the family `ethtool`. */
import type { EthtoolConnection } from "../../lib/ethtool/ethtool.ts";
import { NetlinkError } from "../../lib/socket/index.ts";

/** `LABEL: value` lines, each under the heading before it. */
export function table(text: string): Map<string, string> {
  let heading = "";
  const found = new Map<string, string>();
  for (const [, indent, label = "", value = ""] of text.matchAll(/^(\s*)([^:\n]+):[ \t]*(.*)$/gm)) {
    if (value === "" && indent === "") heading = `${label} / `;
    found.set(`${heading}${label}`, value.trim());
  }
  return found;
}

const refuse = async (): Promise<never> => {
  throw new NetlinkError({ errno: -2, request: "CTRL_CMD_GETFAMILY" });
};
/** As a kernel answers that has no family `ethtool`. */
export const withoutFamily: EthtoolConnection = { get: refuse, request: refuse };
