// The card of the active suggestion: what becomes what, why, how sure, and the ways to decide.

import { clipped, el, icon, shown, shownExactly } from "./text.js";
import { effectOf } from "./filters.js";
import { levelOf, offered } from "./model.js";

const AROUND = 28; // characters of context on each side
const WAYS = {
  towards: "moves towards the reference", away: "moves away from the reference",
  neutral: "as far from the reference as before",
};

export class Card {
  /** `act(name, ...)` runs an action; `filter(facet, value)` narrows the view. */
  constructor(root, report, { act, filter }) {
    Object.assign(this, { root, report, act, filter });
    this.parts = Object.fromEntries(
      [...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]),
    );
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.act) act(button.dataset.act, button.dataset.value);
      if (button?.dataset.facet) filter(button.dataset.facet, button.dataset.value);
    });
    const { text, form, note } = this.parts;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act("saveEdit", text.value);
    });
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        act("saveEdit", text.value);
      } else if (event.key === "Escape") {
        event.stopPropagation();
        this.edit(false);
        act("refocus");
      }
    });
    note.addEventListener("change", () => act("saveNote", note.value));
    note.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") {
        event.preventDefault();
        act("refocus");
      }
    });
  }

  show(item, position) {
    this.item = item;
    this.root.classList.toggle("empty", !item);
    if (!item) return;
    const { report, parts } = this;
    const decision = report.decision(item);
    const outdated = item.outdated;
    parts.position.textContent = position;
    parts.tags.replaceChildren(
      tag("category", item.category, [icon(item.severity), item.category.replaceAll("-", " ")]),
      tag("severity", item.severity, [item.severity]),
      tag("state", item.state, [item.state === "pending" ? null : icon(item.state), stateWords(report, item)]),
    );
    parts.change.replaceChildren(...(outdated ? before(item) : this.#change(item)));
    parts.why.replaceChildren(...shown(why(item)));
    parts.sure.replaceChildren(...(outdated ? [] : sure(item)));
    this.#choices(item, decision);
    this.#linked(item);
    for (const name of ["decide", "note", "silence"]) parts[`${name}Box`].hidden = Boolean(outdated);
    parts.dismiss.hidden = !outdated;
    parts.accept.disabled = !offered(item);
    parts.accept.setAttribute("aria-pressed", String(decision.verdict === "accepted" && decision.candidate === 0));
    parts.reject.setAttribute("aria-pressed", String(decision.verdict === "rejected"));
    parts.editButton.setAttribute("aria-pressed", String(decision.verdict === "edited"));
    parts.note.value = decision.note;
    this.#silence(item);
    this.edit(false);
  }

  /** Open or close the field for a text of one's own. */
  edit(open) {
    const { form, text } = this.parts;
    form.hidden = !open;
    this.parts.editButton.setAttribute("aria-expanded", String(open));
    if (!open || !this.item) return;
    const decision = this.report.decision(this.item);
    text.value = decision.text ?? this.report.edit(this.item)?.text ?? offered(this.item)?.text ?? this.item.original;
    text.focus();
    text.select();
  }

  focusNote() {
    this.parts.noteBox.open = true;
    this.parts.note.focus();
  }

  #change(item) {
    const { mt } = item.segment;
    const edit = this.report.edit(item) ?? offered(item) ?? { from: item.from, to: item.to, text: null };
    const old = mt.slice(edit.from, edit.to);
    const left = mt.slice(Math.max(0, edit.from - AROUND), edit.from);
    const right = mt.slice(edit.to, edit.to + AROUND);
    const hidden = (words) => el("span", { class: "hidden" }, words);
    const nodes = [el("span", { class: "around" }, edit.from > AROUND ? "…" : "", ...shown(left))];
    if (old) {
      const content = shownExactly(clipped(old, 400));
      nodes.push(edit.text === null ? el("span", { class: "marked" }, ...content) : el("del", {}, hidden("[remove: "), ...content, hidden("] ")));
    } else nodes.push(el("span", { class: "caret" }, "‸"));
    if (edit.text) nodes.push(el("ins", {}, hidden("[insert: "), ...shownExactly(clipped(edit.text, 400)), hidden("] ")));
    nodes.push(el("span", { class: "around" }, ...shown(right), edit.to + AROUND < mt.length ? "…" : ""));
    return nodes;
  }

  #choices(item, decision) {
    const list = item.candidates.slice(0, 5).map((candidate, index) => {
      const isChosen = decision.verdict === "accepted" && decision.candidate === index;
      const level = levelOf(candidate.confidence);
      const text = candidate.text ? shownExactly(clipped(candidate.text, 200)) : [el("em", {}, "remove it")];
      return el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: "choice", "data-act": "acceptNumbered", "data-value": String(index + 1), "aria-pressed": String(isChosen) },
          el("kbd", { "aria-hidden": "true" }, String(index + 1)),
          el("span", { class: "text" }, ...text),
          el("span", { class: "level", title: `${candidate.by}: ${candidate.confidence.toFixed(2)}` }, `${level} ${candidate.confidence.toFixed(2)}`),
        ),
      );
    });
    this.parts.choices.replaceChildren(...list);
    this.parts.choices.hidden = item.candidates.length < (offered(item) ? 2 : 1);
  }

  #linked(item) {
    const linked = this.report.linked(item);
    const many = linked.length > 1 && !item.outdated;
    this.parts.linkedBox.hidden = !many;
    if (!many) return;
    this.parts.linked.textContent = `Linked: ${linked.indexOf(item) + 1} of ${linked.length}, cut from one hypothesis.`;
    this.parts.acceptLinked.textContent = `Accept all ${linked.length}`;
  }

  #silence(item) {
    const rules = item.by.split(", ");
    this.parts.silenceRule.replaceChildren("Not an error: ", el("b", {}, ...shown(rules.join(", "))), " anywhere");
    const word = item.original.trim();
    const isWord = /^\S{1,60}$/u.test(word);
    this.parts.silenceWord.hidden = !isWord;
    if (isWord) this.parts.silenceWord.replaceChildren("Not an error: the word ", el("b", {}, ...shown(word)));
  }
}

