// Puts the page together: reads the data, keeps the view, and does what keys and buttons ask for.

import { Report } from "./model.js";
import { FACETS, View } from "./filters.js";
import { Storage, settings } from "./storage.js";
import { List } from "./list.js";
import { Card } from "./card.js";
import { lookUp } from "./keys.js";
import { highlight } from "./highlight.js";
import { inShort, showOverview } from "./overview.js";
import { labelOf, showPanel } from "./panel.js";
import { ACTIONS, NEEDS_ITEM, importFile } from "./actions.js";

const $ = (id) => document.getElementById(id);
const ICONS = { auto: "◐", light: "○", dark: "●" };

class App {
  constructor(header) {
    this.header = header;
    this.report = new Report(header);
    this.view = new View(this.report);
    this.storage = new Storage(header.run);
    this.skipped = new Set();
    this.single = settings.get("single-keys", true);
    this.active = null;
    this.list = new List($("segments"), this.report, {
      activate: (item) => this.activate(item, { focus: true, scroll: false }),
    });
    this.card = new Card($("card"), this.report, {
      act: (name, value) => this.act(name, value),
      filter: (facet, value) => this.filterBy(facet, value),
    });
    this.report.changed = (items) => this.changed(items);
    this.listen();
    this.theme(settings.get("theme", "auto"));
    this.reference(Boolean(header.evaluation));
  }

  /** All data is in: take up what is known, show everything. */
  start(earlier) {
    const { report, storage } = this;
    if (earlier) {
      const found = report.compare(earlier);
      report.restore({
        decisions: Object.fromEntries(found.fresh.map(([item, decision]) => [item.id, decision])),
        silenced: found.silenced,
      });
      report.keep(found.kept);
      this.outdated([...found.outdated, ...earlier.outdated]);
    }
    const remembered = storage.load();
    if (remembered) report.restore(remembered);
    storage.watch((other) => {
      if (!other) return;
      report.restore(other);
      this.changed(report.items, false);
    });
    const parameters = new URLSearchParams(location.hash.slice(1));
    this.view.fromHash(parameters);
    $("search").value = this.view.query;
    this.refilter(false);
    const wanted = report.byId.get(parameters.get("at"));
    this.activate(wanted ?? this.nextUndecided(null) ?? report.items[0] ?? null, { scroll: Boolean(wanted) });
    $("in-short").textContent = inShort(report);
    showOverview($("overview-body"), report, {
      filter: (facet, value, severity) => this.filterBy(facet, value, severity),
    });
    this.progress();
    if (this.decided()) this.say(`${this.decided()} earlier decisions were taken up.`);
  }

  outdated(entries) {
    this.report.addOutdated(entries);
    this.lost = entries.filter((old) => !this.report.bySegment.has(old.segment)).length;
  }

  // Showing ------------------------------------------------------------------------------------

  /** Work out what is shown from the view; the active item stays if it is still there. */
  refilter(move = true) {
    this.shown = this.view.apply();
    this.order = [...this.shown.items];
    this.list.show(this.shown.segments, this.shown.items);
    highlight($("segments"), this.view.query);
    // The list first: the panel's counts may come a frame later.
    requestAnimationFrame(() => setTimeout(() => this.panel()));
    const { items, segments } = this.shown;
    const all = this.report.segments.length;
    $("filtered").hidden = !this.view.isSet;
    $("filtered-text").textContent = `${items.size} suggestions in ${segments.length} of ${all} segments: ${this.inWords()}`;
    if (!move) return;
    if (!this.shown.items.has(this.active)) this.activate(this.nextUndecided(null) ?? this.order[0] ?? null);
    else this.activate(this.active);
    this.hash();
  }

  panel() {
    if ($("filters").hidden) return;
    $("only").checked = this.view.only;
    showPanel($("facets"), this.view, this.shown.counts, {
      toggle: (facet, value) => {
        this.view.toggle(facet, value);
        this.refilter();
      },
    });
  }

  filterBy(facet, value, severity) {
    this.view.clear();
    this.view.toggle(facet, value);
    if (severity) this.view.toggle("severity", severity);
    $("search").value = "";
    this.refilter();
  }

