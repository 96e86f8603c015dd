"""``score``, ``evaluate`` and ``corpora``: how good it is, by which test, on which data."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from .. import RepairError
from . import corpora


def add_commands(commands) -> None:
    _add_score(commands)
    _add_evaluate(commands)
    corpora.add_commands(commands)


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
    from ..evaluate import metrics
    from ..evaluate.environment import usable_cores

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
        workers=usable_cores(),
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
    from ..files.streams import Lines

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


# ---- evaluate

_EPILOG = """\
examples:
  mt-repair evaluate mlqe-pe/dev --system style
  mt-repair evaluate mlqe-pe/test20 --predictions peer.tags --format tags
  mt-repair evaluate afrl/dev demetr/even --system pipeline --html results.html
  mt-repair evaluate mlqe-pe/test20 --system detector --at-least words.mcc=0.36
  mt-repair evaluate --baselines --update-readme README.md

Thresholds are tuned on the development set that goes with a test set (for mlqe-pe/test20 on
mlqe-pe/dev) and applied as they are. References never reach a system.
"""

TABLE_SETS = ("mlqe-pe/dev", "mlqe-pe/test20", "newstest2021", "generaltest2022/news", "afrl/dev",
              "demetr/even")  # fmt: skip


def _add_evaluate(commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a system, or a file of predictions, on public corpora",
        description="Measure a system, or a file of predictions, on public corpora: does it find "
        "the errors, do its edits help, what does it break.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("corpora", nargs="*", metavar="CORPUS",
                        help="such as mlqe-pe/dev; 'mt-repair corpora' lists them")  # fmt: skip
    what = parser.add_argument_group("what is measured")
    what.add_argument("--system", action="append", default=[], metavar="NAME",
                      help="detector, pipeline, style, grammar, facts, or a baseline: do-nothing, "
                      "all-ok, all-bad, random-edit, surface, languagetool, languagetool-blind "
                      "(repeatable)")  # fmt: skip
    what.add_argument("--predictions", metavar="FILE", help="what another program made of CORPUS")
    what.add_argument("--format", choices=("tags", "spans", "text", "run"), default="tags",
                      help="of the predictions: OK/BAD tags a line or a WMT submission, JSON lines "
                      "with spans, repaired text a line, or a run file")  # fmt: skip
    what.add_argument("--tokenized", action="store_true",
                      help="the predictions are of the corpus's tokenised text")  # fmt: skip
    what.add_argument("--tune-predictions", metavar="FILE",
                      help="the same program's predictions for the development set")  # fmt: skip
    what.add_argument("--threshold", type=float, metavar="X",
                      help="call BAD what scores X or more, instead of tuning")  # fmt: skip
    what.add_argument("--precision", type=float, metavar="P",
                      help="of the pipeline: apply edits from this confidence on")  # fmt: skip
    what.add_argument("--detector", metavar="FOLDER", help="use these detector weights")
    what.add_argument("--languagetool-url", metavar="URL", help="use this LanguageTool server")
    what.add_argument("--languagetool-folder", metavar="DIR", help="use this LanguageTool")
    what.add_argument("--limit", type=int, metavar="N", help="the first N segments of each corpus")
    what.add_argument("--from", dest="folder", metavar="DIR",
                      help="where the corpora are (default: MT_REPAIR_CORPORA)")  # fmt: skip
    what.add_argument("--samples", type=int, default=1000, metavar="N",
                      help="bootstrap resamples, 0 for none (default: %(default)s)")  # fmt: skip
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--html", metavar="FILE", help="write one page with plots")
    output.add_argument("--plots", metavar="DIR", help="write the plots as SVG files")
    output.add_argument("--force", action="store_true", help="overwrite existing output")
    output.add_argument("-q", "--quiet", action="store_true", help="no progress")
    output.add_argument("--at-least", action="append", default=[], metavar="FIGURE=VALUE",
                        help="exit with 1 if a figure is lower (repeatable)")  # fmt: skip
    output.add_argument("--at-most", action="append", default=[], metavar="FIGURE=VALUE",
                        help="exit with 1 if a figure is higher (repeatable)")  # fmt: skip
    table = parser.add_argument_group("the table of baselines")
    table.add_argument("--baselines", action="store_true",
                       help="a table of all baselines, or of the systems named, on all public "
                       "sets, or those named")  # fmt: skip
    table.add_argument("--update-readme", metavar="FILE",
                       help="write the table between its markers in FILE")  # fmt: skip
    table.add_argument("--table", default="baselines", metavar="NAME",
                       help="the name in the markers (default: %(default)s)")  # fmt: skip
    parser.set_defaults(run=evaluate)


def evaluate(options: argparse.Namespace) -> int:
    from ..evaluate import Evaluation, results

    gates = [_gate(text, 1) for text in options.at_least] + [
        _gate(text, -1) for text in options.at_most
    ]
    names = options.corpora or (list(TABLE_SETS) if options.baselines else [])
    if not names:
        raise RepairError("No corpus was named.", mend="See 'mt-repair corpora' for their names.")
    if bool(options.predictions) + bool(options.system or options.baselines) != 1:
        raise RepairError(
            "Say what to measure.", mend="Give one of --system, --predictions and --baselines."
        )
    if options.html:
        from ..files.streams import check_output

        check_output(options.html, force=options.force)
    started = time.perf_counter()
    bench = Bench(options)
    evaluations: list[Evaluation] = []
    for name in _systems(options):
        try:
            evaluations += bench.measure(name, names)
        except RepairError as error:
            if not options.baselines:
                raise
            print(f"mt-repair: left out {name}: {error}", file=sys.stderr)
    if options.baselines:
        evaluations.sort(key=lambda one: bench.order(one.corpus))
    seconds = time.perf_counter() - started
    _write(options, evaluations, seconds, results)
    missed = [line for gate in gates for line in _missed(gate, evaluations)]
    for line in missed:
        print(f"mt-repair: {line}", file=sys.stderr)
    return 1 if missed else 0


def _systems(options) -> list[str]:
    if options.baselines and not options.system:
        from ..evaluate.baselines import BASELINES

        return [*BASELINES]
    return options.system or [""]


class Bench:
    """Loads corpora and development sets once, and runs systems over them."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self._loaded: dict[str, object] = {}
        self._done: dict[str, tuple] = {}  # of the system at hand, by corpus
        self._order: list[str] = []

    def order(self, corpus: str) -> int:
        return self._order.index(corpus)

    def load(self, name: str):
        if name not in self._loaded:
            from ..corpora import load

            self._loaded[name] = load(name, self.options.folder, limit=self.options.limit)
        return self._loaded[name]

    def measure(self, name: str, corpora_named: list[str]) -> list:
        """The evaluations of one system on all corpora."""
        from ..evaluate.baselines import close_system, make_system

        options = self.options
        if options.predictions:
            from ..evaluate.systems import Predicted

            system = Predicted(options.predictions, options.format, tokenized=options.tokenized)
        else:
            system = make_system(
                name,
                folder=options.folder,
                detector=options.detector,
                precision=options.precision,
                languagetool_url=options.languagetool_url,
                languagetool_folder=options.languagetool_folder,
            )
        try:
            return [self._measure(system, corpus) for corpus in corpora_named]
        finally:
            close_system(system)

    def _measure(self, system, name: str):
        from ..evaluate import measure
        from ..evaluate.environment import usable_cores

        corpus = self.load(name)
        if corpus.name not in self._order:
            self._order.append(corpus.name)
        started = time.perf_counter()
        outputs, seconds = self._run(system, corpus)
        evaluation = measure(
            corpus,
            system,
            outputs,
            thresholds=self._thresholds(system, corpus, outputs),
            seconds=seconds,
            samples=self.options.samples,
            workers=usable_cores(),
        )
        if not self.options.quiet:
            spent = time.perf_counter() - started
            print(
                f"{system.name} on {corpus.name}: {seconds:.1f} s, with measuring {spent:.1f} s",
                file=sys.stderr,
            )
        return evaluation

    def _run(self, system, corpus):
        from ..evaluate import run_system
        from .progress import bar

        if self._done.get(corpus.name, (None,))[0] is system:
            return self._done[corpus.name][1]
        title = f"{system.name} on {corpus.name}"
        with bar(title, len(corpus), quiet=self.options.quiet) as advance:
            self._done[corpus.name] = system, run_system(system, corpus, advance)
        return self._done[corpus.name][1]

    def _thresholds(self, system, corpus, outputs):
        from ..evaluate import Thresholds, tune

        options = self.options
        if options.threshold is not None:
            return Thresholds(options.threshold, options.threshold, "given")
        if corpus.tune is None:
            return None
        if corpus.tune == corpus.name:
            return tune(corpus, outputs)
        if options.predictions:
            if not options.tune_predictions:
                return None
            from ..evaluate.systems import Predicted

            system = Predicted(
                options.tune_predictions, options.format, tokenized=options.tokenized
            )
        if all(output.words is None and not output.spans for output in outputs[:500]):
            return None  # nothing to tune
        try:
            development = self.load(corpus.tune)
        except RepairError as error:
            raise RepairError(
                f"Thresholds for {corpus.name} are tuned on {corpus.tune}, which is missing: "
                f"{error.message}",
                mend=f"{error.mend or ''} Or give --threshold.".strip(),
            ) from error
        if all(gold.tags is None and gold.spans is None for gold in development.gold):
            return None
        return tune(development, self._run(system, development)[0])


