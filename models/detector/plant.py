"""Plant errors of known category and severity in clean English, with or without its Russian.

A planter looks at the tokens of a clean sentence and returns a `Plant` (replace ``[start, end)``
by these words) or None. Sentences left clean teach what needs no repair.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from examples import NAMES, SEVERITIES, Example, Shelf, cut
from word_lists import (
    ARTICLES,
    AUXILIARIES,
    DETERMINERS,
    GRAMMAR,
    LATIN,
    NUMBERS,
    OPPOSITES,
    PREPOSITIONS,
    SMALL,
    SWAPS,
)


class Plant(NamedTuple):
    """Replace tokens ``[start, end)`` by ``new``, an error of this category and severity."""

    start: int
    end: int
    new: list[str]
    category: str
    severity: str
    sure: float = 1.0


def is_word(token: str) -> bool:
    """Whether the token has letters only, but for hyphens and apostrophes."""
    return re.fullmatch(r"[A-Za-z][A-Za-z'’-]*", token) is not None


def like(word: str, model: str) -> str:
    """``word`` in the letter case of ``model``."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


class Garden:
    """What planters draw from: word lists, bigrams and names of the corpora, and a generator."""

    def __init__(self, shelf: Shelf, sentences: Sequence[Sequence[str]]):
        self.random = random.Random(shelf.seed)
        self.counts: Counter[str] = Counter()
        self.after: dict[str, Counter[str]] = defaultdict(Counter)
        self.names: list[list[str]] = []
        for words in sentences:
            self.counts.update(w.lower() for w in words if is_word(w))
            for a, b in itertools.pairwise(words):
                if is_word(a) and is_word(b):
                    self.after[a.lower()][b.lower()] += 1
            self.names += [list(words[a:b]) for a, b in self.name_runs(words)]
        self.common = [w for w, n in self.counts.most_common(12_000) if len(w) > 3]
        self.ending: dict[str, list[str]] = defaultdict(list)
        for word in self.common:
            self.ending[word[-2:]].append(word)
        self.swaps: dict[str, list[tuple[str, str, list[str]]]] = defaultdict(list)
        for category, severity, group in SWAPS:
            for word in group.split():
                others = [w for w in group.split() if w != word]
                self.swaps[word.lower()].append((category, severity, others))
        for pair in OPPOSITES:
            a, b = pair.split("/")
            self.swaps[a].append(("accuracy/mistranslation", "critical", [b]))
            self.swaps[b].append(("accuracy/mistranslation", "critical", [a]))
        self.russian: dict[str, list[str]] = defaultdict(list)
        self.english: dict[str, list[str]] = defaultdict(list)
        for row in shelf.table("lexicon/muse_ru_en"):
            if is_word(row["en"]):
                self.russian[row["en"].lower()].append(row["ru"])
                self.english[row["ru"]].append(row["en"].lower())
        self.places = [row["en"].split() for row in shelf.table("lexicon/geo_names_ru_en")]
        self.places = [name for name in self.places if len(name) < 3 and is_word(name[0])]

    @staticmethod
    def name_runs(words: Sequence[str]) -> list[tuple[int, int]]:
        """Runs of capitalised words, not at the start of the sentence or after a quote."""
        runs, start = [], None
        for i, word in enumerate(words):
            big = is_word(word) and word[0].isupper() and word != "I"
            if big and start is None and i > 0 and (is_word(words[i - 1]) or words[i - 1] == ","):
                start = i
            elif not big and start is not None:
                runs.append((start, i))
                start = None
        if start is not None:
            runs.append((start, len(words)))
        return [(a, b) for a, b in runs if b - a <= 3]

    def pick(self, words: Sequence[str], wanted: Callable[[int, str], bool]) -> int | None:
        """A random place whose token is wanted."""
        places = [i for i, w in enumerate(words) if wanted(i, w)]
        return self.random.choice(places) if places else None

    def content(self, i: int, w: str) -> bool:
        """Whether this is a content word in lower case."""
        return is_word(w) and len(w) > 3 and w.islower() and w not in AUXILIARIES


def drop_phrase(words, garden):
    """Leave out a content word or a phrase of up to five words."""
    r = garden.random
    i = garden.pick(words, lambda i, w: is_word(w) and (len(w) > 3 or w[0].isupper()))
    if i is None:
        return None
    length = r.choice([1, 1, 1, 1, 2, 2, 3, 4, 5])
    j = i + 1
    while j < len(words) and j - i < length and is_word(words[j]):
        j += 1
    if j - i > len(words) // 2:
        return None
    function = garden.counts[words[i].lower()] > garden.counts["government"] * 8 and j == i + 1
    kind = "fluency/grammar" if function else "accuracy/omission"
    return Plant(i, j, [], kind, "minor" if function else "critical" if j - i < 4 else "major")


