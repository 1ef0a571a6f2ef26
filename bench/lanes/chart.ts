import type { Row } from "./measure.ts";
import { CEILING } from "./table.ts";

const WIDTH = 720;
const HEIGHT = 320;
const LEFT = 56;
const BOTTOM = 48;
const TOP = 36;
const COLOURS: Readonly<Record<string, string>> = {
  "always sync": "#9aa0a6",
  "always batch": "#d9a441",
  "nightly cron": "#c26d5c",
  oracle: "#7a8fb8",
  Offpeak: "#2f7d5b",
};
/** More than this is saved only by missing deadlines. */
const TALLEST = 0.55;

/** Bars of what each strategy saves in each scenario; hollow where a tier keeps less than 99.9 % of its deadlines. */
export function chartOf(rows: readonly Row[]): string {
  const scenarios = [...new Set(rows.map(({ scenario }) => scenario))];
  const strategies = [...new Set(rows.map(({ strategy }) => strategy))];
  const groupWidth = (WIDTH - LEFT) / scenarios.length;
  const barWidth = (groupWidth - 24) / strategies.length;
  const y = (share: number) => HEIGHT - BOTTOM - (share / TALLEST) * (HEIGHT - BOTTOM - TOP);
  const bars = rows.map((row) => {
    const x =
      LEFT + scenarios.indexOf(row.scenario) * groupWidth + 12 + strategies.indexOf(row.strategy) * barWidth;
    const top = y(Math.max(0, row.savedShare));
    const colour = COLOURS[row.strategy] ?? "#444";
    const keeps = Object.values(row.deadlinesMet).every((share) => share >= 0.999);
    const fill = keeps ? colour : "none";
    const title = `${row.strategy} in (${row.scenario}): ${(100 * row.savedShare).toFixed(1)} % saved`;
    const size = `width="${(barWidth - 3).toFixed(1)}" height="${(y(0) - top).toFixed(1)}"`;
    return `<rect x="${x.toFixed(1)}" y="${top.toFixed(1)}" ${size} fill="${fill}" stroke="${colour}"><title>${title}</title></rect>`;
  });
  const labels = scenarios.map(
    (scenario, number) =>
      `<text x="${(LEFT + (number + 0.5) * groupWidth).toFixed(0)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">(${scenario})</text>`,
  );
  const legend = strategies.map(
    (strategy, number) =>
      `<rect x="${LEFT + number * 126}" y="${HEIGHT - 16}" width="10" height="10" fill="${COLOURS[strategy] ?? "#444"}"/>` +
      `<text x="${LEFT + 14 + number * 126}" y="${HEIGHT - 7}">${strategy}</text>`,
  );
  const ticks = [0, 0.1, 0.2, 0.3, 0.4, 0.5].map(
    (share) =>
      `<line x1="${LEFT}" x2="${WIDTH}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>` +
      `<text x="${LEFT - 6}" y="${y(share) + 4}" text-anchor="end">${100 * share} %</text>`,
  );
  const ceiling = `<line x1="${LEFT}" x2="${WIDTH}" y1="${y(CEILING)}" y2="${y(CEILING)}" stroke="#333" stroke-dasharray="4 3"/>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18">Saved, of what everything costs at once. Dashed: the ceiling. Hollow: deadlines are missed.</text>`,
    ...ticks,
    ...bars,
    ceiling,
    ...labels,
    ...legend,
    "</svg>",
    "",
  ].join("\n");
}