const tag = (facet, value, content) =>
  el("button", { type: "button", class: `tag ${value}`, "data-facet": facet, "data-value": value, title: "Show only these" }, ...content);

function stateWords(report, item) {
  if (item.state === "conflict") return "conflicts with an accepted one";
  return { pending: "not decided", rejected: "kept as is" }[item.state] ?? item.state;
}

function before({ outdated, original }) {
  const nodes = [el("span", { class: "around" }, `${outdated.verdict ?? "decided"} before: `)];
  if (original) nodes.push(el("del", {}, ...shownExactly(clipped(original, 400))));
  if (typeof outdated.text === "string") nodes.push(el("ins", {}, ...shownExactly(clipped(outdated.text, 400))));
  return nodes;
}

function why(item) {
  if (item.outdated) return "This decision was made on another run, and its place or its suggestion is no longer the same.";
  const best = offered(item);
  const words = [...new Set([item.message, best?.message].filter(Boolean))].join(" ");
  return words || "No reason was given.";
}

/** Confidence in a word with its number, the producers, and what the reference says if known. */
function sure(item) {
  const best = offered(item);
  const level = levelOf(item.confidence);
  const nodes = [
    el(
      "button",
      { type: "button", class: `tag level ${level}`, "data-facet": "confidence", "data-value": level, title: best ? "That this edit makes the segment better" : "That this place is wrong" },
      el("span", { class: "pips", "aria-hidden": "true" }, { sure: "●●●", likely: "●●○", unsure: "●○○" }[level]),
      ` ${level} ${item.confidence.toFixed(2)}`,
    ),
    ...(best?.by ?? item.by).split(", ").map((by) => tag("by", by, [`by ${by}`])),
  ];
  if (!best) nodes.push(el("span", { class: "quiet" }, item.candidates.length ? "no fix proposed; wordings that may fit:" : "no fix proposed"));
  if (item.applied) nodes.push(el("span", { class: "quiet" }, "in the run’s fixed text"));
  const [way] = effectOf(item);
  if (way) nodes.push(tag("effect", way, [WAYS[way]]));
  return nodes;
}
