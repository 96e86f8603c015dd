// Decisions, conflicts, undo, import and export, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../repair/report/page/model.js";
import { View } from "../../repair/report/page/filters.js";
import { KEYS, lookUp } from "../../repair/report/page/keys.js";

const place = (id, start, end, texts, more = {}) => ({
  id, start, end, category: "fluency/grammar", severity: "minor", confidence: 0.7, by: "style/x",
  candidates: texts.map((text) => ({ text, confidence: 0.7, ...(more.group && { group: more.group }) })), ...more,
});

function sample() {
  const report = new Report({ run: "r" });
  report.add({ id: "1", doc: "d", mt: "😀 one two three", places: [place("p1", 2, 5, ["1", "uno"]), place("p2", 2, 9, ["12"]), place("p3", 10, 15, ["3"])] });
  report.add({ id: "2", doc: "d", mt: "four five", places: [place("p4", 0, 4, ["4"], { group: "g" }), place("p5", 5, 9, [], { by: "detector", severity: "major" }), place("p6", 9, 9, ["!"], { group: "g" })] });
  return report;
}
const item = (report, id) => report.byId.get(id);
const accept = (report, id, candidate = 0) => report.decide([[item(report, id), { verdict: "accepted", candidate, text: null }]]);
const fixed = (report, index) => report.fixed(report.segments[index]).map((piece) => piece.text).join("");

test("nothing is accepted at first, and a decision changes the fixed text", () => {
  const report = sample();
  assert.equal(fixed(report, 0), "😀 one two three");
  accept(report, "p1", 1);
  assert.equal(fixed(report, 0), "😀 uno two three");
  report.decide([[item(report, "p5"), { verdict: "edited", text: "" }]]);
  assert.equal(fixed(report, 1), "four ");
});

test("accepting sets a rival back, and the rest show a conflict", () => {
  const report = sample();
  accept(report, "p1");
  assert.equal(item(report, "p2").state, "conflict");
  accept(report, "p2");
  assert.equal(item(report, "p1").state, "conflict");
  assert.equal(fixed(report, 0), "😀 12 three");
  report.undo();
  assert.equal(item(report, "p1").state, "accepted");
  assert.equal(fixed(report, 0), "😀 1 two three");
});

test("undo and redo take back and repeat whole steps, silences too", () => {
  const report = sample();
  accept(report, "p1");
  report.decide([["p4", "p6"].map((id) => item(report, id))].flat().map((one) => [one, { verdict: "rejected" }]));
  report.silence([{ scope: "rule", by: "detector" }]);
  assert.equal(item(report, "p5").state, "silenced");
  report.undo();
  assert.equal(item(report, "p5").state, "pending");
  report.undo();
  assert.equal(item(report, "p4").state, "pending");
  assert.equal(item(report, "p1").state, "accepted");
  report.redo();
  report.redo();
  assert.deepEqual(["p4", "p5", "p6"].map((id) => item(report, id).state), ["rejected", "silenced", "rejected"]);
  assert.equal(report.redo(), null);
});

test("the counts are those of the states, whatever was done", () => {
  const report = sample();
  accept(report, "p1");
  accept(report, "p2");
  report.silence([{ scope: "word", word: "five" }]);
  report.undo();
  report.decide([[item(report, "p3"), { verdict: "edited", text: "x" }]]);
  const counted = {};
  for (const one of report.items) counted[one.state] = (counted[one.state] ?? 0) + 1;
  for (const [state, n] of Object.entries(report.counts)) assert.equal(n, counted[state] ?? 0, state);
});

test("an export read into a fresh report gives the same decisions; twice equals once", () => {
  const report = sample();
  accept(report, "p2");
  report.decide([[item(report, "p5"), { verdict: "edited", text: "fünf", note: "sic" }]]);
  report.decide([[item(report, "p4"), { verdict: "rejected" }]]);
  report.silence([{ scope: "word", word: "five" }]);
  const file = JSON.parse(JSON.stringify(report.exported()));
  const other = sample();
  other.merge(other.compare(file));
  assert.deepEqual(other.exported(), report.exported());
  const again = other.compare(file);
  assert.deepEqual([again.fresh.length, again.conflicts.length, again.agreed], [0, 0, 3]);
});

test("offsets in an export count code points", () => {
  const report = sample();
  accept(report, "p3");
  const [entry] = report.exported().decisions;
  assert.deepEqual([entry.start, entry.end, entry.original, entry.text], [10, 15, "three", "3"]);
});

test("a merge lists conflicts and takes only those that are wanted", () => {
  const [mine, theirs] = [sample(), sample()];
  accept(mine, "p1");
  mine.decide([[item(mine, "p3"), { verdict: "rejected", note: "a" }]]);
  accept(theirs, "p1", 1);
  accept(theirs, "p3");
  accept(theirs, "p4");
  const found = mine.compare(theirs.exported());
  assert.equal(found.fresh.length, 1);
  assert.deepEqual(found.conflicts.map((conflict) => conflict.item.id), ["p1", "p3"]);
  mine.merge(found, new Set([found.conflicts[1]]));
  assert.deepEqual([mine.decision(item(mine, "p1")).candidate, item(mine, "p3").state, item(mine, "p4").state], [0, "accepted", "accepted"]);
  assert.equal(mine.decision(item(mine, "p3")).note, "a");
  mine.undo();
  assert.equal(item(mine, "p4").state, "pending");
});

