/**
 * Loads the parts of the package, which are scripts beside this file (lib/bundle.mjs), together with what Node had made of
 * them when the package was built: compiling takes longer than all the rest of a short program. What another version of Node
 * has made is left alone.
 */
import { existsSync, readFileSync } from "node:fs";
import { Script } from "node:vm";

const BASE = new URL(".", import.meta.url);
const HERE = decodeURIComponent(BASE.pathname);
const CODE = `${HERE}code/${process.version}-${process.arch}/`;
const compiled = existsSync(CODE);
const loaded = new Map();
/** The script of each part that was loaded, for the build. */
export const scripts = new Map();

const needed = (name) => (name.startsWith("node:") ? process.getBuiltinModule(name) : part(name));
const imported = (name) => import(name);

/** What the part `name` exports, `chunks/links.cjs`, loaded in this moment. */
export function part(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const path = HERE + name;
  const code = CODE + name.replaceAll("/", "+");
  const source = `(function (module, exports, require, __part, __import, __url) {${readFileSync(path, "utf8")}\n})`;
  const script = new Script(source, {
    filename: path,
    cachedData: compiled && existsSync(code) ? readFileSync(code) : undefined,
  });
  scripts.set(name, script);
  const module = { exports: {} };
  loaded.set(name, module);
  script.runInThisContext()(module, module.exports, needed, part, imported, BASE.href + name);
  return module.exports;
}
