// Text and offsets. The data counts code points, JavaScript counts UTF-16 units: `unitsOf` is the
// only place where one becomes the other. Text reaches the page as text nodes alone.

/** A function from code point offsets of `text` to UTF-16 offsets; both may equal the length. */
export function unitsOf(text) {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return (offset) => offset;
  const units = [];
  for (let unit = 0; unit < text.length; unit += text.codePointAt(unit) > 0xffff ? 2 : 1) {
    units.push(unit);
  }
  units.push(text.length);
  return (offset) => units[Math.min(offset, units.length - 1)];
}

/** Whether both edits can be applied: they touch at most, and do not insert at the same gap. */
export function compatible(one, other) {
  const [a, b] = [one, other].sort((x, y) => x.from - y.from || x.to - y.to);
  return a.to <= b.from && !(a.from === b.from && a.to === b.to);
}

/** `text` with compatible edits `{from, to, text}` applied, as pieces `{text, changed}`. */
export function applied(text, edits) {
  const pieces = [];
  let position = 0;
  const push = (piece, changed) => piece && pieces.push({ text: piece, changed });
  for (const edit of [...edits].sort((x, y) => x.from - y.from || x.to - y.to)) {
    push(text.slice(position, edit.from), false);
    push(edit.text, true);
    position = edit.to;
  }
  push(text.slice(position), false);
  return pieces;
}

/**
 * Cut `text` into pieces for display: `{kind, text, owner, covers}`, where `kind` is `same`, `old`
 * (to be removed), `new` (to be put in) or `gap` (something is missing here). `marks` are
 * `{from, to, edit, rank}`; where marks overlap, the one of the highest rank owns the place and
 * shows its edit, and the others only cover it.
 */
export function layout(text, marks) {
  const hull = (mark) => ({
    from: Math.min(mark.from, mark.edit?.from ?? mark.from),
    to: Math.max(mark.to, mark.edit?.to ?? mark.to),
  });
  const owners = [];
  for (const mark of [...marks].sort((a, b) => b.rank - a.rank || a.from - b.from)) {
    const own = hull(mark);
    if (owners.every((other) => compatible(own, other.hull))) owners.push({ mark, hull: own });
  }
  owners.sort((a, b) => a.hull.from - b.hull.from || a.hull.to - b.hull.to);
  const owned = new Set(owners.map((owner) => owner.mark));
  const others = marks.filter((mark) => !owned.has(mark));

  const cuts = new Set([0, text.length]);
  for (const mark of marks) {
    cuts.add(mark.from).add(mark.to);
    if (owned.has(mark) && mark.edit) cuts.add(mark.edit.from).add(mark.edit.to);
  }
  // What goes out stays one piece, whatever else marks a part of it.
  for (const { mark } of owners) {
    for (const cut of cuts) if (mark.edit && mark.edit.from < cut && cut < mark.edit.to) cuts.delete(cut);
  }
  const bounds = [...cuts].sort((a, b) => a - b);
  const pieces = [];
  const insertAt = (place) => {
    for (const { mark } of owners) {
      if (mark.edit ? mark.edit.to === place && mark.edit.text : mark.from === place && mark.to === place) {
        const kind = mark.edit ? "new" : "gap";
        pieces.push({ kind, text: mark.edit?.text ?? "", owner: mark, covers: [mark] });
      }
    }
    for (const mark of others) {
      if (mark.from === place && mark.to === place) {
        pieces.push({ kind: "gap", text: "", owner: null, covers: [mark] });
      }
    }
  };
  for (let i = 0; i < bounds.length; i++) {
    insertAt(bounds[i]);
    const [from, to] = [bounds[i], bounds[i + 1]];
    if (to === undefined) break;
    const owner = owners.find((o) => o.hull.from <= from && to <= o.hull.to)?.mark ?? null;
    const removed = owner?.edit && owner.edit.from <= from && to <= owner.edit.to;
    const covers = marks.filter((mark) => mark.from <= from && to <= mark.to);
    pieces.push({ kind: removed ? "old" : "same", text: text.slice(from, to), owner, covers });
  }
  return pieces;
}

/** Ranges of `source` that `message` quotes in «…», “…” or "…", in small or capital letters. */
export function evidence(message, source) {
  const found = [];
  for (const match of message.matchAll(/«([^»]+)»|“([^”]+)”|"([^"]+)"/g)) {
    const words = match[1] ?? match[2] ?? match[3];
    const at = source.toLowerCase().indexOf(words.toLowerCase());
    if (at >= 0) found.push({ from: at, to: at + words.length });
  }
  found.sort((a, b) => a.from - b.from);
  return found.filter((range, i) => i === 0 || range.from >= found[i - 1].to);
}

/** An element with a class, attributes or handlers, and children; a string becomes a text node. */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An icon of the sheet in the template, decoration only. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

// What has no glyph, or would reorder, hide or join the text around it.
// Joiners stay where they do their work, between characters that are not ASCII.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]|(?<=^|[\u0000-\u007f])[\u200c\u200d]|[\u200c\u200d](?=[\u0000-\u007f]|$)/gu;

/** `text` as nodes: invisible and direction-changing characters are shown as their code. */
export function shown(text) {
  const nodes = [];
  let position = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (match.index > position) nodes.push(text.slice(position, match.index));
    const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    nodes.push(el("span", { class: "control", title: `Character U+${code}` }, `U+${code}`));
    position = match.index + match[0].length;
  }
  if (position < text.length) nodes.push(text.slice(position));
  return nodes;
}

/** `text` as nodes with the spaces at its ends made visible, for small pieces of an edit. */
export function shownExactly(text) {
  const [, head, body, tail] = /^([ \u00a0\u2009\u202f]*)([^]*?)([ \u00a0\u2009\u202f]*)$/.exec(text);
  const space = (piece) =>
    [...piece].map((one) => el("span", { class: one === " " ? "space" : "space hard" }, one));
  return [...space(head), ...shown(body), ...space(tail)];
}

/** `text` with `ranges` in elements of `tag`. */
export function emphasized(text, ranges, tag = "mark") {
  const nodes = [];
  let position = 0;
  for (const { from, to } of ranges) {
    nodes.push(...shown(text.slice(position, from)), el(tag, {}, ...shown(text.slice(from, to))));
    position = to;
  }
  return [...nodes, ...shown(text.slice(position))];
}

/** At most `most` characters of `text`, cut between characters. */
export function clipped(text, most = 80) {
  const characters = [...text.slice(0, 2 * most + 2)];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}
