"""How usual a run of English words is: n-gram counts of good English, and the model they make.

The shipped counts (one to three words) are those of the texts named in ``models/ngrams/README.md``.
Words are lower-cased, digits are all ``0``, and clitics stand alone (``don 't``, ``Putin 's``), so
that running text and the tokenised text of the published corpora read alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

import numpy as np
from rapidfuzz.distance import OSA, Prefix

from . import align
from .core import RepairError

FILE = "counts.npz"
START, END, UNKNOWN = 0, 1, 2  # ids of the edges of a sentence and of words that are not counted
RESERVED = ("<s>", "</s>", "<unk>")
BITS = 18  # of a word id in the key of an n-gram, so that three of them fit into 64 bits
RATIO = 1.12  # counts are kept as powers of this: exact below 9, within 6 % above
DISCOUNT = 0.75  # what absolute discounting takes from each count seen (Ney et al. 1994)
# Words that say how the others hang together. A change within them is one of grammar.
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\S+",
        """a an the this that these those of in on at to for from by with about into onto over
        under after before during within through between among against toward towards upon since
        until as than and or but nor so yet if when while where whether because although though
        who whom whose which what how why there here i you he she it we they me him her us them
        my your his its our their mine yours hers ours theirs myself yourself himself herself
        itself ourselves themselves is are was were be been being am has have had having do does
        did will would shall should can could may might must 's ’s also some any such one out up
        down off""",
    )
)
_CLITIC = re.compile(r"(?<=\w)['’](?:s|t|re|ve|ll|d|m)$", re.IGNORECASE)
_PLAIN = str.maketrans("‘’“”„«»", '\'\'"""""')


def words(text: str) -> list[tuple[str, int, int]]:
    """The words and signs of a text as the counts know them, with their offsets."""
    found = []
    for start, end in align.tokens(text):
        clitic = _CLITIC.search(text, start, end)
        if clitic and clitic.start() > start:
            found += [(start, clitic.start()), (clitic.start(), end)]
        elif found and text[start - 1] in "'’" and found[-1] == (start - 1, start):
            # “don 't”: the sign and what stands right behind it are one clitic.
            whole = _CLITIC.search("x" + text[start - 1 : end])
            found[-1:] = [(start - 1, end)] if whole else [found[-1], (start, end)]
        else:
            found.append((start, end))
    return [(normal(text[start:end]), start, end) for start, end in found]


def normal(word: str) -> str:
    """A word as it is counted."""
    return re.sub(r"\d", "0", word.lower().translate(_PLAIN))


