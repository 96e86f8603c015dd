// The overview: what was found, how sure it is, and which documents need the reader most. Every
// figure is a button that filters by it.

import { el, icon, shown } from "./text.js";
import { SEVERITIES } from "./model.js";

const BINS = 10;
const MOST_DOCUMENTS = 8;

export function showOverview(root, report, { filter }) {
  const parts = [
    el("section", { "aria-label": "What was found" }, el("h2", {}, "What was found"), found(report)),
    el("section", { "aria-label": "Confidence" }, el("h2", {}, "How sure"), histogram(report)),
    documents(report),
    evaluation(report),
  ];
  root.replaceChildren(...parts.filter(Boolean));
  root.onclick = (event) => {
    const button = event.target.closest("[data-facet]");
    if (button) filter(button.dataset.facet, button.dataset.value, button.dataset.severity);
  };
}

/** The overview in one line, for when it is folded. */
export function inShort(report) {
  const items = report.items.filter((item) => !item.outdated);
  const segments = new Set(items.map((item) => item.segment)).size;
  const graver = ["critical", "major"].map((severity) => [items.filter((item) => item.severity === severity).length, severity]);
  const parts = [`${items.length} suggestions in ${segments} of ${report.segments.length} segments`];
  return [...parts, ...graver.filter(([n]) => n).map(([n, severity]) => `${n} ${severity}`)].join(" · ");
}

function found(report) {
  const rows = new Map();
  for (const item of report.items) {
    if (item.outdated) continue;
    if (!rows.has(item.category)) rows.set(item.category, { all: 0 });
    const row = rows.get(item.category);
    row.all += 1;
    row[item.severity] = (row[item.severity] ?? 0) + 1;
  }
  if (!rows.size) return el("p", { class: "quiet" }, "Nothing: no suggestion in this run.");
  const sorted = [...rows].sort((a, b) => b[1].all - a[1].all);
  const most = sorted[0][1].all;
  const used = SEVERITIES.filter((severity) => sorted.some(([, row]) => row[severity]));
  return el(
    "table",
    { class: "found" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "Category"),
        ...used.map((severity) => el("th", { scope: "col" }, icon(severity), severity)),
        el("th", { scope: "col" }, "all"),
        el("td", { class: "bars" }),
      ),
    ),
    el("tbody", {}, ...sorted.map(([category, row]) => foundRow(category, row, used, most))),
  );
}

function foundRow(category, row, used, most) {
  const button = (label, severity) =>
    el("button", { type: "button", "data-facet": "category", "data-value": category, "data-severity": severity ?? null, "aria-label": severity ? `${label} ${severity}, ${category}` : null }, label);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, button(category.replaceAll("-", " "))),
    ...used.map((severity) => el("td", {}, row[severity] ? button(String(row[severity]), severity) : "")),
    el("td", {}, String(row.all)),
    el("td", { class: "bars" }, stacked(used.map((severity) => [severity, row[severity] ?? 0]), most)),
  );
}

/** A bar of parts, drawn to a common scale; the figures beside it say the same. */
function stacked(parts, most) {
  const svg = drawing(120, 10, "bar");
  let x = 0;
  for (const [name, count] of parts) {
    const width = (120 * count) / most;
    if (count) svg.append(rectangle(x, 0, Math.max(1, width - 0.5), 10, name));
    x += width;
  }
  return svg;
}

