/** Entry point `linkwright/wire`: netlink messages as bytes and values, without any input or output. */
export * from "./address.ts";
export * from "./attr.ts";
export * from "./buffer.ts";
export * from "./codec.ts";
export { WireError } from "./error.ts";
export * from "./message.ts";
export * from "./pick.ts";
export * from "./text.ts";
export * from "./view.ts";