class Counts:
    """Counts of one, two and three words in a row, and an interpolated trigram model over them.

    A probability is that of absolute discounting: what is taken from the counts seen goes to the
    model of one word less, and at the bottom to the word frequencies of `wordfreq`. All methods
    take arrays of ids (see `ids`) and work on whole arrays; logarithms are natural.
    """

    def __init__(self, path: str | Path | None = None):
        path = Path(path) if path else Path(str(resources.files("repair.models") / "ngrams" / FILE))
        try:
            with np.load(path) as arrays:
                vocabulary = arrays["vocabulary"].tobytes().decode("utf-8").split("\n")
                single = _LEVELS[arrays["single"]]
                self._keys = {2: _joined(arrays, "double"), 3: _joined(arrays, "triple")}
                self._codes = {2: arrays["double"], 3: arrays["triple"]}
        except (OSError, EOFError, KeyError, ValueError) as error:
            raise RepairError(
                f"The n-gram counts cannot be read: {error}",
                path=path,
                mend="Install mt-repair again, or build them with models/ngrams/build.py.",
            ) from None
        self._vocabulary = vocabulary
        self._ids = {word: index for index, word in enumerate(vocabulary)}
        self._single = single
        self._total = float(single.sum())
        # The mass that discounting leaves for the shorter model, for each context that was seen.
        self._left = {n: self._leftover(n) for n in (2, 3)}
        self._base = self._base_of(vocabulary)

    def __len__(self) -> int:
        return len(self._single)

    def _base_of(self, vocabulary: Sequence[str]) -> np.ndarray:
        """The probability of a word on its own, from our counts and the larger ones of wordfreq."""
        frequency = _frequencies()
        general = np.array([frequency.get(word, 0.0) for word in vocabulary])
        own = np.maximum(self._single, 0.1) / self._total
        return np.log(0.7 * own + 0.3 * general + 1e-9)

    def _leftover(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        contexts = self._keys[n] >> np.uint64(BITS)
        taken = np.maximum(_LEVELS[self._codes[n]] - DISCOUNT, 0)
        starts = np.flatnonzero(np.diff(contexts, prepend=contexts[:1] + np.uint64(1)))
        sums = np.add.reduceat(taken, starts) if len(starts) else np.zeros(0)
        totals = self._context_counts(n, contexts[starts])
        # Rare n-grams are not kept, so that what is left over is more than the discount alone.
        return contexts[starts], np.clip(1 - sums / totals, 0.02, 1)

    def _context_counts(self, n: int, contexts: np.ndarray) -> np.ndarray:
        if n == 2:
            return np.maximum(self._single[contexts.astype(np.int64)], 1.0)
        found = np.where(contexts == 0, self._single[START], self._find(2, contexts))
        return np.maximum(found, 1.0)

    def _find(self, n: int, keys: np.ndarray) -> np.ndarray:
        """The counts of packed n-grams; 0 for those not kept."""
        table = self._keys[n]
        if keys.ndim == 1 and len(keys) > 200:  # in order, they are found several times faster
            order = np.argsort(keys)
            places = np.empty(len(keys), np.int64)
            places[order] = np.searchsorted(table, keys[order])
        else:
            places = np.searchsorted(table, keys)
        places = np.minimum(places, len(table) - 1)
        return np.where(table[places] == keys, _LEVELS[self._codes[n][places]], 0.0)

    def ids(self, sentence: Sequence[str]) -> np.ndarray:
        """The ids of normal words (see `words`); a word that is not counted is `UNKNOWN`."""
        known = self._ids
        return np.array([known.get(word, UNKNOWN) for word in sentence], np.int64)

    def known(self, word: str) -> bool:
        """Whether a normal word is among those counted."""
        return word in self._ids

    def count(self, *run: np.ndarray) -> np.ndarray:
        """How often one, two or three words stand in a row, about; rare runs count as 0."""
        if len(run) == 1:
            return self._single[np.asarray(run[0])]
        return self._find(len(run), _pack(run))

    def between(self, left: int, right: int, most: int = 20) -> list[tuple[tuple[int, ...], float]]:
        """The one or two words that most often stand between two others, with their counts.

        The count of two words ``a b`` is the smaller one of ``left a b`` and ``a b right``.
        """
        table = self._keys[3]
        low = np.searchsorted(table, np.uint64(left << 2 * BITS))
        high = np.searchsorted(table, np.uint64((left + 1) << 2 * BITS))
        counts = _LEVELS[self._codes[3][low:high]]
        mask = np.uint64((1 << BITS) - 1)
        first, second = (table[low:high] >> np.uint64(BITS)) & mask, table[low:high] & mask
        one = np.flatnonzero(second == right)
        found = [((int(first[i]),), float(counts[i])) for i in one]
        usual = np.argsort(-counts, kind="stable")[:500]
        last = np.full(len(usual), right, np.uint64)
        after = self._find(3, _pack((first[usual], second[usual], last)))
        joint = np.minimum(after, counts[usual])
        for i in np.flatnonzero(joint > 0):
            found.append(((int(first[usual[i]]), int(second[usual[i]])), float(joint[i])))
        kept = [(words, n) for words, n in found if END not in words and START not in words]
        singles = sorted((x for x in kept if len(x[0]) == 1), key=lambda x: (-x[1], x[0]))[:most]
        return (
            singles
            + sorted((x for x in kept if len(x[0]) == 2), key=lambda x: (-x[1], x[0]))[:most]
        )

    def likely(self, before: int, left: int, right: int, after: int, most: int = 20) -> list[int]:
        """The single words that fit best between two words on the left and two on the right."""
        table = self._keys[2]
        low = np.searchsorted(table, np.uint64(left << BITS))
        high = np.searchsorted(table, np.uint64((left + 1) << BITS))
        usual = np.argsort(-self._codes[2][low:high].astype(np.int64), kind="stable")[:300]
        words = (table[low:high][usual] & np.uint64((1 << BITS) - 1)).astype(np.int64)
        words = words[words > UNKNOWN]
        rows = [np.full(len(words), n, np.int64) for n in (before, left, right, after)]
        score = self.logprob(rows[0], rows[1], words) + self.logprob(rows[1], words, rows[2])
        if right != END:
            score += self.logprob(words, rows[2], rows[3])
        return words[np.argsort(-score, kind="stable")[:most]].tolist()

    def word(self, index: int) -> str:
        """The word of an id."""
        return self._vocabulary[index]

    def forms(self, word: str) -> tuple[str, ...]:
        """Counted words that look like other forms of a word: study, studies, studied."""
        if len(word) < 4:
            return ()
        if word not in self._forms:
            self._forms[word] = tuple(
                other
                for other in self._stems.get(word[:3], ())
                if other != word and related(word, other)
            )
        return self._forms[word]

    @cached_property
    def _forms(self) -> dict[str, tuple[str, ...]]:
        return {}

    def alike(self, word: str, most: int = 6) -> tuple[str, ...]:
        """Counted words that are spelled much like one that is not: speling, spelling."""
        limit = 1 if len(word) < 6 else 2
        near = []
        for size in range(len(word) - limit, len(word) + limit + 1):
            for other in self._sizes.get((word[0], size), ()):
                distance = OSA.distance(word, other, score_cutoff=limit)
                if distance <= limit:
                    near.append((distance, -self._single[self._ids[other]], other))
        return tuple(other for _, _, other in sorted(near)[:most])

    @cached_property
    def _sizes(self) -> dict[tuple[str, int], list[str]]:
        sizes: dict[tuple[str, int], list[str]] = {}
        for index, word in enumerate(self._vocabulary):
            if word.isalpha() and self._single[index] > 3:
                sizes.setdefault((word[0], len(word)), []).append(word)
        return sizes

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for index, word in enumerate(self._vocabulary):
            if len(word) > 3 and word.isalpha() and self._single[index] > 2:
                stems.setdefault(word[:3], []).append(word)
        return stems

    def logprob(self, before: np.ndarray, last: np.ndarray, word: np.ndarray) -> np.ndarray:
        """Log-probability of each ``word`` after the two words ``before`` and ``last``."""
        before, last, word = (np.asarray(a, np.int64) for a in (before, last, word))
        p = np.exp(self._base[word])
        for n, run in ((2, (last, word)), (3, (before, last, word))):
            contexts = _pack(run[:-1])
            totals = self._context_counts(n, contexts)
            seen = np.maximum(self._find(n, _pack(run)) - DISCOUNT, 0) / totals
            p = seen + self._mass(n, contexts) * p
        return np.log(np.minimum(p, 1.0))

    def _mass(self, n: int, contexts: np.ndarray) -> np.ndarray:
        keys, masses = self._left[n]
        places = np.minimum(np.searchsorted(keys, contexts), len(keys) - 1)
        return np.where(keys[places] == contexts, masses[places], 1.0)

    def score(self, sentence: Sequence[str]) -> np.ndarray:
        """The log-probability of each word of a sentence and of its end: (words + 1,)."""
        run = np.concatenate([[START, START], self.ids(sentence), [END]])
        return self.logprob(run[:-2], run[1:-1], run[2:])

    def change(
        self, sentence: Sequence[str], edits: Sequence[tuple[int, int, Sequence[str]]]
    ) -> np.ndarray:
        """What each edit ``(start, end, new words)`` alone does to the sentence's log-probability.

        ``sentence[start:end]`` is replaced. Only the words whose context changes are looked at.
        """
        run = np.concatenate([[START, START], self.ids(sentence), [END]])
        out = np.zeros(len(edits))
        groups: dict[tuple[int, int, int], list[int]] = {}
        for index, (start, end, new) in enumerate(edits):
            groups.setdefault((start, end, len(new)), []).append(index)
        before: dict[tuple[int, int], float] = {}
        for (start, end, size), members in groups.items():
            head, tail = run[start : start + 2], run[end + 2 : end + 4]
            if (start, end) not in before:
                old = np.concatenate([head, run[start + 2 : end + 2], tail])
                before[start, end] = float(self.logprob(old[:-2], old[1:-1], old[2:]).sum())
            middle = self.ids([word for k in members for word in edits[k][2]])
            count = len(members)
            rows = np.concatenate(
                [
                    np.broadcast_to(head, (count, 2)),
                    middle.reshape(count, size),
                    np.broadcast_to(tail, (count, len(tail))),
                ],
                axis=1,
            )
            new_scores = self.logprob(rows[:, :-2], rows[:, 1:-1], rows[:, 2:]).sum(axis=1)
            out[members] = new_scores - before[start, end]
        return out


_ENDING = re.compile(
    r"(?:[bdglmnprt]?(?:ed|er|ers|est|ing)|e?[sd]|e|ly|y|ies|ied|ier|en|n|ion|ions|al|ment|ments)?"
)


def related(one: str, other: str) -> bool:
    """Whether two words look like forms of one: study, studied."""
    same = Prefix.similarity(one, other)
    if same < max(3, min(len(one), len(other)) - 3):
        return False
    return all(_ENDING.fullmatch(rest) for rest in (one[same:], other[same:]))


@cache
def shipped() -> Counts:
    """The counts that ship with the package, loaded once."""
    return Counts()


@cache
def _frequencies() -> dict[str, float]:
    import wordfreq

    return wordfreq.get_frequency_dict("en", wordlist="large")


def _pack(run: Sequence[np.ndarray]) -> np.ndarray:
    key = np.zeros(np.shape(run[0]), np.uint64)
    for ids in run:
        key = (key << np.uint64(BITS)) | np.asarray(ids).astype(np.uint64)
    return key


def _levels() -> np.ndarray:
    """The 256 counts that a code can stand for, rising."""
    out = [0.0]
    while len(out) < 256:
        out.append(max(out[-1] + 1, round(out[-1] * RATIO)))
    return np.array(out)


_LEVELS = _levels()


def _joined(arrays, name: str) -> np.ndarray:
    """The sorted keys from their differences, which are kept byte by byte."""
    planes = arrays[name + "_keys"]
    gaps = np.zeros(planes.shape[1], np.uint64)
    for plane in planes:
        gaps = (gaps << np.uint64(8)) | plane
    return np.cumsum(gaps, dtype=np.uint64)


def save(path: str | Path, vocabulary: Sequence[str], tables: Sequence[dict]) -> None:
    """Write counts for `Counts`: words by id, and for one to three words ``{ids: count}`` arrays.

    ``tables[0]`` is an array of counts by id; ``tables[1]`` and ``tables[2]`` are pairs of packed,
    sorted keys and counts.
    """
    arrays = {"vocabulary": np.frombuffer("\n".join(vocabulary).encode("utf-8"), np.uint8)}
    arrays["single"] = _codes(tables[0])
    for name, (keys, counts) in zip(("double", "triple"), tables[1:], strict=True):
        gaps = np.diff(keys, prepend=np.uint64(0))
        planes = [(gaps >> np.uint64(shift)).astype(np.uint8) for shift in range(56, -8, -8)]
        arrays[name + "_keys"] = np.stack(planes)
        arrays[name] = _codes(counts)
    np.savez_compressed(path, **arrays)


def _codes(counts: np.ndarray) -> np.ndarray:
    middles = (_LEVELS[1:] + _LEVELS[:-1]) / 2
    return np.searchsorted(middles, counts, side="right").astype(np.uint8)
