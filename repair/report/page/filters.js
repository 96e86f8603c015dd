// What is shown: facets with live counts, the search, and their form in the address.

import { SEVERITIES, STATES, levelOf } from "./model.js";

/** `of`, but the same string always gives the same array, which is cheap to compare and to count. */
function remembered(of) {
  const known = new Map();
  return (value) => {
    let found = known.get(value);
    if (!found) known.set(value, (found = of(value)));
    return found;
  };
}

const single = remembered((value) => [value]);
const none = [];
const branches = remembered((path) => {
  const parts = path.split("/");
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
});
const producers = remembered((by) => [...new Set(by.split(", ").flatMap(branches))]);

// `of` names the values of an item: an item has all of them, a facet lets it pass for any one.
export const FACETS = [
  { name: "state", says: "State", order: STATES, of: (item) => single(item.state) },
  { name: "category", says: "Category", tree: true, of: (item) => branches(item.category) },
  { name: "severity", says: "Severity", order: SEVERITIES, of: (item) => single(item.severity) },
  { name: "confidence", says: "Confidence", order: ["sure", "likely", "unsure"], of: (item) => single(levelOf(item.confidence)) },
  { name: "by", says: "Proposed by", tree: true, of: (item) => producers(item.by) },
  { name: "effect", says: "Against the reference", order: ["towards", "neutral", "away"], of: effectOf },
  { name: "doc", says: "Document", of: (item) => single(item.segment.doc) },
];

/** Which way an item moves its segment, in the evaluation view; nothing where it is not known. */
export function effectOf(item) {
  const way = item.segment.effect?.suggestions[item.id];
  return way ? single(way) : none;
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
    const passes = ({ name, of }, item) => of(item).some((value) => this.chosen[name].has(value));
    const tallies = FACETS.map(() => new Map()); // arrays of values → items
    const tally = (index, item) => {
      const values = FACETS[index].of(item);
      tallies[index].set(values, (tallies[index].get(values) ?? 0) + 1);
    };
    const items = new Set();
    const segments = [];
    for (const segment of this.report.segments) {
      if (words && !textOf(segment).includes(words)) continue;
      let any = false;
      for (const item of segment.items) {
        const failed = active.filter((facet) => !passes(facet, item));
        if (failed.length > 1) continue;
        if (failed.length) {
          tally(FACETS.indexOf(failed[0]), item);
          continue;
        }
        for (let index = 0; index < FACETS.length; index++) tally(index, item);
        items.add(item);
        any = true;
      }
      if (any || !(active.length || this.only)) segments.push(segment);
    }
    return { segments, items, counts: counted(tallies) };
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

/** For each facet, how many items each single value has. */
function counted(tallies) {
  const counts = {};
  tallies.forEach((tally, index) => {
    const count = (counts[FACETS[index].name] = new Map());
    for (const [values, items] of tally) {
      for (const value of values) count.set(value, (count.get(value) ?? 0) + items);
    }
  });
  return counts;
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
