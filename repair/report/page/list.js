// The list of segments. Ten thousand rows would be slow to lay out, so rows are made in blocks when
// a block comes near the window, and given up when it is far away; a block that is not there keeps
// its height. Printing makes all of them.

import { clipped, el, emphasized, evidence, icon, layout, shown, shownExactly } from "./text.js";
import { levelOf } from "./model.js";

const BLOCK = 8; // segments
const GUESS = 92; // pixels a segment, until its block has been measured
const NEAR = "600px";

const WORDS = {
  pending: "not decided", accepted: "accepted", rejected: "kept as is", edited: "edited",
  conflict: "conflicts with an accepted one", silenced: "silenced", outdated: "outdated", dismissed: "dismissed",
};

export class List {
  constructor(root, report, { activate }) {
    Object.assign(this, { root, report });
    this.blocks = [];
    this.blockOf = new Map(); // segment → block
    this.matching = new Set();
    this.active = null;
    this.watcher = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: NEAR });
    root.addEventListener("click", (event) => {
      const target = event.target.closest("[data-item]");
      if (target && root.contains(target)) activate(report.byId.get(target.dataset.item));
    });
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
  }

  /** Show `segments`, with the items outside `matching` held back. */
  show(segments, matching) {
    this.matching = matching;
    this.watcher.disconnect();
    this.blockOf.clear();
    this.blocks = [];
    for (let i = 0; i < segments.length; i += BLOCK) {
      const members = segments.slice(i, i + BLOCK);
      const node = el("div", { class: "block" });
      const block = { node, members, after: segments[i - 1] ?? null, made: false };
      node.style.blockSize = `${members.length * GUESS}px`;
      node.block = block;
      this.blocks.push(block);
      for (const segment of members) this.blockOf.set(segment, block);
    }
    this.root.replaceChildren(...this.blocks.map((block) => block.node));
    for (const block of this.blocks) this.watcher.observe(block.node);
    if (!segments.length) {
      this.root.append(el("p", { class: "nothing" }, "No segment matches. Clear the filters to see all."));
    }
  }

  /** Make the rows again in which something was decided. */
  update(items) {
    const segments = new Set(items.map((item) => item.segment));
    for (const block of this.blocks) {
      if (!block.made) continue;
      for (const segment of block.members) {
        if (segments.has(segment)) this.#row(segment)?.replaceWith(this.#segment(segment));
      }
    }
  }

  /** Make `item` the active one and bring it into view; `focus` moves the keyboard there too. */
  activate(item, { focus = false, scroll = true } = {}) {
    const before = this.active;
    this.active = item;
    for (const segment of new Set([before?.segment, item?.segment])) {
      if (segment) this.#row(segment)?.replaceWith(this.#segment(segment));
    }
    const block = item && this.blockOf.get(item.segment);
    if (!block) return;
    const index = this.blocks.indexOf(block);
    // The neighbors first: what they turn out to measure must not move the row afterwards.
    if (scroll) this.blocks.slice(Math.max(0, index - 1), index + 2).forEach((one) => this.#make(one));
    this.#make(block);
    const button = this.buttonOf(item);
    if (focus) button?.focus({ preventScroll: true });
    if (scroll) this.#intoView(this.#row(item.segment));
  }

  buttonOf(item) {
    return this.#row(item.segment)?.querySelector(`button[data-item="${CSS.escape(item.id)}"]`);
  }

  /** Scroll only when the place is not comfortably in view, and not smoothly: keys are fast. */
  #intoView(row) {
    if (!row) return;
    const { style } = document.documentElement;
    const head = parseFloat(style.getPropertyValue("--head")) || 0;
    const foot = innerHeight - (parseFloat(style.getPropertyValue("--foot")) || 0);
    let { top, bottom } = row.getBoundingClientRect();
    // Of a row that is higher than the room between bar and card, the place itself counts.
    const mark = row.querySelector(".place.active");
    if (mark && bottom - top > foot - head - 32) ({ top, bottom } = mark.getBoundingClientRect());
    if (top >= head + 8 && bottom <= foot - 24) return;
    const room = foot - head - (bottom - top);
    scrollBy({ top: top - head - Math.max(16, room / 4), behavior: "instant" });
  }

  #row(segment) {
    const block = this.blockOf.get(segment);
    return block?.made ? block.rows.get(segment) : null;
  }

  #seen(entries) {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      const block = target.block;
      if (isIntersecting) this.#make(block);
      else if (block.made && !this.printing && !this.#isHeld(block)) {
        target.style.blockSize = `${boundingClientRect.height}px`;
        target.replaceChildren();
        block.made = false;
      }
    }
  }

  #isHeld(block) {
    return block.node.contains(document.activeElement) || block.members.includes(this.active?.segment);
  }

  #make(block) {
    if (block.made) return;
    block.made = true;
    block.rows = new Map();
    const nodes = [];
    let before = block.after;
    for (const segment of block.members) {
      if (segment.doc && segment.doc !== before?.doc) {
        nodes.push(el("h2", { class: "document" }, ...shown(segment.doc)));
      }
      nodes.push(this.#segment(segment));
      before = segment;
    }
    block.node.style.blockSize = "";
    block.node.replaceChildren(...nodes);
  }

  /** Make every row, with notes for paper; afterwards let go of what is far from the window. */
  print(printing) {
    this.printing = printing;
    for (const block of this.blocks) {
      if (printing) {
        block.made = false;
        this.#make(block);
      } else {
        this.watcher.unobserve(block.node);
        this.watcher.observe(block.node);
      }
    }
  }

  // One row ------------------------------------------------------------------------------------

  #segment(segment) {
    const active = this.active?.segment === segment ? this.active : null;
    const row = el(
      "article",
      { class: active ? "segment active" : "segment", "aria-label": `Segment ${segment.id}` },
      this.#lines(segment, active),
      el(
        "div",
        { class: "side" },
        el("div", { class: "number" }, el("span", { title: segment.id }, ...shown(segment.id)), quality(segment)),
        segment.items.length ? this.#margin(segment, active) : null,
      ),
    );
    this.blockOf.get(segment)?.rows?.set(segment, row);
    return row;
  }

  #lines(segment, active) {
    const lines = el("div", { class: "lines" });
    if (segment.source !== undefined) {
      const rests = active ? evidence(active.message, segment.source) : [];
      lines.append(line("source", "Source", "ru", emphasized(segment.source, rests)));
    }
    lines.append(line("mt", "MT", "en", this.#marked(segment, active)));
    const pieces = this.report.fixed(segment);
    if (pieces.some((piece) => piece.changed) || segment.items.some((item) => this.report.edit(item))) {
      const nodes = pieces.flatMap(({ text, changed }) => (changed ? [el("ins", {}, ...shown(text))] : shown(text)));
      lines.append(line("fixed", "Fixed", "en", nodes));
    }
    segment.references.forEach((reference) => lines.append(line("reference", "Reference", "en", shown(reference))));
    if (segment.postEdit !== undefined) lines.append(line("reference", "Post-edit", "en", shown(segment.postEdit)));
    if (segment.effect) lines.append(effect(segment.effect));
    if (this.printing && segment.items.length) lines.append(notes(this.report, segment));
    for (const warning of segment.warnings ?? []) {
      lines.append(el("p", { class: "warning" }, icon("warning"), ...shown(warning)));
    }
    return lines;
  }

  /** The MT with its marks, each a `suggestion` to a screen reader, with words around it. */
  #marked(segment, active) {
    const marks = segment.items
      .filter((item) => !item.outdated || item.placed)
      .map((item) => ({ item, from: item.from, to: item.to, edit: this.report.offer(item), rank: rank(item, active) }));
    const nodes = [];
    let open = null;
    for (const piece of layout(segment.mt, marks)) {
      const content = piece.text ? contentOf(piece) : [];
      const owner = piece.owner ?? (piece.kind === "gap" ? piece.covers[0] : null);
      if (!owner) {
        const covered = piece.covers[0]?.item;
        nodes.push(...(covered ? [el("span", { class: `also ${covered.severity}`, "data-item": covered.id }, ...content)] : content));
        open = null;
        continue;
      }
      if (open?.owner !== owner || piece.owner === null) {
        open = { owner, node: this.#mark(owner.item, active) };
        nodes.push(open.node);
      }
      open.node.append(pieceNode(piece, content));
    }
    return nodes;
  }

  #mark(item, active) {
    const held = this.matching.has(item) ? "" : " held";
    const isActive = item === active ? " active" : "";
    const edit = this.report.offer(item);
    return el(
      "span",
      {
        class: `place ${item.severity} ${item.state}${held}${isActive}${edit ? " edit" : " bare"}`,
        "data-item": item.id,
        role: edit ? "suggestion" : "mark",
        title: `${item.severity}: ${item.category}`,
      },
    );
  }

  #margin(segment, active) {
    const entries = segment.items.map((item) => {
      const decision = this.report.decision(item);
      const name = item.category.split("/").pop();
      const held = this.matching.has(item) ? "" : " held";
      return el(
        "li",
        {},
        el(
          "button",
          {
            class: `item ${item.severity} ${item.state}${held}`,
            type: "button",
            "data-item": item.id,
            "aria-current": item === active ? "true" : null,
            "aria-label": describe(this.report, item),
            tabindex: item === this.active ? "0" : "-1",
          },
          icon(item.severity),
          el("span", { class: "what" }, name.replaceAll("-", " ")),
          decision.note ? icon("note") : null,
          item.state === "pending" ? null : icon(item.state),
        ),
      );
    });
    return el("ul", { class: "margin", "aria-label": "Suggestions" }, ...entries);
  }
}