  inWords() {
    const parts = FACETS.filter(({ name }) => this.view.chosen[name].size).map(
      ({ name, says }) => `${says.toLowerCase()} ${[...this.view.chosen[name]].map((value) => labelOf(name, value)).join(" or ")}`,
    );
    if (this.view.query) parts.push(`“${this.view.query}”`);
    if (this.view.only && !parts.length) parts.push("with suggestions");
    return parts.join(", ");
  }

  hash() {
    const parameters = this.view.toHash();
    if (this.active) parameters.set("at", this.active.id);
    const hash = `#${parameters}`;
    if (hash !== location.hash) history.replaceState(null, "", hash);
  }

  activate(item, { focus = false, scroll = true } = {}) {
    this.active = item;
    this.list.activate(item, { focus, scroll });
    const at = this.order?.indexOf(item) ?? -1;
    this.card.show(item, at < 0 ? "" : `${at + 1} of ${this.order.length}`);
    if (this.shown) this.hash();
  }

  progress() {
    const { counts } = this.report;
    const decided = this.decided();
    const total = decided + counts.pending;
    const words = { accepted: "accepted", rejected: "kept", edited: "edited", conflict: "in conflict", silenced: "silenced" };
    const parts = Object.entries(words).filter(([state]) => counts[state]).map(([state, word]) => `${counts[state]} ${word}`);
    const old = counts.outdated + (this.lost ?? 0);
    if (old) parts.push(`${old} outdated`);
    if (!this.storage.works) parts.push("not saved by the browser: export");
    $("progress-text").textContent = [`${decided} of ${total} decided`, ...parts].join(" · ");
    const bar = $("progress-bar");
    bar.setAttribute("aria-valuemax", total);
    bar.setAttribute("aria-valuenow", decided);
    for (const state of ["accepted", "edited", "rejected"]) {
      bar.querySelector(`.${state}`).style.inlineSize = `${total ? (100 * counts[state]) / total : 0}%`;
    }
  }

  decided() {
    const { accepted, rejected, edited } = this.report.counts;
    return accepted + rejected + edited;
  }

