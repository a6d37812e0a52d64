/** systemd: documents as its files, networkd and units as it is asked. */
export { SystemdError, type SystemdErrorCode } from "./bus/error.ts";
export {
  type ConfiguredOptions,
  type InterfaceDescription,
  type LinkState,
  type NetworkDescription,
  Networkd,
} from "./bus/networkd.ts";
export { Systemd, type SystemdOptions } from "./bus/systemd.ts";
export { type EnableOptions, type UnitFileChange, type UnitState, Units, type WaitOptions } from "./bus/units.ts";
export { type Exported, exportFiles } from "./export.ts";
export type { Unsaid } from "./unsaid.ts";
export { detectVersion, parseVersion } from "./version.ts";
export { writeFiles } from "./write.ts";
