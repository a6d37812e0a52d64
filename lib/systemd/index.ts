/** Documents as files of systemd. */
export { type Exported, exportFiles } from "./export.ts";
export type { Unsaid } from "./unsaid.ts";
export { detectVersion, parseVersion } from "./version.ts";
export { writeFiles } from "./write.ts";