test("an accepted candidate is known by its text when the order has changed", () => {
  const report = sample();
  accept(report, "p1", 1);
  const file = report.exported();
  const later = new Report({ run: "r" });
  later.add({ id: "1", doc: "d", mt: "😀 one two three", places: [place("p1", 2, 5, ["uno", "1"])] });
  later.merge(later.compare(file));
  assert.equal(later.decision(item(later, "p1")).candidate, 0);
});

test("what no longer applies is outdated, what was rejected stays for the next run", () => {
  const report = sample();
  accept(report, "p1");
  report.decide([[item(report, "p3"), { verdict: "rejected" }], [item(report, "p4"), { verdict: "accepted" }]]);
  const later = new Report({ run: "r2" });
  later.add({ id: "1", doc: "d", mt: "😀 one two three", places: [place("p1", 2, 5, ["eins"])] });
  const found = later.compare(report.exported());
  assert.ok(found.foreign);
  assert.deepEqual(found.outdated.map((old) => old.suggestion), ["p1", "p4"]);
  assert.deepEqual(found.kept.map((old) => old.suggestion), ["p3"]);
  later.merge(found);
  assert.equal(later.counts.outdated, 1);
  assert.equal(item(later, "p1").state, "pending");
  assert.deepEqual(later.exported().decisions.map((one) => one.suggestion), ["p3"]);
});

test("nonsense in a file is passed over", () => {
  const report = sample();
  const base = { suggestion: "p1", segment: "1", verdict: "accepted" };
  const bad = [null, 7, { ...base, verdict: "yes" }, { ...base, candidate: 9 }, { ...base, candidate: "0", text: 4, start: 99, end: 100 }, { ...base, verdict: "edited" }, { ...base, original: "other" }];
  const found = report.compare({ schema: "mt-repair.decisions/1", run: "r", decisions: bad, silenced: [3, { scope: "all" }, { scope: "word" }] });
  assert.deepEqual([found.fresh.length, found.conflicts.length, found.silenced.length], [0, 0, 0]);
  assert.throws(() => report.compare({ schema: "else", decisions: [] }));
  assert.throws(() => report.compare(null));
});

test("a word in small letters is silenced in every case, another one as it is written", () => {
  const report = new Report();
  report.add({ id: "1", mt: "Us us US", places: [place("a", 0, 2, []), place("b", 3, 5, []), place("c", 6, 8, [])] });
  report.silence([{ scope: "word", word: "US" }]);
  assert.deepEqual(report.items.map((one) => one.state), ["pending", "pending", "silenced"]);
  report.silence([{ scope: "word", word: "us" }]);
  assert.deepEqual(report.items.map((one) => one.state), ["silenced", "silenced", "silenced"]);
});

test("linked items are those of one hypothesis in one segment", () => {
  const report = sample();
  assert.deepEqual(report.linked(item(report, "p6")).map((one) => one.id), ["p4", "p6"]);
  assert.equal(report.linked(item(report, "p1")).length, 1);
});

test("facets narrow together, and each counts what the others let through", () => {
  const report = sample();
  const view = new View(report);
  view.toggle("severity", "major");
  let shown = view.apply();
  assert.deepEqual([...shown.items].map((one) => one.id), ["p5"]);
  assert.deepEqual(shown.segments.map((one) => one.id), ["2"]);
  assert.equal(shown.counts.severity.get("minor"), 5);
  assert.equal(shown.counts.category.get("fluency"), 1);
  view.clear();
  view.query = "THREE";
  shown = view.apply();
  assert.deepEqual(shown.segments.map((one) => one.id), ["1"]);
  view.toggle("by", "style");
  view.toggle("state", "pending");
  const other = new View(report);
  other.fromHash(new URLSearchParams(view.toHash().toString()));
  assert.deepEqual([...other.apply().items], [...view.apply().items]);
});

test("a key is found on a Russian keyboard, and fields and the switch are respected", () => {
  const event = (key, code, more = {}) => ({ key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
  const does = (...given) => lookUp(event(...given))?.entry.does;
  assert.equal(does("ф", "KeyA"), "accept");
  assert.equal(does("a", "KeyA"), "accept");
  assert.equal(does("A", "KeyA"), "accept", "Caps Lock");
  assert.equal(does(".", "Slash"), "search");
  assert.equal(does("ы", "KeyS", { ctrlKey: true }), "save");
  assert.equal(does("я", "KeyZ", { metaKey: true }), "undo");
  assert.equal(does("a", "KeyA", { altKey: true }), undefined);
  assert.equal(lookUp(event("a", "KeyA"), false), null);
  assert.equal(lookUp(event("s", "KeyS", { ctrlKey: true }), false).entry.does, "save");
  const all = KEYS.flatMap(({ keys }) => keys);
  assert.equal(new Set(all).size, all.length);
});
