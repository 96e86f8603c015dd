// The report in memory: segments, places with suggestions, and what was decided. Nothing here
// touches the screen.

import { applied, compatible, unitsOf } from "./text.js";

export const SCHEMA = "mt-repair.decisions/1";
export const SEVERITIES = ["critical", "major", "minor", "neutral"];
export const STATES = ["pending", "accepted", "rejected", "edited", "conflict", "silenced", "outdated", "dismissed"];
const VERDICTS = ["pending", "accepted", "rejected", "edited"];

/** A word for a probability; the number stays at hand beside it. */
export const levelOf = (confidence) => (confidence >= 0.9 ? "sure" : confidence >= 0.6 ? "likely" : "unsure");

const same = (a, b) =>
  a.verdict === b.verdict &&
  (a.verdict !== "accepted" || a.candidate === b.candidate) &&
  (a.verdict !== "edited" || a.text === b.text) &&
  a.note === b.note;

/** The best candidate if it is as likely to help as not; other candidates are ideas at a marked place. */
export const offered = ({ candidates: [best] }) => (best?.confidence >= 0.5 ? best : null);

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
    this.kept = []; // entries of decisions files that concern no item here
    this.counts = Object.fromEntries(STATES.map((state) => [state, 0]));
    this.past = [];
    this.future = [];
    this.changed = () => {}; // called with the items a step touched
  }

  /**
   * Take in one segment of the data, which is changed in place: copies would cost more than all the
   * rest. Offsets become UTF-16 units here and nowhere else.
   */
  add(segment) {
    segment.index = this.segments.length;
    segment.references ??= [];
    segment.doc ??= "";
    segment.items = segment.places ?? [];
    const units = unitsOf(segment.mt);
    for (const item of segment.items) {
      item.segment = segment;
      item.index = this.items.length;
      item.state = "pending";
      item.message ??= "";
      item.candidates ??= [];
      item.from = units(item.start);
      item.to = units(item.end);
      item.original = segment.mt.slice(item.from, item.to);
      for (const candidate of item.candidates) {
        candidate.start ??= item.start;
        candidate.end ??= item.end;
        candidate.by ??= item.by;
        candidate.message ??= item.message;
        candidate.from = units(candidate.start);
        candidate.to = units(candidate.end);
        if (candidate.group) this.#link(item, candidate.group);
      }
      this.counts.pending += 1;
      this.items.push(item);
      this.byId.set(item.id, item);
    }
    this.segments.push(segment);
    this.bySegment.set(segment.id, segment);
  }

  #link(item, group) {
    const key = `${item.segment.index}\0${group}`;
    if (!this.groups.has(key)) this.groups.set(key, new Set());
    this.groups.get(key).add(item);
  }

  decision(item) {
    return this.decisions.get(item.id) ?? PENDING;
  }

  /** The items whose best candidate was cut from the same hypothesis, this one included. */
  linked(item) {
    const group = item.candidates[0]?.group;
    return group ? [...this.groups.get(`${item.segment.index}\0${group}`)] : [item];
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
    return item.state === "rejected" ? null : (this.edit(item) ?? offered(item));
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

  /** Add `entries` to what is silenced; one undo step. */
  silence(entries) {
    const before = this.silenced;
    const known = new Set(before.map(keyOf));
    this.silenced = [...before, ...entries.filter((entry) => !known.has(keyOf(entry)))];
    const step = this.decide([]);
    step.silenced = before;
    this.#refreshAll();
    this.changed(this.items);
  }

  /** Whether it was said to be no error: here, by its rules, or of its word. */
  isSilenced(item) {
    const named = (scope, value) =>
      this.silenced.some((entry) => entry.scope === scope && entry[SCOPES[scope]] === value);
    const word = item.original.trim();
    return (
      named("place", item.id) ||
      item.by.split(", ").every((by) => named("rule", by)) ||
      // A word in small letters is meant in every case, another one as it is written.
      (word !== "" && (named("word", word) || named("word", word.toLowerCase())))
    );
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

  /**
   * Put back what was remembered, without an undo step: `decisions` is a map of item ids to entries
   * as of a decisions file, or to null for what was taken back.
   */
  restore({ decisions = {}, silenced = null }) {
    for (const [id, entry] of Object.entries(decisions)) {
      const item = this.byId.get(id);
      const decision = item && (entry ? this.carried(item, entry) : PENDING);
      if (decision) this.#set(item, decision);
    }
    if (silenced) this.silenced = silenced.filter(isSilencing);
    this.#refreshAll();
  }

  /** A decision on `item` with all that tells where and what it was, as in a decisions file. */
  entry(item) {
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
  }

  /** The decisions as a document of the schema that `apply` reads. */
  exported() {
    const decided = this.items.filter((item) => this.decisions.has(item.id) && !item.outdated);
    const decisions = [...decided.map((item) => this.entry(item)), ...this.kept];
    return { schema: SCHEMA, run: this.run, decisions, silenced: this.silenced };
  }

  /**
   * Compare a decisions document with what is decided here. Returns `{fresh, agreed, conflicts,
   * kept, outdated, silenced, foreign}`; nothing changes until `merge` is called with it.
   */
  compare(file) {
    if (file?.schema !== SCHEMA || !Array.isArray(file.decisions)) {
      throw new Error(`This is no decisions file: its schema is not ${SCHEMA}.`);
    }
    const result = { fresh: [], agreed: 0, conflicts: [], kept: [], outdated: [], silenced: [] };
    result.foreign = file.run !== this.run;
    for (const theirs of file.decisions) {
      if (!theirs || typeof theirs !== "object" || typeof theirs.suggestion !== "string") continue;
      const item = this.byId.get(theirs.suggestion);
      const decision = item && this.carried(item, theirs);
      if (decision) this.#weigh(item, decision, result);
      else if (!item && this.#stands(theirs)) result.kept.push(theirs);
      else if (theirs.verdict !== "pending") result.outdated.push(theirs);
    }
    const known = new Set(this.silenced.map(keyOf));
    for (const entry of Array.isArray(file.silenced) ? file.silenced : []) {
      if (isSilencing(entry) && !known.has(keyOf(entry))) result.silenced.push(entry);
    }
    return result;
  }

  /** Sort one decision of a file: what is pending gives way, notes are joined, the rest conflicts. */
  #weigh(item, theirs, result) {
    const mine = this.decision(item);
    const note = joined(mine.note, theirs.note);
    const agrees = same({ ...mine, note }, { ...theirs, note });
    if (agrees && note === mine.note) result.agreed += 1;
    else if (agrees || theirs.verdict === "pending") result.fresh.push([item, { ...mine, note }]);
    else if (mine.verdict === "pending") result.fresh.push([item, { ...theirs, note }]);
    else result.conflicts.push({ item, mine, theirs });
  }

  /** Whether something that was rejected is still in the text, though nobody suggests it now. */
  #stands({ verdict, segment, start, end, original }) {
    const there = this.bySegment.get(segment);
    if (verdict !== "rejected" || !there || !Number.isInteger(start) || !Number.isInteger(end)) return false;
    const units = unitsOf(there.mt);
    return there.mt.slice(units(start), units(end)) === original;
  }

  /**
   * A decision from a file or from memory as it applies to `item`, or null if it does not: the
   * candidates of another run may differ, so their text and range tell which one was meant.
   */
  carried(item, theirs) {
    const { verdict } = theirs;
    if (!VERDICTS.includes(verdict)) return null;
    const wanted = Number.isInteger(theirs.candidate) ? theirs.candidate : 0;
    const text = typeof theirs.text === "string" ? theirs.text : null;
    const note = typeof theirs.note === "string" ? theirs.note : "";
    const hasRange = Number.isInteger(theirs.start) && Number.isInteger(theirs.end);
    const here = (place) => !hasRange || (place.start === theirs.start && place.end === theirs.end);
    const order = item.candidates.map((_, i) => i).sort((a, b) => (b === wanted) - (a === wanted));
    let candidate;
    if (verdict === "accepted") {
      const fits = (i) => here(item.candidates[i]) && (text === null ? i === wanted : item.candidates[i].text === text);
      candidate = order.find(fits);
    } else if (verdict === "edited") {
      if (text === null) return null;
      candidate = item.candidates.length ? order.find((i) => here(item.candidates[i])) : here(item) ? 0 : undefined;
    } else candidate = 0;
    if (candidate === undefined) return null;
    const place = item.candidates[candidate] ?? item;
    const original = item.segment.mt.slice(place.from, place.to);
    if (verdict !== "pending" && here(place) && typeof theirs.original === "string" && theirs.original !== original) return null;
    return { verdict, candidate, text: verdict === "edited" ? text : null, note };
  }

  /** Take over what `compare` found: conflicts listed in `taken` go to the file. One undo step. */
  merge(found, taken = new Set()) {
    const changes = [...found.fresh];
    for (const { item, mine, theirs } of taken) {
      changes.push([item, { ...theirs, note: joined(mine.note, theirs.note) }]);
    }
    const before = this.silenced;
    this.silenced = found.silenced.length ? [...before, ...found.silenced] : before;
    this.keep(found.kept);
    const step = this.decide(changes);
    step.silenced = before;
    this.addOutdated(found.outdated);
    this.#refreshAll();
    this.changed(this.items);
  }

  /** Carry decisions along that concern nothing in this run but hold for the next. */
  keep(entries) {
    const known = new Set(this.kept.map((entry) => entry.suggestion));
    this.kept.push(...entries.filter((entry) => !known.has(entry.suggestion)));
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

const SCOPES = { place: "suggestion", rule: "by", word: "word" };
const keyOf = (entry) => `${entry.scope}\0${entry[SCOPES[entry.scope]]}`;
const isSilencing = (entry) => typeof entry?.[SCOPES[entry?.scope]] === "string";

function joined(mine, theirs) {
  const notes = mine ? mine.split("\n") : [];
  for (const line of theirs.split("\n")) if (line && !notes.includes(line)) notes.push(line);
  return notes.join("\n");
}
