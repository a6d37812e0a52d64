/** Entry point `linkwright/document`: read a document, take one host's share, plan, apply, verify, remove. */
export * from "../state/index.ts";
export { checkAll, derive, hostsOf } from "./fabric.ts";
