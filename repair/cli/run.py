"""``mt-repair run``: detect, check, propose, choose; write the run file and what is asked for."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Iterator

from .. import RepairError
from .progress import bar

STAGES = ("detector", "style", "facts", "grammar", "fixer")

EPILOG = """\
examples:
  mt-repair run article.en.txt -o run.jsonl --fixed article.fixed.txt --report review.html
  mt-repair run -s news.ru -t news.en -r news.ref.en -o run.jsonl
  cat mt.tsv | mt-repair run - --format tsv -o run.jsonl
"""


def add_commands(commands) -> None:
    parser = commands.add_parser(
        "run",
        help="find errors, suggest edits, choose what is safe",
        description="Find errors, suggest edits and choose what is safe. Without -o, the run file "
        "(JSONL) goes to stdout unless --fixed, --report or --diff is given.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_input(parser)

    output = parser.add_argument_group("output")
    output.add_argument("-o", "--output", metavar="RUN", help="write the run file, '-' for stdout")
    output.add_argument("--fixed", metavar="FILE", help="write the repaired text in the input's "
                        "own format (implies --mode apply)")  # fmt: skip
    output.add_argument("--report", metavar="HTML", help="write the diff report")
    output.add_argument("--diff", action="store_true", help="print a colored diff")
    output.add_argument("--force", action="store_true", help="overwrite existing output")
    output.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    output.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")

    stages = parser.add_argument_group("stages")
    stages.add_argument(
        "--stages", metavar="LIST", default=",".join(STAGES), type=_stages,
        help=f"which of {', '.join(STAGES)} to run (default: all)",
    )  # fmt: skip
    stages.add_argument("--sensitivity", type=float, metavar="X",
                        help="of the detector: 0 marks only the surest errors, 1 the most "
                        "(default: chosen for precision)")  # fmt: skip
    stages.add_argument("--detector", metavar="FOLDER", help="use these detector weights")
    stages.add_argument("--languagetool-url", metavar="URL", help="use this LanguageTool server")
    stages.add_argument("--languagetool-folder", metavar="DIR", help="use this LanguageTool")
    stages.add_argument("--fixer", action="append", default=[], metavar="ID_OR_PATH",
                        help="a Hugging Face encoder-decoder that proposes (repeatable)")  # fmt: skip
    stages.add_argument("--fixer-kind", choices=("editor", "translator"),
                        help="what the fixer reads: the MT or the source")  # fmt: skip
    stages.add_argument("--fixer-prefix", metavar="TEXT", help="prompt that an editor expects")
    stages.add_argument("--beam", type=int, default=4, metavar="N", help="beam size (default 4)")
    stages.add_argument("--nbest", type=int, default=1, metavar="N",
                        help="hypotheses kept for each segment (default 1)")  # fmt: skip
    stages.add_argument("--device", help="torch device (default: GPU if there is one, else CPU)")
    stages.add_argument("--threads", type=int, metavar="N", help="CPU threads")
    stages.add_argument("--hypotheses", action="append", default=[], metavar="FILE",
                        help="TSV or JSONL of segment id, hypothesis, producer, score: what any "
                        "other engine wrote (repeatable)")  # fmt: skip

    choice = parser.add_argument_group("choice")
    choice.add_argument("--mode", choices=("suggest", "apply"),
                        help="suggest shows edits and applies none (default without --fixed)")  # fmt: skip
    choice.add_argument("--precision", type=float, default=0.9, metavar="P",
                        help="apply edits at least this sure (default .9)")  # fmt: skip
    choice.add_argument("--hypothesis-precision", type=_bar, metavar="P",
                        help="apply changes from hypotheses and models at least this sure, or "
                        "'balanced' (default: as --precision)")  # fmt: skip
    choice.add_argument("--max-harm", type=float, metavar="H",
                        help="of each batch apply so few edits that the expected number of those "
                        "that do not help stays below H times its segments")  # fmt: skip
    choice.add_argument("--explain", action="store_true", help="say of each change from a "
                        "hypothesis or a model what weighed most")  # fmt: skip
    choice.add_argument("--no-veto", action="store_true", help="do not hold back edits that "
                        "change a fact")  # fmt: skip
    choice.add_argument("--decisions", metavar="JSON", help="earlier decisions: what was rejected "
                        "or silenced is not suggested again")  # fmt: skip
    choice.add_argument("--strict", action="store_true", help="stop at the first failed segment")
    choice.add_argument("--check", action="store_true", help="exit 1 if anything was found")
    choice.add_argument("--batch-size", type=int, default=256, metavar="N", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def add_input(parser) -> None:
    """The options that say what to read, shared by every command that reads segments."""
    inputs = parser.add_argument_group("input")
    inputs.add_argument(
        "mt", nargs="?", metavar="MT", help="text, lines, TSV, CSV or JSONL; '-' is stdin"
    )
    inputs.add_argument("-t", "--mt-file", dest="mt_option", metavar="FILE", help="the same as MT")
    inputs.add_argument("-s", "--source", metavar="FILE", help="Russian source, line by line")
    inputs.add_argument("-r", "--reference", action="append", default=[], metavar="FILE",
                        help="reference translation, line by line (repeatable; never seen by the "
                        "repair)")  # fmt: skip
    inputs.add_argument("--post-edit", metavar="FILE", help="post-edit of this very MT")
    inputs.add_argument("--format", choices=("text", "lines", "tsv", "csv", "jsonl"),
                        help="instead of going by the suffix")  # fmt: skip
    inputs.add_argument("--encoding", help="if it is not UTF-8, such as cp1251")


def open_segments(options):
    """The input named by the options of `add_input`."""
    from ..files import open_input

    if options.mt and options.mt_option:
        raise RepairError("The MT is named twice.", mend="Give it once, with or without -t.")
    path = options.mt or options.mt_option
    if path is None:
        raise RepairError("No MT to read.", mend="Name a file, or '-' for stdin.")
    return open_input(
        path,
        source=options.source,
        references=tuple(options.reference),
        post_edit=options.post_edit,
        format=options.format,
        encoding=options.encoding,
        warn=lambda sentence: print(f"mt-repair: {sentence}", file=sys.stderr),
    )


def _stages(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))
    if unknown := [name for name in names if name not in STAGES]:
        raise argparse.ArgumentTypeError(
            f"unknown stage {unknown[0]!r} (choose from {', '.join(STAGES)})"
        )
    return names


def _bar(text: str) -> float:
    if text == "balanced":
        from ..choose import BALANCED

        return BALANCED
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number and not 'balanced'") from None


def run(options) -> int:
    from ..files.streams import check_output
    from ..pipeline import Repairer

    if options.resume and options.output in (None, "-"):
        raise RepairError(
            "--resume needs the run file of the stopped run.", mend="Give it with -o."
        )
    for path in (options.fixed, options.report):
        if path and path != "-":
            check_output(path, force=options.force or options.resume)
    if "fixer" in options.stages and "detector" not in options.stages:
        raise RepairError(
            "The fixer works where the detector doubts, and there is no detector.",
            mend="Name both in --stages, or neither.",
        )
    options.mode = options.mode or ("apply" if options.fixed else "suggest")
    segments = open_segments(options)
    if wants_assembly(options):
        print(
            "mt-repair: fetching the grammar checker, once (about 100 MB; --stages leaves it out)",
            file=sys.stderr,
        )
    with contextlib.closing(Repairer(**_wanted(options))) as repairer:
        return _run(options, segments, repairer)


def wants_assembly(options) -> bool:
    """Whether the embedded grammar checker will be fetched before the run can begin."""
    if "grammar" not in options.stages or options.languagetool_url or options.languagetool_folder:
        return False
    from ..grammar.jars import jar_folder

    return not jar_folder().is_dir()


def _wanted(options) -> dict:
    """The arguments of `Repairer` that the command line asks for."""
    wanted: dict = {name: name in options.stages for name in STAGES}
    if "detector" in options.stages and (
        options.detector or options.sensitivity is not None or options.device or options.threads
    ):
        from ..detect import Detector

        kept = {} if options.sensitivity is None else {"sensitivity": options.sensitivity}
        wanted["detector"] = Detector(
            options.detector, device=options.device, threads=options.threads, **kept
        )
    if options.languagetool_url or options.languagetool_folder:
        from ..grammar import Grammar

        wanted["grammar"] = Grammar(
            url=options.languagetool_url, folder=options.languagetool_folder
        )
    silences = None
    if options.decisions:
        from ..files.decisions import Silences, read_decisions

        silences = Silences(read_decisions(options.decisions)).covers
    return {
        **wanted,
        "proposers": list(_proposers(options)),
        "mode": options.mode,
        "precision": options.precision,
        "hypothesis_precision": options.hypothesis_precision,
        "max_harm": options.max_harm,
        "explain": options.explain,
        "veto": not options.no_veto,
        "silenced": silences,
        "strict": options.strict,
        "batch_size": options.batch_size,
    }


def _proposers(options) -> Iterator:
    for path in options.hypotheses:
        from ..propose import Hypotheses

        yield Hypotheses(path)
    for model in options.fixer:
        from ..propose.seq2seq import Seq2Seq

        yield Seq2Seq(
            model,
            kind=options.fixer_kind,
            prefix=options.fixer_prefix,
            beam=options.beam,
            nbest=options.nbest,
            device=options.device,
            threads=options.threads,
        )


def _run(options, segments, repairer) -> int:
    from ..files.runs import RunWriter
    from ..pipeline import batches

    header = {
        "signature": repairer.signature,
        "input": segments.header(),
        "options": {"stages": list(options.stages), "batch_size": options.batch_size},
    }
    views = bool(options.fixed or options.report or options.diff)
    target = options.output or (None if views else "-")
    summary = Summary()
    for notice in repairer.notices:
        print(f"mt-repair: {notice}", file=sys.stderr)
    told = len(repairer.notices)
    with RunWriter(target, header, resume=options.resume, force=options.force) as writer:
        with bar("repairing", None, quiet=options.quiet) as advance:

            def missing():
                """The batches that are not in the run file yet."""
                skip = writer.done
                for batch in batches(segments, repairer.batch_size):
                    if writer.complete:
                        break
                    if skip >= len(batch):
                        skip -= len(batch)
                        advance(len(batch))
                        continue
                    if skip:
                        # The batch was cut short: it is made again as a whole.
                        writer.truncate(writer.done - skip)
                        skip = 0
                    yield batch

            for records in repairer.run_batches(missing()):
                writer.write(records)
                summary.add(records)
                advance(len(records))
        after = repairer.notices[told:]
        for stage in repairer.stages:
            after += getattr(stage, "notices", list)()
        for notice in after:
            print(f"mt-repair: {notice}", file=sys.stderr)
        writer.commit()
        with writer.reopen() as finished:
            _write_views(options, finished)
    if not options.quiet:
        summary.show(repairer.signature, options)
    if summary.counts["failed"]:
        return 3
    return 1 if options.check and summary.counts["suggestions"] else 0


def _write_views(options, finished) -> None:
    from ..files import write_texts
    from .review import write_view

    force = options.force or options.resume
    if options.fixed:
        pairs = ((record.segment, record.fixed) for record in finished)
        write_texts(options.fixed, finished.header["input"], pairs, force=force)
    if options.report:
        write_view(finished, "html", options.report, decisions=options.decisions, force=force)
    if options.diff:
        write_view(finished, "terminal", "-")


class Summary:
    """What a run found, for the last lines on stderr."""

    def __init__(self):
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.examples: list[str] = []

    def add(self, records) -> None:
        for record in records:
            self.counts["segments"] += 1
            self.counts["suggestions"] += len(record.suggestions)
            self.counts["with suggestions"] += bool(record.suggestions)
            self.counts["applied"] += sum(s.applied for s in record.suggestions)
            self.counts["held back"] += sum(w.startswith("Held back") for w in record.warnings)
            failures = [w for w in record.warnings if w.startswith("failed: ")]
            self.counts["failed"] += bool(failures)
            for failure in failures:
                if failure not in self.failures and len(self.examples) < 5:
                    self.examples.append(f"segment {record.segment.id}: {failure}")
                self.failures[failure] += 1

    def show(self, signature: str, options) -> None:
        counts = self.counts
        lines = [
            f"{counts['segments']:,} segments, {counts['with suggestions']:,} with "
            f"{counts['suggestions']:,} suggestions, {counts['applied']:,} applied"
            + (f", {counts['held back']:,} held back" if counts["held back"] else ""),
            *self.examples,
        ]
        if counts["failed"]:
            lines.append(f"{counts['failed']:,} segments failed in a stage")
        lines += [f"wrote {path}" for path in (options.output, options.fixed, options.report)
                  if path and path != "-"]  # fmt: skip
        lines.append(signature)
        print("\n".join(lines), file=sys.stderr)
