import type { Contender } from "../../figures.ts";
import { type Axis, type Extent, linearAxis, logAxis, logTicks, stepAxis } from "./axis.ts";
import type { Line, Panel, Plot } from "./plot.ts";

const COLUMNS = 3;
const PANEL = { width: 290, height: 220 };
const MARGIN = { top: 26, right: 22, bottom: 26, left: 48 };
const HEADER_PX = 58;
const FOOTER_PX = 26;
const MARKER_PX = 3.2;
const LEGEND_GAP_PX = 110;

/** How a contender is drawn; colours are told apart by dashes too. */
interface Pen {
  readonly className: string;
  readonly dash: string;
}

const pens: Partial<Readonly<Record<Contender, Pen>>> = {
  millrace: { className: "a", dash: "" },
  bare: { className: "b", dash: "6 3" },
  joined: { className: "c", dash: "2 3" },
  naive: { className: "d", dash: "9 3 2 3" },
};

/** Colours that can be told apart by all eyes, on light and on dark ground. */
const STYLE = `
svg { --ground: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d8dee4;
  --a: #0550ae; --b: #1a7f37; --c: #8250df; --d: #bc4c00; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0d1117; --ink: #e6edf3; --soft: #9198a1; --grid: #30363d;
    --a: #58a6ff; --b: #3fb950; --c: #bc8cff; --d: #f0883e; }
}
text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.title { font-size: 14px; font-weight: 600; fill: var(--ink); }
.panel { font-weight: 600; fill: var(--ink); }
.ground { fill: var(--ground); }
.grid { stroke: var(--grid); stroke-width: 1; }
.line { fill: none; stroke-width: 2; }
.spread { stroke-width: 1; opacity: 0.6; }
.a { stroke: var(--a); } .b { stroke: var(--b); } .c { stroke: var(--c); } .d { stroke: var(--d); }
circle.a { fill: var(--a); } circle.b { fill: var(--b); } circle.c { fill: var(--c); } circle.d { fill: var(--d); }
`;

/** A plot as an SVG document that looks right on light and on dark pages. */
export function renderSvg(plot: Plot): string {
  const columns = Math.min(COLUMNS, plot.panels.length);
  const rows = Math.ceil(plot.panels.length / COLUMNS);
  const width = Math.max(2, columns) * PANEL.width;
  const height = HEADER_PX + rows * PANEL.height + FOOTER_PX;
  const panels = plot.panels.map((panel, at) => {
    const x = (at % COLUMNS) * PANEL.width;
    const y = HEADER_PX + Math.floor(at / COLUMNS) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${renderPanel(plot, panel)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img" aria-label="${escape(plot.title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    text(MARGIN.left, 20, plot.title, "title"),
    ...renderLegend(plot),
    ...panels,
    text(width / 2, height - 8, `across: ${plot.xLabel}; up: ${plot.yLabel}`, "", "middle"),
    "</svg>",
    "",
  ].join("\n");
}

function renderPanel(plot: Plot, { title, lines }: Panel): string {
  const [left, right] = [MARGIN.left, PANEL.width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, PANEL.height - MARGIN.bottom];
  const x = xAxis(plot, [left, right]);
  const y = yAxis(plot.yScale, plot.sharesY ? plot.panels : [{ title, lines }], [bottom, top]);
  return [
    text(left, top - 10, title, "panel"),
    ...y.ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${right}" y1="${px(y.at(tick))}" y2="${px(y.at(tick))}"/>`,
      text(left - 6, y.at(tick) + 4, short(tick), "", "end"),
    ]),
    ...x.ticks.map((tick) => text(x.at(tick), bottom + 16, short(tick), "", "middle")),
    ...lines.flatMap((line) => renderLine(line, x, y)),
  ].join("\n");
}

function renderLine({ contender, points }: Line, x: Axis, y: Axis): string[] {
  const { className, dash } = penOf(contender);
  const places = points.map((point) => `${px(x.at(point.x))},${px(y.at(point.y))}`);
  return [
    `<polyline class="line ${className}" stroke-dasharray="${dash}" points="${places.join(" ")}"/>`,
    ...points.flatMap((point) => {
      const at = px(x.at(point.x));
      return [
        `<line class="spread ${className}" x1="${at}" x2="${at}" y1="${px(y.at(point.low))}" y2="${px(y.at(point.high))}"/>`,
        `<circle class="${className}" cx="${at}" cy="${px(y.at(point.y))}" r="${MARKER_PX}"/>`,
      ];
    }),
  ];
}

function renderLegend({ panels }: Plot): string[] {
  const contenders = [...new Set(panels.flatMap(({ lines }) => lines.map(({ contender }) => contender)))];
  return contenders.flatMap((contender, at) => {
    const { className, dash } = penOf(contender);
    const x = MARGIN.left + at * LEGEND_GAP_PX;
    return [
      `<line class="line ${className}" stroke-dasharray="${dash}" x1="${x}" x2="${x + 26}" y1="38" y2="38"/>`,
      text(x + 32, 42, contender),
    ];
  });
}

function xAxis({ panels, xScale }: Plot, extent: Extent): Axis {
  const values = panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ x }) => x)));
  if (xScale === "linear") return linearAxis(values, extent);
  if (xScale === "steps") return stepAxis(values, extent);
  return logAxis(values, extent, [...new Set(values)].filter(isRoomy));
}

/** Labels of 5,000 and 10,000 would overlap. */
function isRoomy(value: number): boolean {
  return value < 1000 || Number.isInteger(Math.log10(value));
}

function yAxis(yScale: Plot["yScale"], panels: readonly Panel[], extent: Extent): Axis {
  const points = panels.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  const values = points.flatMap(({ low, high }) => [low, high]);
  if (yScale === "linear") return linearAxis(values, extent);
  const ticks = logTicks(values);
  return logAxis(ticks, extent, ticks);
}

function penOf(contender: Contender): Pen {
  return pens[contender] ?? { className: "d", dash: "" };
}

function text(x: number, y: number, content: string, className = "", anchor = "start"): string {
  return `<text x="${px(x)}" y="${px(y)}" class="${className}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function px(value: number): string {
  return value.toFixed(1);
}

function short(value: number): string {
  return value >= 1000 ? value.toLocaleString("en") : String(value);
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
