"""Did the training see the test? Exact and near duplicates between lists of texts.

A text is compared by its letters and digits in lower case. Near duplicates are found by an index
of word triples and then measured, so a million texts take a minute. Both languages count: a model
that saw a reference knows the answer as well as one that saw the source.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Indel

from ..core import RepairError

NEAR = 0.85  # share of characters in common, of what both have together
SHORTEST = 25  # letters and digits: a shorter text recurs by chance
COMMON = 40  # a triple that so many protected texts have tells nothing
# Columns of tables that hold running text.
_COLUMNS = ("src_ru", "src_ru_B", "tgt_en", "tgt_en_B", "mt", "pe", "src", "sentence", "original",
            "corrected", "perturbed", "mt_ru", "contrastive_en")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a list, with its place there."""

    list: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A protected text that a training text repeats; ``similarity`` is 1 for an exact one."""

    trained: Text
    protected: Text
    similarity: float

    @property
    def exact(self) -> bool:
        return self.similarity == 1.0


def fold(text: str) -> str:
    """What two texts must share to count as the same: letters and digits, ё as е."""
    return re.sub(r"[\W_]+", "", text.lower().replace("ё", "е"))


class Index:
    """The protected texts, ready to be asked for duplicates."""

    def __init__(self, protected: Iterable[Text]):
        self._texts: list[Text] = []
        self._folded: list[str] = []
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._triples: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for text in protected:
            folded = fold(text.text)
            if len(folded) < SHORTEST:
                continue
            number = len(self._texts)
            self._texts.append(text)
            self._folded.append(folded)
            self._exact[folded].append(number)
            for triple in set(_triples(text.text)):
                self._triples[triple].append(number)
        self._triples = {k: v for k, v in self._triples.items() if len(v) <= COMMON}

    def __len__(self) -> int:
        return len(self._texts)

    def leaks(self, trained: Iterable[Text], *, near: float = NEAR) -> Iterator[Leak]:
        """Every protected text that a training text repeats, exactly or nearly."""
        for text in trained:
            folded = fold(text.text)
            if len(folded) < SHORTEST:
                continue
            same = self._exact.get(folded, ())
            for number in same:
                yield Leak(text, self._texts[number], 1.0)
            hits: Counter[int] = Counter()
            triples = _triples(text.text)
            for triple in triples:
                hits.update(self._triples.get(triple, ()))
            for number, count in hits.items():
                if number in same or count < max(1, len(triples) // 5):
                    continue
                similarity = Indel.normalized_similarity(
                    folded, self._folded[number], score_cutoff=near
                )
                if similarity >= near:
                    # Rounded down, so that only the same letters give 1.
                    yield Leak(text, self._texts[number], min(similarity, 0.9999))


def _triples(text: str) -> list[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower().replace("ё", "е"))
    return list(zip(words, words[1:], words[2:], strict=False))


# ---- lists by name


def read_texts(name: str, folder: str | Path | None = None) -> Iterator[Text]:
    """All texts of a set of the manifest, or of a table below the corpora folder.

    A table is named by its path without suffix, such as ``pairs/ud_pud``; of its columns those
    that hold text are read.
    """
    from ..corpora import corpora_folder, load, manifest
    from ..corpora.shelf import Files

    root = corpora_folder(folder)
    tables = [path for path in (root / f"{name}.tsv", root / f"{name}.tsv.xz") if path.exists()]
    if tables:
        files = Files(tables[0], name=name)
        met: set[str] = set()
        for number, row in enumerate(files.table(str(tables[0])), 1):
            for column in _COLUMNS:
                # A source stands beside each of its translations; once is enough.
                if row.get(column) and row[column] not in met:
                    met.add(row[column])
                    yield Text(name, f"{row.get('id', number)}.{column}", row[column])
        return
    if name.partition("/")[0] not in manifest():
        raise RepairError(
            f"There is no list {name!r} in {root}.",
            mend="Name a set of 'mt-repair corpora', or a table below the corpora folder.",
        )
    corpus = load(name, folder)
    seen = set()
    for segment in corpus.segments:
        texts = (segment.source, segment.mt, segment.post_edit, *segment.references)
        for kind, text in zip(("source", "mt", "post_edit"), texts, strict=False):
            if text and text not in seen:
                seen.add(text)
                yield Text(name, f"{segment.id}.{kind}", text)
        for reference in segment.references:
            if reference not in seen:
                seen.add(reference)
                yield Text(name, f"{segment.id}.reference", reference)


def protected_names() -> list[str]:
    """The development and test sets whose texts no training may see."""
    return ["mlqe-pe/dev", "mlqe-pe/test20", "mlqe-pe/test21", "newstest2021", "generaltest2022",
            "demetr/even", "afrl/dev", "biomqm/dev"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declared:
    """What a model folder says that it was trained on.

    ``drops`` is what its training leaves out by itself: ``exact`` for rows with a text that is
    the same as one of a development or test set.
    """

    folder: Path
    lists: tuple[str, ...]
    drops: str = ""


def read_declared(folder: str | Path) -> Declared:
    """What the ``[trains_on]`` table of a model folder's ``recipe.toml`` says.

    Each key is a part of the training data, with the names of its lists as `read_texts` takes
    them; ``drops = "exact"`` says what training leaves out.
    """
    path = Path(folder) / "recipe.toml"
    try:
        recipe = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise RepairError("The model folder has no recipe.", path=path) from error
    except tomllib.TOMLDecodeError as error:
        raise RepairError(f"This is no TOML ({error}).", path=path) from error
    data = recipe.get("trains_on", {})
    lists = [name for part in data.values() if isinstance(part, list) for name in part]
    if not lists:
        raise RepairError(
            "The recipe does not say what the model was trained on.",
            path=path,
            mend='Add a table [trains_on] with lines such as posts = ["mlqe-pe/train"].',
        )
    return Declared(Path(folder), tuple(dict.fromkeys(lists)), str(data.get("drops", "")))


@dataclass(frozen=True)
class LeakReport:
    """What was compared, and what was found in common."""

    trained: dict[str, int]
    protected: dict[str, int]
    leaks: tuple[Leak, ...]

    def table(self) -> list[list[str]]:
        """Counts of protected segments by pair of lists."""
        pairs: dict[tuple[str, str], list[set]] = defaultdict(lambda: [set(), set()])
        for leak in self.leaks:
            segment = leak.protected.id.rsplit(".", 1)[0]
            pairs[leak.trained.list, leak.protected.list][not leak.exact].add(segment)
        return [
            ["trained on", "protected", "exact", "near"],
            *(
                [trained, protected, str(len(exact)), str(len(near - exact))]
                for (trained, protected), (exact, near) in sorted(pairs.items())
            ),
        ]


def find_leaks(
    lists: Sequence[str],
    protected: Sequence[str] | None = None,
    folder: str | Path | None = None,
    *,
    near: float = NEAR,
) -> LeakReport:
    """Compare training lists with the development and test sets."""
    chosen = protected_names() if protected is None else list(protected)
    counts: dict[str, int] = {}

    def counted(names: Sequence[str], counts: dict[str, int]) -> Iterator[Text]:
        for name in names:
            counts[name] = 0
            for text in read_texts(name, folder):
                counts[name] += 1
                yield text

    index = Index(counted(chosen, counts))
    trained: dict[str, int] = {}
    found = tuple(index.leaks(counted(list(lists), trained), near=near))
    return LeakReport(trained, counts, found)