def drop_name(words, garden):
    """Leave out a name."""
    runs = garden.name_runs(words)
    if not runs:
        return None
    a, b = garden.random.choice(runs)
    return Plant(a, b, [], "accuracy/omission", "critical")


def drop_small(words, garden):
    """Leave out an article, a preposition, a conjunction or an auxiliary."""
    i = garden.pick(words, lambda i, w: i > 0 and w in SMALL)
    if i is None:
        return None
    hard = words[i] in AUXILIARIES
    return Plant(i, i + 1, [], "fluency/grammar", "critical" if hard else "minor")


def add_word(words, garden):
    """Add a word that may follow the one before, or one or two from anywhere."""
    r = garden.random
    i = garden.pick(words, lambda i, w: i > 0 and is_word(w))
    if i is None:
        return None
    follow = [w for w in garden.after.get(words[i - 1].lower(), ()) if len(w) > 3]
    if follow and r.random() < 0.7:
        new = [r.choice(follow)]
    else:
        new = [r.choice(garden.common) for _ in range(r.choice([1, 1, 2]))]
    if new[0] == words[i].lower():
        return None
    return Plant(i, i, new, "accuracy/addition", "critical")


def repeat(words, garden):
    """Say a word or a phrase twice."""
    r = garden.random
    length = r.choice([1, 1, 1, 2, 3])
    i = r.randrange(max(1, len(words) - length))
    piece = list(words[i : i + length])
    if not all(is_word(w) for w in piece):
        return None
    return Plant(i + length, i + length, piece * r.choice([1, 1, 1, 3]), "fluency/grammar", "minor")


def change_number(words, garden):
    """Change a figure or a number word."""
    r = garden.random
    i = garden.pick(words, lambda i, w: w[0].isdigit() or w.lower() in NUMBERS)
    if i is None:
        return None
    word = words[i]
    if word.lower() in NUMBERS:
        new = like(r.choice([w for w in NUMBERS if w != word.lower()]), word)
    else:
        digits = [k for k, c in enumerate(word) if c.isdigit()]
        style = r.random()
        if style < 0.5:
            k = r.choice(digits)
            new = word[:k] + r.choice([c for c in "123456789" if c != word[k]]) + word[k + 1 :]
        elif style < 0.65 and len(digits) > 1:
            k = digits[0]
            new = word[:k] + word[k + 1 :] if word[k + 1].isdigit() else word + "0"
        elif style < 0.8:
            new = word + "0" if word.isdigit() else word.replace(".", "").replace(",", "") + "0"
        else:
            new = str(r.randrange(2, 2030))
    if new == word:
        return None
    return Plant(i, i + 1, [new], "accuracy/number", "critical")


def change_name(words, garden):
    """Put another name in place of a name."""
    r = garden.random
    runs = garden.name_runs(words)
    if not runs or not garden.names:
        return None
    a, b = r.choice(runs)
    new = list(r.choice(garden.places if r.random() < 0.4 else garden.names))
    if new == list(words[a:b]):
        return None
    return Plant(a, b, new, "accuracy/entity", "critical")


def spell_name(words, garden):
    """Another spelling of a name: a vowel or an ending changed."""
    r = garden.random
    i = garden.pick(words, lambda i, w: i > 0 and is_word(w) and w[0].isupper() and len(w) > 4)
    if i is None:
        return None
    word = words[i]
    k = r.randrange(1, len(word))
    letter = "aeiou" if word[k] in "aeiou" else "bcdfgklmnprstvz"
    new = word[:k] + r.choice([c for c in letter if c != word[k]]) + word[k + 1 :]
    return Plant(i, i + 1, [new], "accuracy/entity", "major", 0.8)


def negate(words, garden):
    """Lose a negation, or put one in after an auxiliary."""
    r = garden.random
    i = garden.pick(words, lambda i, w: w in ("not", "never", "no") or w.endswith("n't"))
    if i is not None and r.random() < 0.6:
        if words[i].endswith("n't"):
            return Plant(i, i + 1, [words[i][:-3]], "accuracy/negation", "critical")
        return Plant(i, i + 1, [], "accuracy/negation", "critical")
    i = garden.pick(words, lambda i, w: w in AUXILIARIES)
    if i is not None:
        after = i + 1 < len(words) and words[i + 1] in ("not", "n't")
        return None if after else Plant(i + 1, i + 1, ["not"], "accuracy/negation", "critical")
    i = garden.pick(words, lambda i, w: i > 1 and w.endswith("ed") and len(w) > 4)
    if i is None:
        return None
    stem = words[i][:-1] if words[i][:-1] in garden.counts else words[i][:-2]
    return Plant(i, i + 1, ["did", "not", stem], "accuracy/negation", "critical")


