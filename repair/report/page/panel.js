// The filter panel: facets as lists of buttons with live counts.

import { el, icon, shown } from "./text.js";
import { SEVERITIES, STATES } from "./model.js";
import { FACETS, listed } from "./filters.js";

const LONG = 12; // values shown before a list that is no tree is folded
const LONGEST = 400; // more documents than that are found by the search
const LABELS = { state: { pending: "not decided", rejected: "kept as is", conflict: "in conflict" } };

export const labelOf = (facet, value) =>
  LABELS[facet]?.[value] ?? (facet === "category" ? value.replaceAll("-", " ") : value || "(none)");

export function showPanel(root, view, counts, { toggle }) {
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset : null;
  const open = new Set([...root.querySelectorAll("details[open]")].map((node) => node.dataset.facet));
  const groups = FACETS.map((facet) => group(facet, view, counts[facet.name], open)).filter(Boolean);
  root.replaceChildren(...groups);
  root.onclick = (event) => {
    const button = event.target.closest("button[data-facet]");
    if (!button) return;
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    toggle(button.dataset.facet, button.dataset.value);
  };
  if (focused?.facet) {
    const again = `button[data-facet="${focused.facet}"][data-value="${CSS.escape(focused.value)}"]`;
    root.querySelector(again)?.focus();
  }
}

function group(facet, view, counts, open) {
  const chosen = view.chosen[facet.name];
  const values = listed(facet, counts, chosen);
  if (!values.length || (values.length === 1 && !values[0])) return null;
  const make = (value) => entry(facet, value, chosen.has(value), counts.get(value) ?? 0);
  const short = facet.tree ? LONGEST : LONG;
  const rest = values.slice(short, LONGEST);
  const id = `facet-${facet.name}`;
  return el(
    "div",
    { class: "facet", role: "group", "aria-labelledby": id },
    el("h2", { id }, facet.says),
    el("ul", {}, ...values.slice(0, short).map(make)),
    rest.length
      ? folded(facet.name, rest, make, open.has(facet.name))
      : null,
  );
}

/** The values that are seldom wanted, made when they are. */
function folded(name, values, make, isOpen) {
  const list = el("ul", {});
  const fill = () => list.firstChild ?? list.append(...values.map(make));
  const details = el("details", { "data-facet": name, open: isOpen, ontoggle: fill });
  details.append(el("summary", {}, `${values.length} more`), list);
  if (isOpen) fill();
  return details;
}

function entry(facet, value, isChosen, count) {
  const depth = facet.tree ? value.split("/").length - 1 : 0;
  const label = labelOf(facet.name, facet.tree ? value.split("/").pop() : value);
  const hasIcon = facet.name === "severity" ? SEVERITIES.includes(value) : facet.name === "state" && STATES.includes(value) && value !== "pending";
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: `value depth-${Math.min(depth, 3)}`, "data-facet": facet.name, "data-value": value, "aria-pressed": String(isChosen) },
      hasIcon ? icon(value) : null,
      el("span", { class: "name" }, ...shown(label)),
      el("span", { class: "count" }, String(count)),
    ),
  );
}
