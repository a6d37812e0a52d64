/** What users may import. */
export { Addresses } from "./addresses/addresses.ts";
export { Ethtool } from "./ethtool/ethtool.ts";
export { Host, type HostOptions } from "./host.ts";
export * from "./links/index.ts";
export { Fdb } from "./neighbors/fdb.ts";
export { Neighbors } from "./neighbors/neighbors.ts";
export { Netns } from "./netns/netns.ts";
export { Nftables } from "./nftables/nftables.ts";
export { Routes } from "./routes/routes.ts";
export { InputError } from "./shape/shape.ts";
export { NetlinkError, SocketError } from "./socket/errors.ts";
export { Sysctls } from "./sysctl/sysctl.ts";
export { WireError } from "./wire/error.ts";
