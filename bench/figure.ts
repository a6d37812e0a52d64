/** The curve: how cost grows with the size of a table. */
import type { Point } from "./page.ts";

const number = (value: number): string => value.toLocaleString("en-US");
const WIDTH = 720;
const HEIGHT = 440;
const LEFT = 80;
const RIGHT = 190;
const TOP = 24;
const BOTTOM = 56;
const LINES = [
  { key: "floor entries", title: "append, C floor", color: "#8a8a8a", dash: "5 4" },
  { key: "ours entries", title: "append, wire layer", color: "#0b6bcb", dash: "" },
  { key: "floor entries-dump", title: "dump, C floor", color: "#c9a227", dash: "5 4" },
  { key: "ours entries-dump", title: "dump, wire layer", color: "#c2410c", dash: "" },
] as const;

/** docs/performance.svg: both axes logarithmic, so that linear growth is a straight line at 45 degrees. */
export function figure(points: readonly Point[]): string {
  const xs = points.map(({ entries }) => Math.log10(entries));
  const ys = points.flatMap(({ found }) => LINES.map(({ key }) => Math.log10((found[key] ?? Number.NaN) / 1e6)));
  const bounds = (list: readonly number[]): readonly [number, number] => [
    Math.floor(Math.min(...list)),
    Math.ceil(Math.max(...list)),
  ];
  const [left, right] = bounds(xs);
  const [low, high] = bounds(ys);
  const x = (log: number): number => LEFT + ((log - left) / (right - left)) * (WIDTH - LEFT - RIGHT);
  const y = (log: number): number => HEIGHT - BOTTOM - ((log - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const decades = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const grid = [
    ...decades(left, right).map((log) => {
      const at = x(log).toFixed(1);
      return `<path d="M${at} ${TOP}V${HEIGHT - BOTTOM}" class="grid"/><text x="${at}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${number(10 ** log)}</text>`;
    }),
    ...decades(low, high).map((log) => {
      const at = y(log).toFixed(1);
      return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" class="grid"/><text x="${LEFT - 8}" y="${Number(at) + 4}" text-anchor="end">${number(10 ** log)} ms</text>`;
    }),
  ];
  const lines = LINES.map(({ key, title, color, dash }, i) => {
    const path = points.map(({ entries, found }) => {
      const at = [x(Math.log10(entries)), y(Math.log10((found[key] ?? Number.NaN) / 1e6))];
      return at.map((value) => value.toFixed(1)).join(" ");
    });
    const legend = TOP + 16 + 22 * i;
    const stroke = `stroke="${color}" stroke-width="2" fill="none"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
    const dots = path.map((at) => `<circle cx="${at.split(" ")[0]}" cy="${at.split(" ")[1]}" r="3" fill="${color}"/>`);
    return `<path d="M${path.join("L")}" ${stroke}/>${dots.join("")}
<path d="M${WIDTH - RIGHT + 14} ${legend - 4}h26" ${stroke}/><text x="${WIDTH - RIGHT + 46}" y="${legend}">${title}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">
<style>.grid{stroke:#ddd;fill:none}</style>
<rect width="100%" height="100%" fill="#fff"/>
${[...grid, ...lines].join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">forwarding entries of one VXLAN</text>
</svg>
`;
}
