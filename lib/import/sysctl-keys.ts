/** Sysctls as a document has them: keys that differ in the interface only are one key with braces. */

const PER_INTERFACE = /^(net\.ipv[46]\.(?:conf|neigh))\.([^./{},]+)\.(\w+)$/;

const valueFor = (text: string): number | string => (/^-?(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text);

/** Groups sysctls, in their order. */
export function groupSysctls(
  sysctls: readonly { readonly key: string; readonly value: string }[],
): Record<string, number | string> {
  const groups = new Map<string, { names: string[]; table: string; setting: string; value: string }>();
  const found: [string, { key: string; value: string } | string][] = [];
  for (const one of sysctls) {
    const [, table = "", name = "", setting = ""] = PER_INTERFACE.exec(one.key) ?? [];
    if (name === "") found.push([one.key, one]);
    else {
      const id = JSON.stringify([table, setting, one.value]);
      const group = groups.get(id);
      if (group !== undefined) group.names.push(name);
      else {
        groups.set(id, { names: [name], table, setting, value: one.value });
        found.push(["", id]);
      }
    }
  }
  return Object.fromEntries(
    found.map(([key, one]) => {
      if (typeof one !== "string") return [key, valueFor(one.value)];
      const { names, table, setting, value } = groups.get(one) ?? { names: [], table: "", setting: "", value: "" };
      const [only = ""] = names;
      const middle = names.length === 1 ? only : `{${names.join(",")}}`;
      return [`${table}.${middle}.${setting}`, valueFor(value)];
    }),
  );
}