def swap_meaning(words, garden):
    """Another member of a small set: month, unit, sex, direction, opposite."""
    i = garden.pick(words, lambda i, w: w.lower() in garden.swaps)
    if i is None:
        return None
    category, severity, others = garden.random.choice(garden.swaps[words[i].lower()])
    new = garden.random.choice(others)
    return Plant(i, i + 1, [new if new[0].isupper() else like(new, words[i])], category, severity)


def inflect(words, garden):
    """Another form of a verb or noun: tense, number, agreement."""
    r = garden.random

    def forms(w: str) -> list[str]:
        if w in GRAMMAR:
            return GRAMMAR[w].split()
        if not is_word(w) or len(w) < 4 or not w.islower():
            return []
        stems = {w}
        for ending in ("ing", "ed", "es", "s", "d", "ly", "er"):
            if w.endswith(ending) and len(w) - len(ending) > 2:
                stems |= {w[: -len(ending)], w[: -len(ending)] + "e"}
        made = {s + e for s in stems for e in ("", "s", "es", "ed", "d", "ing", "ly")}
        made |= {s[:-1] + e for s in stems if s.endswith("e") for e in ("ing", "ed")}
        return sorted(m for m in made if m != w and garden.counts[m] > 2)

    for i in r.sample(range(len(words)), min(6, len(words))):
        if made := forms(words[i]):
            new = r.choice(made)
            break
    else:
        return None
    if words[i] in ("was", "were", "is", "are", "be") and r.random() < 0.25:
        return Plant(i + 1, i + 1, ["being"], "fluency/grammar", "major", 0.8)
    return Plant(i, i + 1, [new], "fluency/grammar", "major" if words[i] in GRAMMAR else "minor")


def small_word(words, garden):
    """A wrong article, determiner or preposition, or one too many."""
    r = garden.random
    sets = (ARTICLES, DETERMINERS, tuple(PREPOSITIONS))
    i = garden.pick(words, lambda i, w: any(w in s for s in sets))
    if i is None:
        return None
    if r.random() < 0.2:
        place = garden.pick(words, lambda i, w: i > 0 and garden.content(i, w))
        if place is None or words[place - 1] in ARTICLES:
            return None
        extra = r.choice(["the", "the", "a", *PREPOSITIONS[:6]])
        return Plant(place, place, [extra], "fluency/grammar", "minor", 0.8)
    group = next(s for s in sets if words[i] in s)
    new = r.choice([w for w in group if w != words[i]])
    sure = 0.7 if group is ARTICLES else 1.0
    return Plant(i, i + 1, [new], "fluency/grammar", "minor", sure)


def wrong_sense(words, garden):
    """Another English word for the same Russian word."""
    r = garden.random
    i = garden.pick(words, lambda i, w: garden.content(i, w) and w in garden.russian)
    if i is None:
        return None
    others = {e for ru in garden.russian[words[i]] for e in garden.english[ru]}
    others = [e for e in sorted(others) if e != words[i] and e[:4] != words[i][:4]]
    if not others:
        return None
    return Plant(i, i + 1, [r.choice(others)], "accuracy/mistranslation", "major", 0.6)


def wrong_word(words, garden):
    """A word that often follows the word before, or any word, in place of a content word."""
    r = garden.random
    i = garden.pick(words, lambda i, w: i > 0 and garden.content(i, w))
    if i is None:
        return None
    follow = [w for w in garden.after.get(words[i - 1].lower(), ()) if len(w) > 3 and w != words[i]]
    pool = follow if follow and r.random() < 0.6 else garden.ending[words[i][-2:]]
    pool = [w for w in pool if w != words[i]] or garden.common
    return Plant(i, i + 1, [r.choice(pool)], "accuracy/mistranslation", "major")


def leave_russian(words, garden):
    """A Russian word left over, or spelled out in Latin letters."""
    r = garden.random
    i = garden.pick(words, lambda i, w: w.lower() in garden.russian and len(w) > 3)
    if i is None:
        return None
    new = like(r.choice(garden.russian[words[i].lower()]), words[i])
    if r.random() < 0.3:
        new = like("".join(LATIN.get(c, c) for c in new.lower()), words[i])
    return Plant(i, i + 1, [new], "accuracy/untranslated", "critical")


