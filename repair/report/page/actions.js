// What keys and buttons do, by name. Each gets the app, the active item, and the key or value.

import { compatible } from "./text.js";
import { offered } from "./model.js";
import { askBulk, askMerge, showHelp } from "./dialogs.js";
import { settings } from "./storage.js";

const $ = (id) => document.getElementById(id);
const THEMES = ["auto", "light", "dark"];

export const NEEDS_ITEM = new Set([
  "skip", "accept", "acceptNumbered", "acceptLinked", "reject", "edit", "saveEdit", "note", "saveNote",
  "refocus", "silenceRule", "silenceWord",
]);

export const ACTIONS = {
  next: (app) => app.step(1),
  previous: (app) => app.step(-1),

  nextUndecided(app) {
    const next = app.nextUndecided(app.active);
    if (next) app.activate(next, { focus: app.inList() });
    else app.say("Nothing is left to decide here.");
  },

  skip(app, item) {
    app.skipped.add(item);
    app.moveOn(app.inList());
  },

  accept(app, item) {
    const ideas = item.candidates.length;
    if (!ideas || offered(item)) return ACTIONS.acceptNumbered(app, item, "1");
    app.say(`No fix is proposed here: ${ideas > 1 ? `1 to ${ideas} take` : "1 takes"} a wording, e writes one, r keeps the text.`);
  },

  acceptNumbered(app, item, value) {
    const candidate = Number(value) - 1;
    if (item.candidates[candidate]) {
      app.decide(item, { verdict: "accepted", candidate, text: null }, "Accepted");
    } else if (item.candidates.length) app.say(`There is no alternative ${value}.`);
    else app.say("No fix is proposed here: e writes one, r keeps the text.");
  },

  acceptLinked(app, item) {
    const group = item.candidates[0]?.group;
    const changes = app.report.linked(item).map((one) => {
      const candidate = Math.max(0, one.candidates.findIndex((c) => c.group === group));
      return [one, { verdict: "accepted", candidate, text: null }];
    });
    const focus = app.inList();
    app.report.decide(changes);
    app.say(`${changes.length} accepted. ${app.report.counts.pending} left.`);
    app.moveOn(focus);
  },

  reject(app, item) {
    const words = item.outdated ? "Dismissed" : "Kept as is";
    app.decide(item, { verdict: "rejected", text: null }, words);
  },

  edit: (app, item) => item.outdated || app.card.edit(true),

  saveEdit(app, item, text) {
    app.card.edit(false);
    app.list.buttonOf(item)?.focus({ preventScroll: true });
    const place = item.candidates[0] ?? item;
    if (text === item.segment.mt.slice(place.from, place.to)) ACTIONS.reject(app, item);
    else app.decide(item, { verdict: "edited", candidate: 0, text }, "Edited");
  },

  note: (app, item) => item.outdated || app.card.focusNote(),

  saveNote(app, item, note) {
    if (note !== app.report.decision(item).note) app.report.decide([[item, { note }]]);
  },

  refocus: (app, item) => app.activate(item, { focus: true, scroll: false }),

  silenceRule(app, item) {
    app.report.silence(item.by.split(", ").map((by) => ({ scope: "rule", by })));
    app.say(`${item.by} is silenced. Undo takes it back.`);
    app.moveOn(false);
  },

  silenceWord(app, item) {
    const word = item.original.trim();
    app.report.silence([{ scope: "word", word }]);
    app.say(`“${word}” is no error from now on. Undo takes it back.`);
    app.moveOn(false);
  },

  undo: (app) => goBack(app, app.report.undo(), "Undone", "Nothing to undo."),
  redo: (app) => goBack(app, app.report.redo(), "Done again", "Nothing to do again."),

  search() {
    $("search").focus();
    $("search").select();
  },

  filters(app) {
    const panel = $("filters");
    panel.hidden = !panel.hidden;
    document.documentElement.classList.toggle("with-filters", !panel.hidden);
    $("filters-button").setAttribute("aria-expanded", String(!panel.hidden));
    if (panel.hidden) return $("filters-button").focus();
    app.count();
    panel.querySelector("button, input")?.focus();
  },

  clear(app) {
    app.view.clear();
    $("search").value = "";
    app.refilter();
  },

  reference: (app) => app.reference(!document.documentElement.classList.contains("with-reference")),

  theme(app) {
    const now = THEMES.indexOf(document.documentElement.dataset.theme);
    app.theme(THEMES[(now + 1) % THEMES.length]);
  },

  help(app) {
    showHelp($("dialog"), {
      single: app.single,
      setSingle(on) {
        app.single = on;
        settings.set("single-keys", on);
      },
    });
  },

  async bulk(app) {
    const items = app.order.filter((item) => item.state === "pending");
    if (!app.view.isSet || !items.length) return app.say("Nothing undecided matches a filter.");
    const acceptable = standingTogether(items, app.report);
    const says = { acceptable, inWords: app.inWords() };
    const answer = await askBulk($("dialog"), items, says);
    const accepting = answer === "accept";
    if (!answer) return;
    const chosen = accepting ? acceptable : items;
    const decision = { verdict: accepting ? "accepted" : "rejected", candidate: 0, text: null };
    app.report.decide(chosen.map((item) => [item, decision]));
    app.say(`${chosen.length} ${accepting ? "accepted" : "kept as they are"}. Undo takes it back.`);
    app.activate(app.active);
  },

  import: () => $("import").click(),

  save(app) {
    app.save();
    const text = `${JSON.stringify(app.report.exported(), null, 1)}\n`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = app.header.file ?? "decisions.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    app.say(`Decisions exported to ${link.download}.`);
  },
};

/** Go where a step was undone or done again. */
function goBack(app, step, done, nothing) {
  if (!step) return app.say(nothing);
  const [first] = step.before.keys();
  const many = step.before.size > 1 ? `: ${step.before.size} decisions` : "";
  app.say(`${done}${many}. ${app.report.counts.pending} left.`);
  app.activate(first ?? app.active, { focus: app.inList() });
}

/** The items whose best candidates can all be accepted, the surer ones first served. */
function standingTogether(items, report) {
  const taken = new Map(); // segment → edits
  const kept = new Set();
  for (const item of [...items].sort((a, b) => b.confidence - a.confidence)) {
    const edit = offered(item);
    const others = taken.get(item.segment) ?? [];
    if (!edit || report.rivals(item).length || !others.every((other) => compatible(edit, other))) continue;
    taken.set(item.segment, [...others, edit]);
    kept.add(item);
  }
  return items.filter((item) => kept.has(item));
}

/** Read a decisions file, ask about conflicts, and take over what is wanted. */
export async function importFile(app, file) {
  try {
    const found = app.report.compare(JSON.parse(await file.text()));
    const taken = await askMerge($("dialog"), file.name, found);
    if (!taken) return;
    app.report.merge(found, taken);
    app.refilter();
    app.say(`${found.fresh.length + taken.size} decisions taken over.`);
  } catch (error) {
    app.say(error instanceof SyntaxError ? "This file is no JSON." : error.message);
  }
}
