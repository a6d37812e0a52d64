/** systemd: documents as its files, networkd and units as they are asked, what a service tells and is given. */
export {
  type EventKind,
  type FieldValue,
  isJournal,
  type JournalEntry,
  MESSAGE_IDS,
  type Priority,
  withPriority,
  writeJournal,
} from "../journald/index.ts";
export { type PassedSocket, passedSockets } from "./activation.ts";
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
export { unifiedDiff } from "./diff.ts";
export { type Exported, exportFiles } from "./export.ts";
export { filesInCharge, type InCharge } from "./in-charge.ts";
export { InstallError, type Installed, type InstallOptions, install } from "./install.ts";
export { type Installation, type InstallationInput, surveyInstallation, surveyRemoval } from "./installation.ts";
export { type Notice, notify, type Tell, teller, watchdogSeconds } from "./notify.ts";
export { type Clash, checkOwners, mayBeOwned, OwnedError, type Owner, type Owners, ownersOf } from "./owners.ts";
export {
  discardInstallations,
  installationRemark,
  type RecoveredInstallation,
  type RecoverInstallationOptions,
  recoverInstallations,
} from "./taking-back.ts";
export { type UninstallOptions, uninstall } from "./uninstall.ts";
export { notLeftAlone, surveyUnmanaged, type UnmanageOptions, unmanage } from "./unmanaged.ts";
export type { Unsaid } from "./unsaid.ts";
export { detectVersion, parseVersion } from "./version.ts";
export { type ExportedFile, type FileChange, WriteError, writeFiles } from "./write.ts";
