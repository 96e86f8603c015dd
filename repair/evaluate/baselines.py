"""What every system is measured against: nothing, chance, a grammar checker, surface features.

`make_system` also makes the product's own parts by name, so that all are measured alike.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..align import tokens
from ..core import Candidate, Edit, ErrorSpan, Finding, Quality, RepairError, Segment
from .systems import AllBad, AllOk, DoNothing, Output, Piped, Staged, System

BASELINES = ("do-nothing", "all-ok", "random-edit", "surface", "languagetool-blind")


class RandomEdit:
    """Replaces one word in every segment by one that another segment has, by lot."""

    name = "random-edit"

    def __init__(self, seed: int = 1):
        self.seed = seed
        self.signature = f"random-edit|seed:{seed}"

    def outputs(self, corpus) -> Iterator[Output]:
        words = [
            segment.mt[start:end]
            for segment in corpus.segments
            for start, end in tokens(segment.mt)
            if segment.mt[start:end].isalpha()
        ]
        for segment in corpus.segments:
            # The lot depends on the segment alone, not on how many came before it.
            rng = random.Random(f"{self.seed}\0{segment.id}")
            spots = [t for t in tokens(segment.mt) if segment.mt[t.start : t.end].isalpha()]
            if not spots or not words:
                yield Output(fixed=segment.mt)
                continue
            spot = rng.choice(spots)
            edit = Edit(spot.start, spot.end, rng.choice(words))
            span = ErrorSpan(*spot, "accuracy/mistranslation", "major", 1.0, self.name)
            fixed = segment.mt[: spot.start] + edit.text + segment.mt[spot.end :]
            yield Output(
                spans=(span,),
                offers=((Candidate(edit, self.name, 1.0),),),
                kept=(edit,),
                fixed=fixed,
            )


class Flat:
    """A stage whose every flag counts the same, as from a checker that gives no confidence."""

    def __init__(self, stage):
        self.stage = stage
        self.signature = f"{stage.signature}|flat"

    def __call__(self, segments: Sequence[Segment]):
        return [[_flatten(finding) for finding in found] for found in self.stage(segments)]


def _flatten(finding: Finding) -> Finding:
    return Finding(
        replace(finding.span, confidence=1.0),
        tuple(replace(candidate, confidence=1.0) for candidate in finding.candidates),
    )


# ---- surface features

_NUMBER = re.compile(r"\d+")
_CYRILLIC = re.compile(r"[а-яёА-ЯЁ]")
_FOLDS = 5


class Surface:
    """A classifier of words and gaps by what can be counted: lengths, rare words, digits, script.

    Gradient boosting (scikit-learn) trained on the segments of MLQE-PE's training part, whose
    post-edits also say how common a word is. It reads no model and no translation.
    """

    name = "surface"

    def __init__(self, train, *, rounds: int = 200):
        try:
            from sklearn.ensemble import HistGradientBoostingClassifier
            from threadpoolctl import threadpool_limits
        except ImportError as error:
            raise RepairError(
                "The surface baseline needs scikit-learn.", mend="Run 'pip install scikit-learn'."
            ) from error
        self.signature = f"surface|trained:{train.name}|segments:{len(train)}"
        # Counts for a fold come from the other folds: a word that its own post-edit keeps would
        # otherwise always be known, and one that it drops would not.
        parts = [_count(train.segments[fold::_FOLDS]) for fold in range(_FOLDS)]
        rows: tuple[list, list] = ([], [])
        truth: tuple[list, list] = ([], [])
        for fold in range(_FOLDS):
            self._common = _sum(part for other, part in enumerate(parts) if other != fold)
            for segment, gold in zip(
                train.segments[fold::_FOLDS], train.gold[fold::_FOLDS], strict=True
            ):
                features = self._features(segment, gold.places)
                for part, found, tags, offset in zip(rows, features, truth, (1, 0), strict=True):
                    part.append(found)
                    tags.append(np.array(gold.tags[offset::2], dtype=bool))
        self._common = _sum(parts)
        self._models = []
        for part, tags in zip(rows, truth, strict=True):
            model = HistGradientBoostingClassifier(
                max_iter=rounds, learning_rate=0.06, max_leaf_nodes=15, l2_regularization=1.0,
                random_state=1,
            )  # fmt: skip
            # More threads than free cores make it many times slower, and the data are few.
            with threadpool_limits(1):
                self._models.append(model.fit(np.concatenate(part), np.concatenate(tags)))

    def outputs(self, corpus) -> Iterator[Output]:
        features, places = ([], []), []
        for segment, gold in zip(corpus.segments, corpus.gold, strict=True):
            # Where the words are is no secret; what is said of them is, and is not looked at.
            spots = gold.places or tuple(tokens(segment.mt))
            places.append(spots)
            for part, found in zip(features, self._features(segment, spots), strict=True):
                part.append(found)
        scores = [
            model.predict_proba(np.concatenate(part))[:, 1]
            for model, part in zip(self._models, features, strict=True)
        ]
        at = [0, 0]
        for spots in places:
            words = scores[0][at[0] : at[0] + len(spots)]
            gaps = scores[1][at[1] : at[1] + len(spots) + 1]
            at = [at[0] + len(spots), at[1] + len(spots) + 1]
            hter = float(min(1.0, (words.sum() + gaps.sum()) / max(1, len(spots))))
            yield Output(places=spots, words=words, gaps=gaps, quality=Quality(hter))

    def _features(self, segment: Segment, places) -> tuple[np.ndarray, np.ndarray]:
        """One row a word and one a gap."""
        source, mt = segment.source or "", segment.mt
        texts = [mt[start:end] for start, end in places]
        lower = [text.lower() for text in texts]
        numbers = set(_NUMBER.findall(source))
        missing = len(numbers - set(_NUMBER.findall(mt)))
        ratio = len(mt) / max(1, len(source))
        known_words, known_pairs = self._common
        common = [math.log1p(known_words[word]) for word in lower]
        pairs = [math.log1p(known_pairs[pair]) for pair in pairwise(lower)]
        rare = sum(value < 1 for value in common) / max(1, len(common))
        count = len(texts)
        shared = [count, len(source.split()) / max(1, count), ratio, missing, rare]
        words = np.zeros((count, 17 + len(shared)))
        for i, text in enumerate(texts):
            words[i] = [
                len(text), i, count - i, common[i],
                common[i - 1] if i else 9.0, common[i + 1] if i + 1 < count else 9.0,
                pairs[i - 1] if i else 0.0, pairs[i] if i + 1 < count else 0.0,
                text[0].isupper(), text.isupper(), text.isalpha(), text.isdigit(),
                bool(_CYRILLIC.search(text)), text in source,
                bool(set(_NUMBER.findall(text)) - numbers),
                bool(i and lower[i - 1] == lower[i]), lower.count(lower[i]),
                *shared,
            ]  # fmt: skip
        gaps = np.zeros((count + 1, 5 + len(shared)))
        for i in range(count + 1):
            gaps[i] = [
                common[i - 1] if i else 9.0, common[i] if i < count else 9.0,
                pairs[i - 1] if 0 < i < count else 0.0, i, count - i, *shared,
            ]  # fmt: skip
        return words, gaps


def _count(segments: Sequence[Segment]) -> tuple[Counter, Counter]:
    """How often the post-edits have each word and each pair of neighbours."""
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for segment in segments:
        line = _words(segment.post_edit or segment.mt)
        words.update(line)
        pairs.update(pairwise(line))
    return words, pairs


def _sum(parts: Iterable[tuple[Counter, Counter]]) -> tuple[Counter, Counter]:
    words, pairs = Counter(), Counter()
    for part in parts:
        words.update(part[0])
        pairs.update(part[1])
    return words, pairs


def _words(text: str) -> list[str]:
    return [text[start:end].lower() for start, end in tokens(text)]


# ---- systems by name


def _languagetool(options: dict):
    """LanguageTool as it comes: every rule and the speller, names and all."""
    from ..grammar import Grammar
    from ..grammar.languagetool import Profile

    class Unfiltered(Grammar):
        @property
        def signature(self) -> str:
            return f"{super().signature.split('(')[0]}(en-US,unfiltered)"

        def matches(self, segments: Sequence[Segment]):
            self.start()
            return self._check([segment.mt for segment in segments], Profile("en-US"))

    return Unfiltered(
        url=options.get("languagetool_url"), folder=options.get("languagetool_folder")
    )


def _surface(options: dict) -> System:
    from ..corpora import load

    return Surface(load("mlqe-pe/train", options.get("folder")))


def _detector(options: dict) -> System:
    from ..detect import Detector

    arguments = {"folder": options["detector"]} if options.get("detector") else {}
    return Staged("detector", Detector(**arguments), fix=False)


def _stage(name: str) -> Callable[[dict], System]:
    def make(options: dict) -> System:
        from importlib import import_module

        stage = getattr(import_module(f"repair.{name}"), name.capitalize())
        if name != "grammar":
            return Staged(name, stage())
        return Staged(
            name,
            stage(url=options.get("languagetool_url"), folder=options.get("languagetool_folder")),
        )

    return make


def _pipeline(options: dict) -> System:
    from ..pipeline import Repairer

    precision = options.get("precision")
    return Piped(
        "pipeline",
        Repairer(mode="apply", **({} if precision is None else {"precision": precision})),
    )


def _rules(options: dict) -> System:
    """Style and facts as the pipeline applies them: what is sure enough, past the guard."""
    from ..pipeline import Repairer

    precision = options.get("precision")
    chosen = {} if precision is None else {"precision": precision}
    return Piped("rules", Repairer(detector=False, mode="apply", **chosen))


SYSTEMS: dict[str, Callable[[dict], System]] = {
    "do-nothing": lambda options: DoNothing(),
    "all-ok": lambda options: AllOk(),
    "all-bad": lambda options: AllBad(),
    "random-edit": lambda options: RandomEdit(),
    "surface": _surface,
    "languagetool": lambda options: Staged("languagetool", Flat(_languagetool(options)), fix=False),
    "languagetool-blind": lambda options: Staged(
        "languagetool-blind", Flat(_languagetool(options))
    ),
    "detector": _detector,
    "style": _stage("style"),
    "facts": _stage("facts"),
    "grammar": _stage("grammar"),
    "rules": _rules,
    "pipeline": _pipeline,
}


def make_system(name: str, **options) -> System:
    """A system by its name in `SYSTEMS`.

    Options: ``folder`` of the corpora (for what must be trained), ``detector`` (weights),
    ``precision`` (of the pipeline), ``languagetool_url`` and ``languagetool_folder``. Raises
    `RepairError` for an unknown name and for a part that cannot be had.
    """
    if name not in SYSTEMS:
        raise RepairError(f"There is no system {name!r}.", mend=f"Known are {', '.join(SYSTEMS)}.")
    return SYSTEMS[name](options)


def close_system(system: System) -> None:
    """Stop what a system may have started, such as a grammar checker's process."""
    for owner in (system, *(getattr(system, name, None) for name in ("stage", "pipeline"))):
        owner = getattr(owner, "stage", owner) if isinstance(owner, Flat) else owner
        if owner is not None and hasattr(owner, "close"):
            owner.close()


def readme_block(text: str, name: str, table: str, path: str | Path) -> str:
    """``text`` with what stands between the markers of ``name`` replaced by ``table``."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in text or end not in text:
        raise RepairError(
            f"There is no place for the table {name!r}.",
            path=path,
            mend=f"Put the lines '{start}' and '{end}' where it belongs.",
        )
    before, rest = text.split(start, 1)
    return f"{before}{start}\n\n{table.strip()}\n\n{end}{rest.split(end, 1)[1]}"
