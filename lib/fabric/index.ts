/** One document for many hosts: what it says for each. */
export { checkAll, derive, hostsOf } from "./fabric.ts";
export { type Hosts, VARIABLES } from "./variables.ts";