const rank = (item, active) =>
  (item.state === "accepted" || item.state === "edited" ? 4 : 0) +
  (item === active ? 8 : 0) +
  (item.state === "pending" ? 2 : 0) +
  (item.candidates.length ? 1 : 0) +
  item.confidence / 2;

const contentOf = (piece) => (piece.kind === "same" ? shown(piece.text) : shownExactly(piece.text));

function pieceNode(piece, content) {
  const hidden = (words) => el("span", { class: "hidden" }, words);
  if (piece.kind === "old") return el("del", { role: "deletion" }, hidden(" [remove: "), ...content, hidden("] "));
  if (piece.kind === "new") {
    // The caret of proof-readers stands where text comes in and none goes out.
    const between = piece.owner.edit.from === piece.owner.edit.to;
    const caret = between ? el("span", { class: "caret", "aria-hidden": "true" }, "‸") : null;
    return el("ins", { role: "insertion" }, hidden(" [insert: "), caret, ...content, hidden("] "));
  }
  if (piece.kind === "gap") {
    return el("span", { class: "gap" }, hidden(" [something is missing here] "), el("span", { class: "caret", "aria-hidden": "true" }, "‸"));
  }
  return el("span", { class: "marked" }, ...content);
}

function line(kind, label, lang, nodes) {
  const long = nodes.reduce((sum, node) => sum + (node.textContent ?? node).length, 0) > 3000;
  const text = el(
    "p",
    long ? { class: "text long", lang, tabindex: "0", role: "group", "aria-label": label } : { class: "text", lang },
    ...nodes,
  );
  return el("div", { class: `line ${kind}` }, el("span", { class: "label" }, label), text);
}

