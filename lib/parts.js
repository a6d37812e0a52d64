/**
 * Loads the parts of the package, which are scripts beside this file (lib/bundle.mjs), together with what Node had made of
 * them when the package was built: compiling takes longer than all the rest of a short program. What another version of Node
 * has made is left alone, and what it has made of another text: V8 itself would compare no more than its length.
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

/** What Node had made of this very text, which stands behind it (lib/rehearsal.mjs). */
function codeOf(name, text) {
  const path = CODE + name.replaceAll("/", "+");
  if (!compiled || !existsSync(path)) return undefined;
  const kept = readFileSync(path);
  const end = Math.max(0, kept.length - text.length);
  return kept.subarray(end).equals(text) ? kept.subarray(0, end) : undefined;
}

/** What the part `name` exports, `chunks/links.cjs`, loaded in this moment. */
export function part(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const path = HERE + name;
  const text = readFileSync(path);
  const source = `(function (module, exports, require, __part, __import, __url) {${text.toString("utf8")}\n})`;
  const script = new Script(source, { filename: path, cachedData: codeOf(name, text) });
  scripts.set(name, script);
  const module = { exports: {} };
  loaded.set(name, module);
  try {
    script.runInThisContext()(module, module.exports, needed, part, imported, BASE.href + name);
  } catch (error) {
    // Who asks again gets no half of it.
    loaded.delete(name);
    throw error;
  }
  return module.exports;
}