function histogram(report) {
  const bins = Array.from({ length: BINS }, () => 0);
  for (const item of report.items) {
    if (!item.outdated) bins[Math.min(BINS - 1, Math.floor(item.confidence * BINS))] += 1;
  }
  const most = Math.max(1, ...bins);
  const svg = drawing(200, 84, "histogram");
  const words = bins.map((count, i) => `${(i / BINS).toFixed(1)} to ${((i + 1) / BINS).toFixed(1)}: ${count}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `Suggestions by confidence. ${words.join("; ")}`);
  svg.removeAttribute("aria-hidden");
  bins.forEach((count, i) => {
    const height = (54 * count) / most;
    const level = i >= 9 ? "sure" : i >= 6 ? "likely" : "unsure";
    const bar = rectangle(i * 20 + 1, 66 - height, 18, height, level);
    bar.append(named("title", {}, words[i]));
    svg.append(bar);
    if (count) svg.append(named("text", { x: i * 20 + 10, y: 62 - height, class: "count" }, String(count)));
  });
  svg.append(named("path", { d: "M0 66.5H200", class: "axis" }));
  for (const [value, x, anchor] of [["0", 1, "start"], ["0.6", 120, "middle"], ["0.9", 180, "middle"], ["1", 199, "end"]]) {
    svg.append(named("text", { x, y: 79, "text-anchor": anchor, class: "tick" }, value));
  }
  const levels = ["sure", "likely", "unsure"].map((level) =>
    el("li", {}, el("button", { type: "button", "data-facet": "confidence", "data-value": level }, { sure: "sure, 0.9 and more", likely: "likely, 0.6 to 0.9", unsure: "unsure, below 0.6" }[level])),
  );
  return el("div", {}, svg, el("ul", { class: "levels" }, ...levels));
}

/** Documents by the expected share of words to change, worst first. */
function documents(report) {
  const docs = new Map();
  for (const segment of report.segments) {
    if (!docs.has(segment.doc)) docs.set(segment.doc, { segments: 0, judged: 0, hter: 0, items: 0 });
    const doc = docs.get(segment.doc);
    doc.segments += 1;
    doc.items += segment.items.length;
    if (segment.quality) {
      doc.judged += 1;
      doc.hter += segment.quality.hter;
    }
  }
  const judged = [...docs].filter(([, doc]) => doc.judged);
  if (!judged.length) return null;
  const mean = ([, doc]) => doc.hter / doc.judged;
  judged.sort((a, b) => mean(b) - mean(a));
  const rows = judged.map((entry) => {
    const [name, doc] = entry;
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, el("button", { type: "button", "data-facet": "doc", "data-value": name }, ...shown(name || "(no name)"))),
      el("td", {}, `${Math.round(100 * mean(entry))} %`),
      el("td", { class: "bars" }, stacked([["quality", mean(entry)]], Math.max(0.01, mean(judged[0])))),
      el("td", {}, String(doc.segments)),
      el("td", {}, String(doc.items)),
    );
  });
  const table = (some) =>
    el(
      "table",
      { class: "documents" },
      el("thead", {}, el("tr", {}, ...["Document", "to change"].map((h) => el("th", { scope: "col" }, h)), el("td", { class: "bars" }), ...["segments", "suggestions"].map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", {}, ...some),
    );
  const rest = rows.slice(MOST_DOCUMENTS);
  return el(
    "section",
    { "aria-label": "Documents by expected quality" },
    el("h2", {}, "Documents, worst expected quality first"),
    table(rows.slice(0, MOST_DOCUMENTS)),
    rest.length ? el("details", {}, el("summary", {}, `${rest.length} more`), table(rest)) : null,
  );
}

/** What the references say of the run, in the evaluation view. */
function evaluation(report) {
  const ways = { towards: 0, neutral: 0, away: 0 };
  const means = { chrf: [0, 0, 0], ter: [0, 0, 0] };
  for (const { effect } of report.segments) {
    if (!effect) continue;
    for (const way of Object.values(effect.suggestions)) ways[way] += 1;
    for (const [name, sums] of Object.entries(means)) {
      sums[0] += effect[name][0];
      sums[1] += effect[name][1];
      sums[2] += 1;
    }
  }
  if (!means.chrf[2]) return null;
  const words = { towards: "move towards the reference", neutral: "as far as before", away: "move away from it" };
  const lines = Object.entries(means).map(([name, [before, after, n]]) =>
    el("li", {}, `${{ chrf: "chrF++", ter: "TER" }[name]} of the run’s fixed text, mean of ${n} segments: ${(before / n).toFixed(2)} → ${(after / n).toFixed(2)}`),
  );
  return el(
    "section",
    { "aria-label": "Against the references" },
    el("h2", {}, "Against the references"),
    el(
      "ul",
      { class: "levels" },
      ...Object.entries(ways).map(([way, count]) => el("li", {}, el("button", { type: "button", "data-facet": "effect", "data-value": way }, `${count} ${words[way]}`))),
      ...lines,
    ),
  );
}

function drawing(width, height, name) {
  return named("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: name, "aria-hidden": "true" });
}

function rectangle(x, y, width, height, name) {
  return named("rect", { x, y, width, height, class: name });
}

function named(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}
