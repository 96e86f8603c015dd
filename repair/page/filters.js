// What is shown: facets with live counts, the search, and their form in the address.

import { SEVERITIES, STATES, levelOf } from "./model.js";

const branches = (path, separator = "/") => {
  const parts = path.split(separator);
  return parts.map((_, i) => parts.slice(0, i + 1).join(separator));
};

// `of` names the values of an item: an item has all of them, a facet lets it pass for any one.
export const FACETS = [
  { name: "state", says: "State", order: STATES, of: (item) => [item.state], moving: true },
  { name: "category", says: "Category", tree: true, of: (item) => branches(item.category) },
  { name: "severity", says: "Severity", order: SEVERITIES, of: (item) => [item.severity] },
  { name: "confidence", says: "Confidence", order: ["sure", "likely", "unsure"], of: (item) => [levelOf(item.confidence)] },
  { name: "by", says: "Proposed by", tree: true, of: (item) => [...new Set(item.by.split(", ").flatMap((by) => branches(by)))] },
  { name: "effect", says: "Against the reference", order: ["towards", "neutral", "away"], of: (item) => effectOf(item) },
  { name: "doc", says: "Document", of: (item) => [item.segment.doc] },
];

/** Which way an item moves its segment, in the evaluation view; nothing where it is not known. */
export function effectOf(item) {
  const way = item.segment.effect?.suggestions[item.id];
  return way ? [way] : [];
}

export class View {
  constructor(report) {
    this.report = report;
    this.clear();
  }

  clear() {
    this.chosen = Object.fromEntries(FACETS.map(({ name }) => [name, new Set()]));
    this.query = "";
    this.only = false; // only segments that have suggestions
  }

  get isSet() {
    return Boolean(this.query) || this.only || FACETS.some(({ name }) => this.chosen[name].size);
  }

  toggle(facet, value) {
    const chosen = this.chosen[facet];
    if (!chosen.delete(value)) chosen.add(value);
  }

  /**
   * Apply to the whole report: `{segments, items, counts}` with the segments to show, the set of
   * items that match, and for each facet how many items each value would let through, given
   * the other facets.
   */
  apply() {
    const words = this.query.toLowerCase();
    const active = FACETS.filter(({ name }) => this.chosen[name].size);
    const items = new Set();
    const counts = Object.fromEntries(FACETS.map(({ name }) => [name, new Map()]));
    const segments = [];
    for (const segment of this.report.segments) {
      if (words && !textOf(segment).includes(words)) continue;
      let any = false;
      for (const item of segment.items) {
        let failed = null;
        let failures = 0;
        for (const facet of active) {
          const chosen = this.chosen[facet.name];
          if (!valuesOf(item, facet).some((value) => chosen.has(value))) {
            failed = facet;
            failures += 1;
            if (failures > 1) break;
          }
        }
        if (failures > 1) continue;
        for (const facet of failures ? [failed] : FACETS) {
          const count = counts[facet.name];
          for (const value of valuesOf(item, facet)) count.set(value, (count.get(value) ?? 0) + 1);
        }
        if (!failures) {
          items.add(item);
          any = true;
        }
      }
      if (any || !(active.length || this.only)) segments.push(segment);
    }
    return { segments, items, counts };
  }

  toHash() {
    const parameters = new URLSearchParams();
    for (const { name } of FACETS) {
      for (const value of this.chosen[name]) parameters.append(name, value);
    }
    if (this.query) parameters.set("q", this.query);
    if (this.only) parameters.set("only", "1");
    return parameters;
  }

  fromHash(parameters) {
    this.clear();
    for (const { name } of FACETS) this.chosen[name] = new Set(parameters.getAll(name));
    this.query = parameters.get("q") ?? "";
    this.only = parameters.get("only") === "1";
  }
}

/** The values of an item for a facet, worked out once where they cannot change. */
function valuesOf(item, facet) {
  if (facet.moving) return facet.of(item);
  item.values ??= {};
  return (item.values[facet.name] ??= facet.of(item));
}

/** What the search looks through, in lower case: the texts of a segment and what is offered. */
function textOf(segment) {
  return (segment.lower ??= [
    segment.id, segment.source, segment.mt, ...segment.references,
    ...segment.items.flatMap((item) => [item.message, ...item.candidates.map((c) => c.text)]),
  ].join("\n").toLowerCase());
}

/** The values of a facet in the order to list them. */
export function listed(facet, counts, chosen) {
  const values = new Set([...counts.keys(), ...chosen]);
  if (facet.order) return facet.order.filter((value) => values.has(value));
  const list = [...values];
  return facet.name === "doc" ? list : list.sort();
}
