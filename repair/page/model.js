// The report in memory: segments, places with suggestions, and what was decided. Nothing here
// touches the screen.

import { applied, compatible, unitsOf } from "./text.js";

export const SCHEMA = "mt-repair.decisions/1";
export const SEVERITIES = ["critical", "major", "minor", "neutral"];
export const STATES = ["pending", "accepted", "rejected", "edited", "conflict", "silenced", "outdated", "dismissed"];
const VERDICTS = ["pending", "accepted", "rejected", "edited"];

// Words for a probability; the number stays at hand beside them.
const LEVELS = [
  ["sure", 0.9],
  ["likely", 0.6],
  ["unsure", 0],
];
export const levelOf = (confidence) => LEVELS.find(([, least]) => confidence >= least)[0];

const same = (a, b) =>
  a.verdict === b.verdict &&
  (a.verdict !== "accepted" || a.candidate === b.candidate) &&
  (a.verdict !== "edited" || a.text === b.text) &&
  a.note === b.note;

const PENDING = Object.freeze({ verdict: "pending", candidate: 0, text: null, note: "" });

export class Report {
  constructor(header = {}) {
    this.run = header.run ?? "";
    this.segments = [];
    this.items = [];
    this.byId = new Map();
    this.bySegment = new Map();
    this.groups = new Map();
    this.decisions = new Map(); // item id → decision; absent is pending
    this.silenced = [];
    this.counts = Object.fromEntries(STATES.map((state) => [state, 0]));
    this.past = [];
    this.future = [];
    this.changed = () => {}; // called with the items a step touched
  }

  /** Take in one segment of the data; offsets become UTF-16 units here and nowhere else. */
  add(raw) {
    const segment = { ...raw, index: this.segments.length, items: [] };
    segment.references ??= [];
    segment.doc ??= "";
    const units = unitsOf(segment.mt);
    for (const place of raw.places ?? []) {
      const item = { ...place, segment, index: this.items.length };
      item.from = units(place.start);
      item.to = units(place.end);
      item.original = segment.mt.slice(item.from, item.to);
      item.candidates = (place.candidates ?? []).map((candidate) => {
        const [start, end] = [candidate.start ?? place.start, candidate.end ?? place.end];
        const by = candidate.by ?? place.by;
        const message = candidate.message ?? place.message;
        return { ...candidate, start, end, by, message, from: units(start), to: units(end) };
      });
      item.message ??= "";
      for (const group of new Set(item.candidates.map((c) => c.group).filter(Boolean))) {
        const key = `${segment.index}\0${group}`;
        if (!this.groups.has(key)) this.groups.set(key, []);
        this.groups.get(key).push(item);
      }
      item.state = "pending";
      this.counts.pending += 1;
      this.items.push(item);
      this.byId.set(item.id, item);
      segment.items.push(item);
    }
    this.segments.push(segment);
    this.bySegment.set(segment.id, segment);
    return segment;
  }

  decision(item) {
    return this.decisions.get(item.id) ?? PENDING;
  }

  /** The items whose best candidate was cut from the same hypothesis, this one included. */
  linked(item) {
    const group = item.candidates[0]?.group;
    return group ? this.groups.get(`${item.segment.index}\0${group}`) : [item];
  }

  /** The edit that a decision makes, as `{from, to, text}`, or null. */
  edit(item, decision = this.decision(item)) {
    const candidate = item.candidates[decision.candidate] ?? item.candidates[0];
    if (decision.verdict === "accepted" && candidate) return candidate;
    if (decision.verdict !== "edited") return null;
    const place = candidate ?? item;
    return { from: place.from, to: place.to, text: decision.text };
  }

  /** The edit to show at an item: the decided one, or the best that is offered. */
  offer(item) {
    return item.state === "rejected" ? null : (this.edit(item) ?? item.candidates[0] ?? null);
  }

  /** The text of a segment with all accepted edits, as pieces `{text, changed}`. */
  fixed(segment) {
    const edits = segment.items.map((item) => this.edit(item)).filter(Boolean);
    return applied(segment.mt, edits);
  }

  /** Accepted edits of other items that cannot stand beside `edit`. */
  rivals(item, edit = item.candidates[0]) {
    if (!edit) return [];
    return item.segment.items.filter((other) => {
      const theirs = other !== item && this.edit(other);
      return theirs && !compatible(edit, theirs);
    });
  }