def move(words, garden):
    """Swap neighbours, or move a word by two to five places."""
    r = garden.random
    if len(words) < 5:
        return None
    i = r.randrange(len(words) - 3)
    j = i + r.choice([2, 2, 2, 3, 4])
    piece = list(words[i:j])
    if len(piece) < 2 or not all(is_word(w) for w in piece):
        return None
    new = piece[1:] + piece[:1] if r.random() < 0.5 else piece[-1:] + piece[:-1]
    return Plant(i, j, new, "fluency/word-order", "minor" if j - i == 2 else "major", 0.8)


def shuffle(words, garden):
    """Most of the sentence in random order."""
    if garden.random.random() > 0.25 or len(words) < 6:
        return None
    body = list(words[:-1])
    garden.random.shuffle(body)
    return Plant(0, len(words) - 1, body, "fluency/word-order", "critical", 0.8)


def misspell(words, garden):
    """A letter dropped, doubled, or two swapped, so that it is no word."""
    r = garden.random
    i = garden.pick(words, lambda i, w: is_word(w) and len(w) > 3)
    if i is None:
        return None
    w = words[i]
    k = r.randrange(1, len(w) - 1)
    new = r.choice([w[:k] + w[k + 1 :], w[:k] + w[k] + w[k:], w[:k] + w[k + 1] + w[k] + w[k + 2 :]])
    if new == w or garden.counts[new.lower()]:
        return None
    return Plant(i, i + 1, [new], "fluency/spelling", "minor")


def punctuate(words, garden):
    """A comma too many or too few, a quote without its partner, a wrong end."""
    r = garden.random
    kind = r.random()
    if kind < 0.3:
        i = garden.pick(words, lambda i, w: i > 0 and is_word(w) and is_word(words[i - 1]))
        sign = r.choice([",", ",", ",", ";", ":", ".", '"', "("])
        return None if i is None else Plant(i, i, [sign], "fluency/punctuation", "minor")
    if kind < 0.45 and words[-1] in ".!?":
        end = len(words)
        return Plant(end - 1, end, [], "fluency/punctuation", "minor", 0.8)
    if kind < 0.55 and words[-1] in ".!?":
        end = len(words)
        new = [r.choice([s for s in ("?", "!", ",", "..", ". .") if s != words[-1]])]
        return Plant(end - 1, end, new, "fluency/punctuation", "minor")
    i = garden.pick(words, lambda i, w: w in '",()' and 0 < i < len(words) - 1)
    if i is None:
        return None
    if r.random() < 0.6:
        return Plant(i, i + 1, [], "fluency/punctuation", "minor", 0.5 if words[i] == "," else 1.0)
    return Plant(i, i + 1, [words[i], words[i]], "fluency/punctuation", "minor")


def change_case(words, garden):
    """A name in small letters, or a common word with a capital."""
    r = garden.random
    if r.random() < 0.08:
        return Plant(0, len(words), [w.lower() for w in words], "fluency/typography", "minor", 0.4)
    big = r.random() < 0.7
    i = garden.pick(words, lambda i, w: is_word(w) and len(w) > 1 and w[0].isupper() == big)
    if i is None:
        return None
    new = words[i].lower() if big else words[i].upper() if r.random() < 0.3 else words[i].title()
    if new == words[i]:
        return None
    return Plant(i, i + 1, [new], "fluency/typography", "minor")


PLANTERS = [
    (drop_phrase, 5),
    (drop_name, 1.5),
    (drop_small, 2),
    (add_word, 3),
    (repeat, 1.2),
    (change_number, 4),
    (change_name, 4),
    (spell_name, 1),
    (negate, 3),
    (swap_meaning, 5),
    (inflect, 4),
    (small_word, 3),
    (wrong_sense, 3),
    (wrong_word, 4),
    (leave_russian, 1.5),
    (move, 2),
    (shuffle, 1),
    (misspell, 1.5),
    (punctuate, 2.5),
    (change_case, 1.5),
]


