/** Random fabrics that are in order. */
import { parseSource, type Source } from "../../lib/state/index.ts";

/** Numbers from a seed: mulberry32. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** A document of two to four hosts: either version of IP, either way to flood, with or without NAT, rp_filter, a small underlay. */
export function healthyFabric(seed: number): { readonly source: Source; readonly underlayMtu: number } {
  const draw = random(seed);
  const count = 2 + draw(3);
  const wide = draw(2) === 1;
  const multicast = draw(3) === 0;
  const nat = !wide && draw(2) === 1;
  const names = Array.from({ length: count }, (_, at) => `h${at + 1}`);
  const vteps = names.map((_, at) => (wide ? `fd00:10::${at + 11}` : `10.9.8.${at + 11}`));
  const gateways = names.map((_, at) => `100.64.7.${at + 1}/24`);
  const group = wide ? "ff05::39" : "239.1.1.39";
  const lines = [
    "linkwright: 1",
    "hosts:",
    ...names.map((name, at) => `  ${name}: { underlay: up0, vtep: "${vteps[at]}" }`),
    "overlays:",
    "  vm:",
    `    vni: ${1 + draw(0xff_fffe)}`,
    ...(draw(4) === 0 ? ["    dstport: 8472"] : []),
    `    flood: ${multicast ? `{ multicast: "${group}", ttl: ${1 + draw(9)} }` : "unicast"}`,
    `    gateway: { ${names.map((name, at) => `${name}: [${gateways[at]}]`).join(", ")} }`,
    `sysctls: { net.ipv4.ip_forward: 1, net.ipv4.conf.all.rp_filter: ${draw(3)} }`,
    ...(nat
      ? [
          "nat:",
          "  - { masquerade: 100.64.7.0/24, out: $underlay }",
          "forward:",
          "  - { in: br-vm, out: $underlay, accept: all }",
          "  - { in: $underlay, out: br-vm, accept: replies }",
        ]
      : []),
    "guests: { on: br-vm, mtu: auto }",
  ];
  return {
    source: parseSource(`${lines.join("\n")}\n`, `fabric-${seed}.yaml`),
    underlayMtu: [1400, 1500, 9000][draw(3)] ?? 1500,
  };
}