def _gate(text: str, sign: int) -> tuple[str, float, int]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value), sign
    except ValueError as error:
        raise RepairError(
            f"{text!r} is no floor.", mend="Write FIGURE=VALUE, such as words.mcc=0.36."
        ) from error


def _missed(gate: tuple[str, float, int], evaluations) -> list[str]:
    name, wanted, sign = gate
    lines = []
    for evaluation in evaluations:
        value = evaluation.figure(name)
        if (value - wanted) * sign < 0:
            side = "below" if sign > 0 else "above"
            lines.append(
                f"{evaluation.corpus}, {evaluation.system}: {name} is {value:.4f}, {side} {wanted:g}."
            )
    return lines


def _write(options, evaluations, seconds: float, results) -> None:
    from ..evaluate.environment import describe_environment

    rows = results.summary_rows(evaluations)
    closing = f"{len(evaluations)} evaluations in {seconds:.0f} s"
    if options.json:
        whole = {
            "evaluations": [one.to_json() for one in evaluations],
            "seconds": seconds,
        }
        print(json.dumps(whole, ensure_ascii=False, indent=2))
    elif options.baselines:
        print(results.write_rows(rows))
        print(f"{closing}; {describe_environment()['hardware']}")
    else:
        print("\n\n".join(results.write_text(one) for one in evaluations))
        if len(evaluations) > 1:
            print(f"\n{results.write_rows(rows)}\n{closing}")
    if options.html:
        from ..files.streams import atomic_writer

        with atomic_writer(options.html, force=options.force, encoding="utf-8") as out:
            out.write(results.write_page(evaluations))
    if options.plots:
        folder = Path(options.plots)
        folder.mkdir(parents=True, exist_ok=True)
        for one in evaluations:
            stem = f"{one.corpus}.{one.system}".replace("/", "-")
            for name, svg in results.draw_plots(one).items():
                (folder / f"{stem}.{name}.svg").write_text(svg, encoding="utf-8")
    if options.update_readme:
        from ..evaluate.baselines import readme_block

        path = Path(options.update_readme)
        note = f"\n\n{closing}; {describe_environment()['hardware']}."
        text = path.read_text("utf-8")
        table = results.write_table(rows) + note
        path.write_text(readme_block(text, options.table, table, path), encoding="utf-8")