def plant(
    source: Sequence[str], words: Sequence[str], garden: Garden, clean: float = 0.3
) -> Example:
    """One example: ``words`` with one to three errors, or none with probability ``clean``."""
    r = garden.random
    plants: list[Plant] = []
    if r.random() >= clean:
        wanted = r.choice([1, 1, 2, 2, 3] if len(words) > 8 else [1, 1, 2])
        planters, weights = zip(*PLANTERS, strict=True)
        for _ in range(wanted * 4):
            made = r.choices(planters, weights)[0](words, garden)
            if made is None or any(
                made.start <= p.end + 1 and p.start <= made.end + 1 for p in plants
            ):
                continue
            plants.append(made)
            if len(plants) == wanted:
                break
    plants.sort()
    mt: list[str] = []
    labels: list[float] = []
    kinds: list[int] = []
    grades: list[int] = []
    gaps = [0.0]
    gap_kinds = [-1]
    place = 0

    def keep(until: int) -> None:
        for word in words[place:until]:
            mt.append(word)
            labels.append(0.0)
            kinds.append(-1)
            grades.append(-1)
            gaps.append(0.0)
            gap_kinds.append(-1)

    for p in plants:
        keep(p.start)
        for word in p.new:
            mt.append(word)
            old = words[p.start : p.end]
            same = p.category == "fluency/typography" and word in old
            labels.append(0.0 if same else p.sure)
            kinds.append(NAMES[p.category])
            grades.append(SEVERITIES.index(p.severity))
            gaps.append(0.0)
            gap_kinds.append(-1)
        if not p.new:
            gaps[-1], gap_kinds[-1] = p.sure, NAMES[p.category]
        place = p.end
    keep(len(words))
    return Example(source, mt, labels, gaps, kinds, gap_kinds, grades)


def clean_pairs(shelf: Shelf) -> list[tuple[list[str], list[str]]]:
    """Human translations of news, and of other texts, that may be trained on."""
    names = [f"wmt_pairs/newstest{year}_ruen" for year in range(2012, 2021)]
    names += ["wmt_pairs/newstest2019_enru", "wmt_pairs/newstest2020_enru"]
    names += ["wmt_pairs/ntrex128_enru", "pairs/ud_pud", "pairs/xquad", "pairs/tico19_test"]
    names += ["pairs/mt_geneval_wiki_bios_enru"]
    found = []
    for name in names:
        for row in shelf.table(name):
            if shelf.allows(row["src_ru"], row["tgt_en"]):
                pair = cut(row["src_ru"]), cut(row["tgt_en"])
                if 3 <= len(pair[1]) <= 70 and 3 <= len(pair[0]) <= 70:
                    found.append(pair)
    return found


def _garden(shelf: Shelf, more: Sequence[Sequence[str]] = ()) -> Garden:
    rows = shelf.table("english/sentences/kremlin")[::10]
    rows += (
        shelf.table("english/sentences/wikinews") + shelf.table("english/sentences/onestop")[::2]
    )
    return Garden(shelf, [*(cut(row["sentence"]) for row in rows), *more])


def planted_pairs(shelf: Shelf) -> Iterator[Example]:
    """Clean pairs with planted errors, two versions of each."""
    pairs = clean_pairs(shelf)
    garden = _garden(shelf, [en for _, en in pairs])
    for _ in range(2):
        garden.random.shuffle(pairs)
        for source, words in pairs:
            yield plant(source, words, garden)


def planted_english(shelf: Shelf) -> Iterator[Example]:
    """Clean English without a source: half of the sentences stay as they are."""
    garden = _garden(shelf)
    r = garden.random
    sizes = {"kremlin": 25_000, "wikinews": 8_000, "onestop": 14_000, "wh_written": 6_000}
    rows = []
    for name, size in sizes.items():
        found = shelf.table(f"english/sentences/{name}")
        rows += r.sample(found, min(size, len(found)))
    r.shuffle(rows)
    for row in rows:
        words = cut(row["sentence"])
        if 3 <= len(words) <= 60 and shelf.allows(row["sentence"]):
            yield plant([], words, garden, clean=0.5)


def wrong_senses(shelf: Shelf) -> Iterator[Example]:
    """MuCoW: the right sentence, and the same with a wrong sense of one word."""
    for row in shelf.table("pairs/mucow_scoring_ruen"):
        if not shelf.allows(row["src_ru"], row["tgt_en"]):
            continue
        source, right, wrong = cut(row["src_ru"]), cut(row["tgt_en"]), cut(row["contrastive_en"])
        if len(right) > 60 or len(right) != len(wrong):
            continue
        bad = [float(a != b) for a, b in zip(right, wrong, strict=True)]
        gaps = [0.0] * (len(right) + 1)
        kinds = [NAMES["accuracy/mistranslation"] if b else -1 for b in bad]
        yield Example(source, wrong, bad, gaps, kinds, None, [1 if b else -1 for b in bad])
        yield Example(source, right, [0.0] * len(right), gaps)
