// Laws of offsets and marks, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { applied, clipped, compatible, evidence, layout, unitsOf } from "../../repair/report/page/text.js";

const ALPHABET = ["a", "я", "\u0301", "😀", "𝔘", " ", "\u202e", "👩‍👧", "\n"];
let seed = 7;
const chance = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
const randomText = (n) => Array.from({ length: n }, () => ALPHABET[chance(ALPHABET.length)]).join("");

test("code point offsets cut the same text as UTF-16 offsets", () => {
  for (let round = 0; round < 300; round++) {
    const text = randomText(chance(30));
    const points = [...text];
    const start = chance(points.length + 1);
    const end = start + chance(points.length - start + 1);
    const units = unitsOf(text);
    assert.equal(text.slice(units(start), units(end)), points.slice(start, end).join(""));
  }
});

test("the pieces of a layout give back the text, and with the edits of the owners the fixed one", () => {
  for (let round = 0; round < 500; round++) {
    const text = randomText(chance(20));
    const marks = Array.from({ length: chance(6) }, () => {
      const from = chance(text.length + 1);
      const to = from + chance(Math.min(6, text.length - from + 1));
      const edit = chance(4) ? { from, to, text: randomText(chance(3)) } : null;
      return { from, to, edit, rank: chance(5) };
    });
    const pieces = layout(text, marks);
    const old = pieces.filter(({ kind }) => kind === "same" || kind === "old").map((piece) => piece.text);
    assert.equal(old.join(""), text);
    const owners = new Set(pieces.map((piece) => piece.owner).filter(Boolean));
    const edits = [...owners].map((mark) => mark.edit).filter(Boolean);
    const fixed = applied(text, edits).map((piece) => piece.text).join("");
    const shown = pieces.filter(({ kind }) => kind === "same" || kind === "new").map((piece) => piece.text);
    assert.equal(shown.join(""), fixed);
  }
});

test("an omission is a caret at its gap", () => {
  const pieces = layout("a b", [{ from: 2, to: 2, edit: null, rank: 0 }]);
  assert.deepEqual(pieces.map((piece) => piece.kind), ["same", "gap", "same"]);
});

test("a mark that overlaps a stronger one only covers its words", () => {
  const strong = { from: 0, to: 5, edit: { from: 0, to: 5, text: "x" }, rank: 9 };
  const weak = { from: 3, to: 8, edit: { from: 3, to: 8, text: "y" }, rank: 1 };
  const pieces = layout("12345678", [weak, strong]);
  assert.deepEqual(pieces.map(({ kind, text }) => [kind, text]), [["old", "12345"], ["new", "x"], ["same", "678"]]);
  assert.deepEqual(pieces.at(-1).covers, [weak]);
});

test("edits that touch stand together, two insertions at one gap do not", () => {
  assert.ok(compatible({ from: 0, to: 2 }, { from: 2, to: 3 }));
  assert.ok(compatible({ from: 2, to: 2 }, { from: 2, to: 3 }));
  assert.ok(!compatible({ from: 2, to: 2 }, { from: 2, to: 2 }));
  assert.ok(!compatible({ from: 0, to: 3 }, { from: 2, to: 4 }));
  assert.ok(!compatible({ from: 0, to: 4 }, { from: 2, to: 2 }));
});

test("the words a message quotes are found in the source", () => {
  const source = "Вчера он сказал «да».";
  assert.deepEqual(evidence("The source has «Сказал», not «молчал».", source), [{ from: 9, to: 15 }]);
});

test("clipping keeps characters whole", () => {
  assert.equal(clipped("😀😀😀😀", 3), "😀😀…");
  assert.equal(clipped("abc", 3), "abc");
});