  /**
   * Decide items: `changes` is a list of `[item, decision]`, later ones prevail. An accepted edit
   * sets rivals that were accepted before back to pending. One call is one undo step.
   */
  decide(changes) {
    const step = { before: new Map(), after: new Map(), silenced: this.silenced };
    const put = (item, decision) => {
      if (!step.before.has(item)) step.before.set(item, this.decision(item));
      step.after.set(item, decision);
      this.#set(item, decision);
    };
    for (const [item, change] of changes) {
      const decision = { ...this.decision(item), ...change };
      const edit = this.edit(item, decision);
      if (edit) {
        for (const rival of this.rivals(item, edit)) {
          put(rival, { ...PENDING, note: this.decision(rival).note });
        }
      }
      put(item, decision);
    }
    this.#remember(step);
    return step;
  }

  /** Silence `entry`, or stop silencing it if it is silenced already; one undo step. */
  silence(entry) {
    const key = keyOf(entry);
    const before = this.silenced;
    const without = before.filter((other) => keyOf(other) !== key);
    this.silenced = without.length < before.length ? without : [...before, entry];
    const step = this.decide([]);
    step.silenced = before;
    this.#refreshAll();
    this.changed(this.items);
    return step;
  }

  isSilenced(item) {
    return this.silenced.some((entry) => {
      if (entry.scope === "rule") return item.by.split(", ").every((by) => by === entry.by || by === entry.rule);
      if (entry.scope === "word") return entry.word === item.original;
      return entry.suggestion === item.id;
    });
  }

  undo() {
    return this.#turn(this.past, this.future, "before");
  }

  redo() {
    return this.#turn(this.future, this.past, "after");
  }

