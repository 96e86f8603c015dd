"""Many small wrongs in one clean sentence: words replaced by what could as well stand there.

Replaced words teach an encoder more from every sentence than words left out do (Clark et al. 2020);
here the replacements come from English counts, the other renderings of the Russian word, and other
forms of the word itself, so that only the source, or the sense, can tell them from the original.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
from examples import NAMES, SEVERITIES, Example, Shelf
from plant import clean_pairs, is_word, like

from repair import memory, ngrams
from repair.ngrams import FUNCTION_WORDS

SHARE = 0.13  # of the words that are touched
CLEAN = 0.1  # of the sentences are left as they are
KINDS = {"fluent": 4, "rendering": 3, "form": 2, "drop": 2, "add": 1.2, "move": 0.8}
RIGHT_TOO, OTHER_RENDERING = 0.5, 0.7  # labels of replacements that may be right as well


class Replacer:
    """Draws replacements for the words of one sentence after another."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.counts, self.memory = ngrams.shipped(), memory.shipped()

    def example(self, source: Sequence[str], words: Sequence[str]) -> Example:
        """The sentence with about `SHARE` of its words replaced, dropped, added or moved."""
        r = self.random
        normal = [ngrams.normal(word) for word in words]
        run = np.concatenate([[0, 0], self.counts.ids(normal), [1, 1]]).tolist()
        rendered = {}
        for word in memory.russian_words(" ".join(source)):
            for english, share in self.memory.words(word.lemma).items():
                rendered[english] = max(share, rendered.get(english, 0.0))
        wanted = (
            0 if r.random() < CLEAN else max(1, round(len(words) * SHARE * r.uniform(0.4, 1.6)))
        )
        chosen = set(r.sample(range(len(words)), min(wanted, len(words))))
        mt: list[str] = []
        labels: list[float] = []
        kinds: list[int] = []
        gaps, gap_kinds = [0.0], [-1]

        def put(word: str, label: float, category: str | None) -> None:
            mt.append(word)
            labels.append(label)
            kinds.append(-1 if category is None else NAMES[category])
            gaps.append(0.0)
            gap_kinds.append(-1)

        index = 0
        while index < len(words):
            word, plain = words[index], normal[index]
            kind = r.choices(list(KINDS), list(KINDS.values()))[0] if index in chosen else None
            function = plain in FUNCTION_WORDS
            new = None
            if kind == "drop" and is_word(word):
                name = "fluency/grammar" if function else "accuracy/omission"
                gaps[-1], gap_kinds[-1] = 1.0, NAMES[name]
                index += 1
                continue
            if kind == "move" and index + 1 < len(words) and is_word(words[index + 1]):
                put(words[index + 1], 0.8, "fluency/word-order")
                put(word, 0.8, "fluency/word-order")
                index += 2
                continue
            if kind == "add":
                extra = self.fluent(run[index : index + 2], run[index + 2 : index + 4])
                if extra and extra != plain and extra not in normal[max(0, index - 1) : index]:
                    name = "fluency/grammar" if extra in FUNCTION_WORDS else "accuracy/addition"
                    put(extra, 0.8, name)
            elif kind == "fluent" and is_word(word):
                new = self.fluent(run[index : index + 2], run[index + 3 : index + 5])
            elif kind == "rendering" and is_word(word):
                others = self.memory.synonyms(plain)
                new = r.choice(others) if others else None
            elif kind == "form" and is_word(word):
                forms = self.counts.forms(plain)
                new = r.choice(forms) if forms else None
            if new and new != plain and is_word(new):
                name = "accuracy/mistranslation"
                if kind == "form" or (function and new in FUNCTION_WORDS):
                    name = "fluency/grammar"
                # The counts and the lexicon know nothing of words that mean the same.
                label = OTHER_RENDERING if kind == "rendering" else 1.0
                if kind != "form" and rendered.get(new, 0.0) >= 0.1:
                    label = RIGHT_TOO
                put(like(new, word), label, name)
            else:
                put(word, 0.0, None)
            index += 1
        severity = [
            -1 if kind < 0 else SEVERITIES.index("minor" if kind == NAMES["fluency/grammar"] else "major")
            for kind in kinds
        ]  # fmt: skip
        return Example(source, mt, labels, gaps, kinds, gap_kinds, severity)

    def fluent(self, before: Sequence[int], after: Sequence[int]) -> str | None:
        """A word that English likes between two words on the left and two on the right."""
        if ngrams.UNKNOWN in (before[1], after[0]):
            return None
        found = self.counts.likely(before[0], before[1], after[0], after[1], 12)
        return self.counts.word(self.random.choice(found)) if found else None


def replaced_pairs(shelf: Shelf) -> Iterator[Example]:
    """Clean pairs with words replaced, in random order, over and over with other words."""
    replacer = Replacer(shelf.seed)
    pairs = clean_pairs(shelf)
    for _ in range(2):
        replacer.random.shuffle(pairs)
        for source, words in pairs:
            yield replacer.example(source, words)
