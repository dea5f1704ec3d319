// Latency over 24 hours: the median as a line, the highest as a band, the budget dashed, gaps hatched, failures red.
"use strict";

const STEP = 300;
const DAY = 86400;
const box = document.getElementById("chart");
const chart = { plot: null, endpoint: "", budget: 0, loaded: 0 };

function colours() {
  const light = root.dataset.theme === "light";
  const style = getComputedStyle(root);
  return {
    line: light ? "#2F6FB5" : "#7DB7F0", band: light ? "#BFD4EA" : "#3A5878",
    ink: style.getPropertyValue("--ink3"), rule: style.getPropertyValue("--rule"), bad: style.getPropertyValue("--trouble"),
    budget: light ? "#8A6100" : "#FFD34A", budgetInk: light ? "#6B4B00" : "#FFD34A",
  };
}

// Buckets on a gapless grid of STEP seconds over the last day; null where nothing was measured.
function grid(buckets, end) {
  const last = Math.floor(end / STEP) * STEP;
  const first = last - DAY;
  const count = DAY / STEP + 1;
  const data = { x: [], median: [], highest: [], down: [], measured: [] };
  const found = new Map(buckets.map((bucket) => [Math.floor(Date.parse(bucket.begin) / 1000 / STEP) * STEP, bucket]));
  for (let number = 0; number < count; number++) {
    const at = first + number * STEP;
    const bucket = found.get(at);
    data.x.push(at);
    data.median.push(bucket?.median_seconds != null ? bucket.median_seconds * 1000 : null);
    data.highest.push(bucket?.max_seconds != null ? bucket.max_seconds * 1000 : null);
    data.down.push(bucket ? bucket.down : 0);
    data.measured.push(Boolean(bucket && bucket.up + bucket.down > 0));
  }
  return data;
}

function hatch(context, colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  for (const shift of [-8, 0, 8]) {
    pen.beginPath();
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
    pen.stroke();
  }
  return context.createPattern(tile, "repeat");
}

function paint(plot, data, palette) {
  const context = plot.ctx;
  const { left, top, width, height } = plot.bbox;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  const pattern = hatch(context, palette.ink);
  for (const [number, at] of data.x.entries()) {
    const begin = plot.valToPos(at, "x", true);
    const end = plot.valToPos(at + STEP, "x", true);
    if (!data.measured[number]) {
      context.globalAlpha = 0.35;
      context.fillStyle = pattern;
      context.fillRect(begin, top, end - begin, height);
    } else if (data.down[number]) {
      context.globalAlpha = 1;
      context.fillStyle = palette.bad;
      context.fillRect(begin, top, Math.max(2, end - begin - 1), height);
    }
  }
  context.restore();
}

function paintBudget(plot, palette) {
  if (!chart.budget) return;
  const { left, top, width } = plot.bbox;
  const y = plot.valToPos(chart.budget, "y", true);
  if (y < top) return;
  const context = plot.ctx;
  const ratio = devicePixelRatio;
  context.save();
  context.strokeStyle = palette.budget;
  context.setLineDash([6 * ratio, 4 * ratio]);
  context.lineWidth = ratio;
  context.beginPath();
  context.moveTo(left, y);
  context.lineTo(left + width, y);
  context.stroke();
  context.fillStyle = palette.budgetInk;
  context.font = `500 ${12 * ratio}px "Be Vietnam Pro"`;
  context.textAlign = "right";
  context.fillText(format(words.budget, `${Math.round(chart.budget)} ms`), left + width - 6 * ratio, y - 5 * ratio);
  context.restore();
}

function options(data, palette) {
  const font = '12px "Be Vietnam Pro"';
  const axis = { stroke: palette.ink, font, grid: { stroke: palette.rule, width: 1 }, ticks: { show: false } };
  const series = { spanGaps: false, points: { show: false } };
  return {
    width: box.clientWidth, height: box.clientHeight, legend: { show: false }, cursor: { show: false },
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone.timeZone),
    padding: [6, 4, 0, 0],
    scales: { y: { range: (_, low, high) => [0, Math.max(10, high * 1.15, Math.min(chart.budget * 1.15, high * 4))] } },
    axes: [
      { ...axis, space: 90, values: (_, marks) => marks.map((at) => clock(at * 1000).slice(0, 5)), grid: { show: false }, size: 24 },
      { ...axis, space: 34, size: 62, values: (_, marks) => marks.map((value) => `${value} ms`) },
    ],
    series: [{}, { ...series, stroke: palette.band, width: 1, fill: palette.band }, { ...series, stroke: palette.line, width: 2 }],
    hooks: { drawClear: [(plot) => paint(plot, data, palette)], draw: [(plot) => paintBudget(plot, palette)] },
  };
}

async function load() {
  if (!box) return;
  const { endpoint } = chart;
  chart.loaded = performance.now();
  const query = new URLSearchParams({ endpoint, step_seconds: String(STEP) });
  let answer;
  try {
    answer = await fetch(`/api/v1/points/${encodeURIComponent(box.dataset.point)}/results?${query}`);
  } catch (error) {
    if (error instanceof TypeError) return; // the banner says that the server is lost
    throw error;
  }
  if (!answer.ok || endpoint !== chart.endpoint) return;
  const { buckets, end } = await answer.json();
  const empty = !buckets.length;
  document.getElementById("chart-note").hidden = !empty;
  box.hidden = empty;
  if (empty) return;
  const data = grid(buckets, Date.parse(end) / 1000);
  chart.plot?.destroy();
  // Series are drawn in order: the band first, the line over it.
  chart.plot = new uPlot(options(data, colours()), [data.x, data.highest, data.median], box);
}

function choose(button) {
  for (const each of document.querySelectorAll(".tabs button")) each.setAttribute("aria-pressed", String(each === button));
  chart.endpoint = button.dataset.endpoint;
  chart.budget = Number(button.dataset.budget || 0) * 1000;
  load();
}

for (const button of document.querySelectorAll(".tabs button")) button.addEventListener("click", () => choose(button));
const first = document.querySelector('.tabs button[aria-pressed="true"]') ?? document.querySelector(".tabs button");
if (first) document.fonts.ready.then(() => choose(first));
addEventListener("resize", () => chart.plot?.setSize({ width: box.clientWidth, height: box.clientHeight }));
document.addEventListener("heard", () => {
  if (chart.plot && performance.now() - chart.loaded > 30000) load();
});
