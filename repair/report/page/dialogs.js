// Dialogs: keys, decisions in bulk, and the merge of an imported file.

import { clipped, el, shown, shownExactly } from "./text.js";
import { offered } from "./model.js";
import { KEYS, keyName } from "./keys.js";

/** Fill `dialog`, show it, and resolve to the value of the button that closed it ("" for none). */
function ask(dialog, ...content) {
  dialog.replaceChildren(el("form", { method: "dialog" }, ...content));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

const button = (label, value, kind = "") =>
  el("button", { value, class: kind, type: "submit" }, label);

const heading = (dialog, text) => el("h2", { id: `${dialog.id}-title` }, text);

export function showHelp(dialog, { single, setSingle }) {
  const box = el("input", { type: "checkbox", id: "single-keys" });
  box.checked = single;
  box.addEventListener("change", () => setSingle(box.checked));
  const rows = KEYS.map(({ keys, says }) =>
    el(
      "tr",
      {},
      el("td", {}, ...keys.flatMap((key, i) => [i ? " " : "", el("kbd", {}, keyName(key))])),
      el("td", {}, says),
    ),
  );
  return ask(
    dialog,
    heading(dialog, "Keys"),
    el("table", { class: "keys" }, el("tbody", {}, ...rows)),
    el("p", {}, "A decision moves on to the next undecided suggestion. The keys also work under a Russian layout."),
    el("p", {}, box, el("label", { for: "single-keys" }, " Keys without Ctrl are on")),
    el("div", { class: "buttons" }, button("Close", "", "primary")),
  );
}

function changeLine({ segment: { id, mt }, candidates, ...item }) {
  const edit = offered({ candidates });
  const place = edit ?? item;
  const left = mt.slice(Math.max(0, place.from - 20), place.from);
  const right = mt.slice(place.to, place.to + 20);
  const old = shownExactly(clipped(mt.slice(place.from, place.to), 60));
  const change = edit
    ? [old.length ? el("del", {}, ...old) : el("span", { class: "caret" }, "‸"), el("ins", {}, ...shownExactly(clipped(place.text, 60)))]
    : [el("span", { class: "marked" }, ...old)];
  const before = `${id}: ${place.from > 20 ? "…" : ""}${left}`;
  const after = `${right}${place.to + 20 < mt.length ? "…" : ""}`;
  const quiet = (text) => el("span", { class: "quiet" }, ...shown(text));
  return el("li", {}, quiet(before), ...change, quiet(after));
}

/** Ask what to do with `items`, all undecided; resolves to "accept", "reject" or "". */
export function askBulk(dialog, items, { acceptable, inWords }) {
  const examples = items.slice(0, 5).map(changeLine);
  const left = items.length - acceptable.length;
  return ask(
    dialog,
    heading(dialog, `Decide ${items.length} suggestions at once`),
    el("p", {}, `All undecided ones that match the filter: ${inWords}.`),
    el("p", {}, examples.length < items.length ? "Five of them:" : "These:"),
    el("ul", { class: "examples" }, ...examples),
    left
      ? el("p", {}, `${left} cannot be accepted, for want of a fix or because a surer one overlaps; accepting leaves them undecided.`)
      : null,
    el("p", { class: "quiet" }, "Undo takes all of it back in one step."),
    el(
      "div",
      { class: "buttons" },
      button("Cancel", ""),
      button(`Keep all ${items.length} as they are`, "reject"),
      acceptable.length ? button(`Accept ${acceptable.length}`, "accept", "primary") : null,
    ),
  );
}

const inWords = (item, { verdict, candidate, text, note }) =>
  [
    verdict === "accepted" ? `accepted “${item.candidates[candidate]?.text ?? ""}”` : verdict === "edited" ? `edited to “${text}”` : { rejected: "kept as is", pending: "not decided" }[verdict],
    note && `note: ${note}`,
  ].filter(Boolean).join(", ");

/** Ask which side prevails; resolves to the set of conflicts that go to the file, or null. */
export async function askMerge(dialog, name, found) {
  const boxes = found.conflicts.map((conflict, index) => {
    const id = `conflict-${index}`;
    const box = el("input", { type: "checkbox", id });
    const line = el(
      "li",
      {},
      box,
      el(
        "label",
        { for: id },
        ...shown(`${conflict.item.segment.id}, “${clipped(conflict.item.original, 40)}”: here ${clipped(inWords(conflict.item, conflict.mine), 120)}; in the file ${clipped(inWords(conflict.item, conflict.theirs), 120)}`),
      ),
    );
    return { conflict, box, line };
  });
  const setAll = (checked) => boxes.forEach(({ box }) => (box.checked = checked));
  const answer = await ask(
    dialog,
    heading(dialog, "Import decisions"),
    el("p", {}, ...shown(name)),
    found.foreign
      ? el("p", { class: "warning" }, "This file belongs to another run. Only decisions on a suggestion that is the same here are taken over.")
      : null,
    el(
      "ul",
      {},
      el("li", {}, `${found.fresh.length} new decisions`),
      el("li", {}, `${found.agreed} the same as here`),
      el("li", {}, `${found.conflicts.length} decided differently here`),
      found.outdated.length ? el("li", {}, `${found.outdated.length} outdated: their place or suggestion is gone`) : null,
      found.kept.length ? el("li", {}, `${found.kept.length} rejections of what is no longer suggested, kept for the next run`) : null,
      found.silenced.length ? el("li", {}, `${found.silenced.length} silenced rules or words`) : null,
    ),
    boxes.length ? el("p", {}, "Conflicts: check those where the file prevails.") : null,
    boxes.length > 1
      ? el(
          "p",
          { class: "buttons start" },
          el("button", { type: "button", onclick: () => setAll(true) }, "All from the file"),
          el("button", { type: "button", onclick: () => setAll(false) }, "All as here"),
        )
      : null,
    boxes.length ? el("ul", { class: "conflicts" }, ...boxes.map(({ line }) => line)) : null,
    el("div", { class: "buttons" }, button("Cancel", ""), button("Take over", "merge", "primary")),
  );
  if (answer !== "merge") return null;
  return new Set(boxes.filter(({ box }) => box.checked).map(({ conflict }) => conflict));
}
