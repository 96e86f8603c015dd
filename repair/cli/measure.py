"""``score``, ``evaluate`` and ``corpora``: how good it is, by which test, on which data."""

from __future__ import annotations

import argparse
import json
import sys

from .. import RepairError


def add_commands(commands) -> None:
    _add_score(commands)


def _add_score(commands) -> None:
    parser = commands.add_parser(
        "score",
        help="BLEU, chrF++ and TER against references",
        description="Score a text against references with sacreBLEU: BLEU, chrF++ and TER with "
        "signatures and 95 % intervals, and with --baseline the p value of the difference "
        "(paired bootstrap).",
    )
    parser.add_argument("fixed", metavar="FILE", help="the text to score, '-' for stdin")
    parser.add_argument("-r", "--reference", action="append", required=True, metavar="FILE",
                        help="a reference, one segment a line (repeatable)")  # fmt: skip
    parser.add_argument("--baseline", metavar="FILE", help="the text before, to compare with")
    parser.add_argument("--docs", metavar="FILE", help="a document name a line: score each apart")
    parser.add_argument("--metrics", default="BLEU,chrF++,TER", metavar="LIST",
                        help="of BLEU, chrF, chrF++, TER (default: %(default)s)")  # fmt: skip
    parser.add_argument("--tokenized", action="store_true",
                        help="the texts are tokenised: split at spaces only")  # fmt: skip
    parser.add_argument("--samples", type=int, default=1000, metavar="N",
                        help="bootstrap resamples, 0 for none (default: %(default)s)")  # fmt: skip
    parser.add_argument("--encoding", help="of all files (default: UTF-8)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=score)


def score(options: argparse.Namespace) -> int:
    from .. import metrics

    fixed = read_lines(options.fixed, options.encoding)
    sets = [read_lines(path, options.encoding) for path in options.reference]
    for path, texts in zip(options.reference, sets, strict=True):
        _same_length(options.fixed, fixed, path, texts)
    baseline = docs = None
    if options.baseline:
        baseline = read_lines(options.baseline, options.encoding)
        _same_length(options.fixed, fixed, options.baseline, baseline)
    if options.docs:
        docs = read_lines(options.docs, options.encoding)
        _same_length(options.fixed, fixed, options.docs, docs)
    if options.samples < 0:
        raise RepairError("--samples must not be negative.")
    scores = metrics.score(
        fixed,
        list(zip(*sets, strict=True)),
        baseline,
        metrics=[name.strip() for name in options.metrics.split(",") if name.strip()],
        docs=docs,
        tokenized=options.tokenized,
        samples=options.samples,
    )
    if options.json:
        print(json.dumps(scores.to_json(), ensure_ascii=False, indent=2))
    else:
        for warning in scores.warnings:
            print(f"mt-repair: {warning}", file=sys.stderr)
        print(str(scores) if not scores.warnings else str(scores).rsplit("\n", 1)[0])
    return 0


def read_lines(path: str, encoding: str | None = None) -> list[str]:
    """The lines of a text file, compressed or not, without their ends."""
    from ..streams import Lines

    lines = Lines(path, encoding)
    try:
        return [line.rstrip("\r\n") for _, line in lines]
    finally:
        lines.close()


def _same_length(path: str, texts: list[str], other: str, others: list[str]) -> None:
    if len(texts) != len(others):
        raise RepairError(
            f"{len(others)} lines, but {path} has {len(texts)}.",
            path=other,
            mend="Both must have one segment a line, in the same order.",
        )