  say(words) {
    // The same words twice would not be read out again: a changing invisible tail makes them new.
    const live = $("live");
    live.textContent = live.textContent === words ? `${words}\u00a0` : words;
    const toast = $("toast");
    toast.textContent = words;
    toast.classList.add("on");
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => toast.classList.remove("on"), 3000);
  }

  /** Items changed: show it now, save and count when there is time. */
  changed(items, save = true) {
    this.list.update(items);
    this.progress();
    if (save) {
      this.storage.note(this.report, items);
      this.unsaved = true;
      this.saving ??= requestIdleCallback(() => this.save(), { timeout: 1000 });
    }
    clearTimeout(this.counting);
    this.counting = setTimeout(() => this.count(), 150);
  }

  /** Count anew for the panel; the items shown stay, decided ones too, until the filter changes. */
  count() {
    if ($("filters").hidden) return;
    this.shown.counts = this.view.apply().counts;
    this.panel();
  }

  save() {
    this.saving = null;
    if (!this.unsaved) return;
    this.unsaved = false;
    if (!this.storage.save(this.report)) this.progress();
  }

  theme(name) {
    document.documentElement.dataset.theme = name;
    $("theme").textContent = ICONS[name];
    $("theme").setAttribute("aria-label", `Theme: ${name}`);
    $("theme").title = `Theme: ${name}`;
    settings.set("theme", name);
  }

  reference(on) {
    document.documentElement.classList.toggle("with-reference", on);
    $("reference").setAttribute("aria-pressed", String(on));
  }

  // Moving -------------------------------------------------------------------------------------

  nextUndecided(from) {
    const start = from ? this.order.indexOf(from) + 1 : 0;
    const turn = [...this.order.slice(start), ...this.order.slice(0, start)];
    const open = (item) => item.state === "pending" && item !== from;
    return turn.find((item) => open(item) && !this.skipped.has(item)) ?? turn.find(open) ?? null;
  }

  step(by) {
    if (!this.order.length) return;
    const at = this.order.indexOf(this.active);
    const to = at < 0 ? 0 : Math.min(this.order.length - 1, Math.max(0, at + by));
    this.activate(this.order[to], { focus: this.inList() });
  }

  /** Whether the keyboard is in the list (or nowhere), so that it should go along. */
  inList() {
    const at = document.activeElement;
    return !at || at === document.body || $("segments").contains(at);
  }

  moveOn(focus) {
    const next = this.nextUndecided(this.active);
    if (next) this.activate(next, { focus });
    else {
      this.activate(this.active, { focus });
      this.say("Nothing is left to decide here.");
    }
  }

  // Doing --------------------------------------------------------------------------------------

  act(name, value) {
    const item = this.active;
    if (item || !NEEDS_ITEM.has(name)) ACTIONS[name](this, item, value);
  }

  decide(item, decision, words) {
    const focus = this.inList();
    const step = this.report.decide([[item, decision]], words);
    const reset = step.before.size > 1 ? ` ${step.before.size - 1} in conflict with it was set back.` : "";
    this.skipped.delete(item);
    this.say(`${words}. ${this.report.counts.pending} left.${reset}`);
    this.moveOn(focus);
  }

  listen() {
    addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("click", (event) => {
      const button = event.target.closest("header [data-act], #filters [data-act], #filtered [data-act]");
      if (button) this.act(button.dataset.act);
    });
    let typing;
    $("search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        this.view.query = $("search").value.trim();
        this.refilter();
      }, 120);
    });
    $("only").addEventListener("change", () => {
      this.view.only = $("only").checked;
      this.refilter();
    });
    $("import").addEventListener("change", async () => {
      const [file] = $("import").files;
      if (file) await importFile(this, file);
      $("import").value = "";
    });
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) importFile(this, file);
    });
    addEventListener("hashchange", () => {
      const parameters = new URLSearchParams(location.hash.slice(1));
      this.view.fromHash(parameters);
      $("search").value = this.view.query;
      this.refilter(false);
      this.activate(this.report.byId.get(parameters.get("at")) ?? this.active);
    });
    addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => this.save());
    // How much of the window the bar and a docked card cover. Setting a property of the root works
    // out the style of everything again: only when it changed.
    const root = document.documentElement.style;
    const put = (name, value) => root.getPropertyValue(name) === value || root.setProperty(name, value);
    const size = new ResizeObserver(() => {
      const docked = getComputedStyle($("card")).getPropertyValue("--docked").trim() === "yes";
      put("--head", `${$("bar").offsetHeight}px`);
      put("--foot", docked ? `${$("card").offsetHeight}px` : "0px");
    });
    size.observe($("bar"));
    size.observe($("card"));
  }

  key(event) {
    if ($("dialog").open || event.defaultPrevented) return;
    const field = event.target.closest?.("input:not([type=checkbox]), textarea, select");
    if (event.key === "Escape" && field) {
      event.preventDefault(); // a search field would lose its text
      field.blur();
      return;
    }
    // In the list the arrows go along the suggestions, as the roving focus promises.
    if (event.target.closest?.("button.item") && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      this.step(event.key === "ArrowDown" ? 1 : -1);
      return;
    }
    const found = lookUp(event, this.single);
    if (!found) return;
    const { entry, name } = found;
    // A field keeps its letters and its own undo.
    if (field && entry.does !== "save") return;
    event.preventDefault();
    this.act(entry.does, name);
  }
}

const app = new App(JSON.parse($("header").textContent));
// The data stands in several blocks: the rows of the first are painted before the rest is read.
const [first, ...rest] = document.querySelectorAll("script.records");
const read = (block) => {
  for (const segment of JSON.parse(block.textContent)) app.report.add(segment);
  block.remove();
};
if (first) read(first);
if (rest.length && !location.hash) {
  app.list.show(app.report.segments, new Set(app.report.items));
  // A window in the background paints nothing: do not wait for it.
  await new Promise((painted) => {
    requestAnimationFrame(() => setTimeout(painted));
    setTimeout(painted, 200);
  });
  performance.mark("mt-repair:rows");
  rest.forEach(read);
} else rest.forEach(read);
app.start(JSON.parse($("decisions").textContent));
performance.mark("mt-repair:shown");
