"""Places with the words that belong there: what the infilling model learns from."""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "detector"))

from examples import Shelf, post_edits
from plant import clean_pairs
from repair.corpora.measure_fixer import edits, texts

from repair import memory, ngrams
from repair.ngrams import FUNCTION_WORDS
from repair.propose.infill import LONGEST, STEPS
from repair.propose.inventory import Place, Words

ENGLISH = ("kremlin", "wikinews", "onestop", "wh_written")
YEARS = ("2013", "2014", "2018", "2019")
PASSES = 4  # over the references, each with an output drawn anew
SHARED = 0.4  # of the other systems that write the same: then it is no error
BACKED = 0.12  # of the other systems that write the reference's words: then they belong there


class Lesson(NamedTuple):
    """A segment and its places, in the words of `repair.ngrams`, with the words wanted there."""

    source: str | None
    mt: str
    wanted: list[tuple[Place, Words]]


def small(found: Iterator[tuple[Place, Words]]) -> list[tuple[Place, Words]]:
    """Those that the model is for: neither side long, and no number to write; also deletions."""
    return [
        (place, wording)
        for place, wording in found
        if place.end - place.start <= LONGEST
        and len(wording) <= STEPS
        and not any(c.isdigit() for word in wording for c in word)
    ]


def edited(shelf: Shelf, rng: random.Random, fold: int) -> Iterator[Lesson]:
    """The post-edits whose number has this parity."""
    for number, (source, mt, better) in enumerate(post_edits(shelf, "train")):
        if number % 2 == fold and (wanted := small(edits(texts(mt), texts(better)))):
            yield Lesson(source, mt, wanted)


def from_others(shelf: Shelf, rng: random.Random, fold: int) -> Iterator[Lesson]:
    """Post-edits of Romanian and Estonian into English, read without the source."""
    for pair in ("ro", "et"):
        rows = shelf.table(f"english/post_edits/mlqe_pe_{pair}-en")
        for row in rng.sample(rows, len(rows)):
            if float(row["hter"]) >= 0.5 or not shelf.allows(row["mt"], row["pe"]):
                continue
            if wanted := small(edits(texts(row["mt"]), texts(row["pe"]))):
                yield Lesson(None, row["mt"], wanted)


def agreed(shelf: Shelf, rng: random.Random, fold: int) -> Iterator[Lesson]:
    """Where a system differs from the reference, and the other systems do not side with it.

    The reference's words count where some of the others have them, too, or where they are no more
    than stand there.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for year in YEARS:
        for row in shelf.table(f"wmt_outputs/newstest{year}.ruen_mt"):
            if shelf.allows(row["src_ru"], row["tgt_en"], row["mt"]):
                groups[row["src_ru"], row["tgt_en"]].append(row["mt"])
    order = sorted(key for key, outputs in groups.items() if len(outputs) >= 4)
    rng.shuffle(order)
    for source, reference in order * PASSES:
        goal = texts(reference)
        mt = rng.choice(groups[source, reference])
        if not 5 <= len(goal) <= 45:
            continue
        others = [f" {' '.join(texts(o))} " for o in groups[source, reference] if o != mt]
        words = ["", *texts(mt), ""]

        def share(run: Sequence[str], others=others) -> float:
            text = f" {' '.join(run).strip()} "
            return sum(text in other for other in others) / len(others)

        wanted = []
        for place, gold in small(edits(words[1:-1], goal)):
            around = words[place.start : place.end + 2]
            if share(around) >= SHARED:
                continue
            if share(gold) >= BACKED or len(gold) <= place.end - place.start:
                wanted.append((place, gold))
        if wanted:
            yield Lesson(source, mt, wanted)


class Spoiler:
    """Takes good English and drops runs of one to four words, or makes them wrong."""

    def __init__(self, rng: random.Random):
        self.random, self.counts, self.memory = rng, ngrams.shipped(), memory.shipped()

    def wrong(self, word: str) -> str | None:
        """Another word for one, or none at all."""
        rng, kind = self.random, self.random.random()
        if kind < 0.25:
            return None
        if kind < 0.55 and (others := self.memory.synonyms(word, 8)):
            return rng.choice(others)
        if kind < 0.75 and (others := self.counts.forms(word)):
            return rng.choice(others)
        if word in FUNCTION_WORDS:
            return rng.choice(sorted(FUNCTION_WORDS))
        return word

    def lesson(self, source: str | None, text: str) -> Lesson | None:
        """A sentence with some of its words spoiled; none if it is too short or too long."""
        rng, words = self.random, ngrams.words(text)
        if not 5 <= len(words) <= 45:
            return None
        pieces, last, at = [], 0, rng.randrange(4)
        while at < len(words):
            size = rng.choices((1, 2, 3, 4), (35, 35, 20, 10))[0]
            run = words[at : at + size]
            if not all(word.isalpha() for word, _, _ in run):
                at += 1
                continue
            new = []
            if rng.random() >= 0.3:
                new = [w for word, _, _ in run if (w := self.wrong(word))]
            if rng.random() < 0.15:
                rng.shuffle(new)
            pieces += [text[last : run[0][1]], " ".join(new)]
            last = run[-1][2]
            at += size + rng.randrange(3, 9)
        mt = " ".join(("".join(pieces) + text[last:]).split())
        wanted = small(edits(texts(mt), texts(text)))
        return Lesson(source, mt, wanted) if wanted else None


def planted(shelf: Shelf, rng: random.Random, fold: int) -> Iterator[Lesson]:
    """Human translations, spoiled."""
    spoiler = Spoiler(rng)
    pairs = clean_pairs(shelf)
    rng.shuffle(pairs)
    for source, tokens in pairs:
        if lesson := spoiler.lesson(" ".join(source), " ".join(tokens)):
            yield lesson


def english(shelf: Shelf, rng: random.Random, fold: int) -> Iterator[Lesson]:
    """Good English of politics and news, spoiled, without a source."""
    spoiler = Spoiler(rng)
    rows = [row["sentence"] for name in ENGLISH for row in shelf.table(f"english/sentences/{name}")]
    rng.shuffle(rows)
    for text in rows:
        if shelf.allows(text) and (lesson := spoiler.lesson(None, text)):
            yield lesson


Part = Callable[[Shelf, random.Random, int], Iterator[Lesson]]
PARTS: dict[str, Part] = {
    "post_edits": edited,
    "consensus": agreed,
    "other_post_edits": from_others,
    "planted": planted,
    "english": english,
}