  #turn(from, to, side) {
    const step = from.pop();
    if (!step) return null;
    for (const [item, decision] of step[side]) this.#set(item, decision);
    const silenced = this.silenced;
    const all = silenced !== step.silenced;
    this.silenced = step.silenced;
    to.push({ ...step, silenced });
    if (all) this.#refreshAll();
    const items = [...step.before.keys()];
    for (const segment of new Set(items.map((item) => item.segment))) this.#refresh(segment);
    this.changed(all ? this.items : items);
    return step;
  }

  #remember(step) {
    this.past.push(step);
    this.future = [];
    const items = [...step.before.keys()];
    for (const segment of new Set(items.map((item) => item.segment))) this.#refresh(segment);
    this.changed(items);
  }

  #set(item, decision) {
    if (same(decision, PENDING)) this.decisions.delete(item.id);
    else this.decisions.set(item.id, Object.freeze(decision));
  }

  /** Work out the states of a segment's items again, all from the decisions. */
  #refresh(segment) {
    for (const item of segment.items) {
      const verdict = this.decision(item).verdict;
      let state = verdict;
      if (item.outdated) state = verdict === "pending" ? "outdated" : "dismissed";
      else if (verdict === "pending" && this.rivals(item).length) state = "conflict";
      else if (verdict === "pending" && this.silenced.length && this.isSilenced(item)) state = "silenced";
      this.counts[item.state] -= 1;
      this.counts[state] += 1;
      item.state = state;
    }
  }

  #refreshAll() {
    for (const segment of this.segments) this.#refresh(segment);
  }

  /** Put back what was remembered for this run, without an undo step: `{decisions, silenced}`. */
  restore(remembered) {
    for (const [id, decision] of Object.entries(remembered.decisions ?? {})) {
      const item = this.byId.get(id);
      if (item && isUsable(item, decision)) this.#set(item, { ...PENDING, ...decision });
    }
    if (remembered.silenced) this.silenced = remembered.silenced.filter(isSilencing);
    this.#refreshAll();
  }

  /** The decisions as a document of the schema that `apply` reads. */
  exported() {
    const decisions = this.items
      .filter((item) => this.decisions.has(item.id) && !item.outdated)
      .map((item) => {
        const { verdict, candidate, text, note } = this.decision(item);
        const place = item.candidates[candidate] ?? item.candidates[0] ?? item;
        return {
          suggestion: item.id,
          segment: item.segment.id,
          verdict,
          candidate,
          text: verdict === "accepted" ? place.text : text,
          note,
          start: place.start,
          end: place.end,
          original: item.segment.mt.slice(place.from, place.to),
        };
      });
    return { schema: SCHEMA, run: this.run, decisions, silenced: this.silenced };
  }

  /**
   * Compare a decisions document with what is decided here. Returns `{fresh, agreed, conflicts,
   * outdated, silenced, foreign}`; nothing changes until `decide` gets the changes that are wanted.
   */
  compare(file) {
    if (file?.schema !== SCHEMA || !Array.isArray(file.decisions)) {
      throw new Error(`This is no decisions file: its schema is not ${SCHEMA}.`);
    }
    const result = { fresh: [], agreed: 0, conflicts: [], outdated: [], silenced: [] };
    result.foreign = file.run !== this.run;
    for (const theirs of file.decisions) {
      const item = this.byId.get(theirs?.suggestion);
      const decision = item && this.#carried(item, theirs);
      if (!decision) {
        if (theirs && typeof theirs === "object") result.outdated.push(theirs);
        continue;
      }
      const mine = this.decision(item);
      if (same(mine, decision)) result.agreed += 1;
      else if (same(mine, PENDING)) result.fresh.push([item, decision]);
      else result.conflicts.push({ item, mine, theirs: decision });
    }
    const known = new Set(this.silenced.map(keyOf));
    for (const entry of file.silenced ?? []) {
      if (isSilencing(entry) && !known.has(keyOf(entry))) result.silenced.push(entry);
    }
    return result;
  }

  /** A decision from a file as it applies to `item`, or null if the item is no longer the same. */
  #carried(item, theirs) {
    if (!VERDICTS.includes(theirs.verdict)) return null;
    const decision = {
      verdict: theirs.verdict,
      candidate: Number.isInteger(theirs.candidate) ? theirs.candidate : 0,
      text: typeof theirs.text === "string" ? theirs.text : null,
      note: typeof theirs.note === "string" ? theirs.note : "",
    };
    if (decision.verdict === "accepted") {
      // The candidates of a later run may come in another order: the text tells which was meant.
      const { text } = decision;
      if (text !== null) {
        const at = item.candidates.findIndex((candidate) => candidate.text === text);
        if (at < 0) return null;
        decision.candidate = at;
      }
      decision.text = null;
    }
    const place = item.candidates[decision.candidate] ?? item.candidates[0] ?? item;
    const original = item.segment.mt.slice(place.from, place.to);
    if (typeof theirs.original === "string" && theirs.original !== original) return null;
    return isUsable(item, decision) ? decision : null;
  }

  /** Take over what `compare` found: conflicts listed in `taken` go to the file. One undo step. */
  merge(found, taken = new Set()) {
    const changes = [...found.fresh];
    for (const conflict of found.conflicts) {
      if (taken.has(conflict)) changes.push([conflict.item, conflict.theirs]);
    }
    const before = this.silenced;
    if (found.silenced.length) this.silenced = [...before, ...found.silenced];
    const step = this.decide(changes);
    step.silenced = before;
    this.addOutdated(found.outdated);
    this.#refreshAll();
    this.changed(this.items);
    return step;
  }

  /** Show decisions that no longer apply, at their segment where it still exists; returns how many. */
  addOutdated(decisions) {
    let placed = 0;
    for (const old of decisions) {
      const segment = this.bySegment.get(old.segment);
      const id = `outdated:${old.suggestion}`;
      if (!segment || this.byId.has(id)) continue;
      const original = typeof old.original === "string" ? old.original : "";
      const at = original ? segment.mt.indexOf(original) : -1;
      const unique = at >= 0 && segment.mt.indexOf(original, at + 1) < 0;
      const item = {
        id, segment, original, outdated: old, index: this.items.length,
        from: unique ? at : segment.mt.length, to: unique ? at + original.length : segment.mt.length,
        placed: unique, category: "decided before", severity: "neutral", confidence: 0, by: "decisions",
        message: "", candidates: [], state: "outdated",
      };
      this.items.push(item);
      this.byId.set(id, item);
      segment.items.push(item);
      this.counts.outdated += 1;
      placed += 1;
    }
    this.items.sort((a, b) => a.segment.index - b.segment.index || a.index - b.index);
    this.items.forEach((item, index) => (item.index = index));
    return placed;
  }
}

const keyOf = (entry) =>
  JSON.stringify([entry.scope, entry.by ?? entry.rule ?? entry.word ?? entry.suggestion ?? ""]);

function isSilencing(entry) {
  const value = { place: "suggestion", rule: "by", word: "word" }[entry?.scope];
  return Boolean(value) && typeof entry[value] === "string";
}

/** Whether a decision makes sense for an item: what comes from a file or the browser may not. */
function isUsable(item, { verdict, candidate, text }) {
  if (verdict === "accepted") return Boolean(item.candidates[candidate]);
  if (verdict === "edited") return typeof text === "string";
  return verdict === "rejected" || verdict === "pending";
}
