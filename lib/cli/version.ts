/** Which version of linkwright this is. */
import { readFileSync } from "node:fs";

/** The version in package.json, which is some directories up: fewer in the sources than in the compiled package. */
export function version(): string {
  for (const up of ["../..", "../../.."]) {
    try {
      const file = new URL(`${up}/package.json`, import.meta.url);
      const { name, version } = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string };
      if (name === "linkwright" && version !== undefined) return version;
    } catch {
      // not here
    }
  }
  return "unknown";
}
