/** Parts of the library that are loaded when they are first used: a script that makes one link does not wait for all. */
import { createRequire } from "node:module";

/** Where this stands under lib/, as a module of its own or as a part of a bundle. */
const FOLDER = "/lib/";
const LIB = import.meta.url.slice(0, import.meta.url.lastIndexOf(FOLDER) + FOLDER.length);
const SUFFIX = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
let load: NodeJS.Require | undefined;

/** The module `name` of lib/, `routes/routes`, loaded in this moment. `M` is its `typeof import("…")`, which the bundle goes by. */
export function late<M>(name: string): M {
  load ??= createRequire(LIB);
  return load(`./${name}${SUFFIX}`);
}