/** The whole of a suggestion in words, for the name of its button. */
export function describe(report, item) {
  const edit = report.offer(item);
  const change = edit
    ? `“${clipped(item.segment.mt.slice(edit.from, edit.to))}” becomes “${clipped(edit.text)}”`
    : item.original ? `“${clipped(item.original)}”` : "something is missing";
  const name = item.category.replaceAll("/", ", ").replaceAll("-", " ");
  if (item.outdated) return `Outdated decision: ${item.outdated.verdict}, “${item.original}”`;
  return `${name}, ${item.severity}, ${levelOf(item.confidence)}, ${WORDS[item.state]}: ${change}`;
}

function quality(segment) {
  if (!segment.quality) return null;
  const percent = Math.round(100 * segment.quality.hter);
  return el("span", { class: "quality", title: `Expected share of words to change: ${percent} %` }, `${percent} %`);
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;

/** How near the text of the run is to the reference, and what its own choice changed in that. */
function effect({ chrf, ter }) {
  const part = (name, [before, after]) =>
    before === after
      ? `${name} ${before.toFixed(1)}`
      : `${name} ${before.toFixed(1)} → ${after.toFixed(1)} (${signed(after - before)})`;
  return el("p", { class: "effect" }, `${part("chrF++", chrf)} · ${part("TER", ter)}`);
}

/** The suggestions in words under a row, for paper. */
function notes(report, segment) {
  return el(
    "ol",
    { class: "notes" },
    ...segment.items.map((item) => {
      const { note } = report.decision(item);
      return el("li", {}, ...shown([describe(report, item), item.message, note && `Note: ${note}`].filter(Boolean).join(" — ")));
    }),
  );
}
