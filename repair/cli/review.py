"""``mt-repair report`` and ``mt-repair apply``: from a run file to a person and back."""

from __future__ import annotations

from pathlib import Path

from .. import RepairError

VIEWS = ("html", "terminal", "markdown", "tsv", "m2", "docx")


def add_commands(commands) -> None:
    report = commands.add_parser(
        "report",
        help="show a run: HTML for review, terminal, Markdown, TSV, M2, tracked changes",
        description="Show a run file. The HTML report is one file, works offline and exports "
        "decisions for 'mt-repair apply'.",
    )
    report.add_argument("run_file", metavar="RUN", help="run file made by 'mt-repair run'")
    report.add_argument("-o", "--output", metavar="FILE", default="-",
                        help="default: stdout")  # fmt: skip
    report.add_argument("--view", choices=VIEWS, help="default: by the suffix of -o, else terminal")
    report.add_argument("--evaluation", action="store_true",
                        help="show references and each edit's effect on chrF and TER")  # fmt: skip
    report.add_argument("--decisions", metavar="JSON", help="carry over earlier decisions")
    report.add_argument("--title")
    report.add_argument("--force", action="store_true", help="overwrite existing output")
    report.set_defaults(run=run_report)

    apply = commands.add_parser(
        "apply",
        help="write the fixed text, with a reviewer's decisions",
        description="Write the fixed text in the format of the input. With --decisions exactly "
        "the accepted and edited ones are applied, without it what the run chose.",
    )
    apply.add_argument("run_file", metavar="RUN", help="run file made by 'mt-repair run'")
    apply.add_argument("--decisions", metavar="JSON", help="decisions exported from the report")
    apply.add_argument("-o", "--output", metavar="FILE", default="-", help="default: stdout")
    apply.add_argument("--force", action="store_true",
                       help="overwrite existing output; take decisions made on another run")  # fmt: skip
    apply.set_defaults(run=run_apply)


def run_report(options) -> int:
    from ..files.runs import read_run

    run = read_run(options.run_file)
    view = options.view or _view_by_suffix(options.output)
    write_view(
        run, view, options.output, evaluation=options.evaluation,
        decisions=options.decisions, title=options.title, force=options.force,
    )  # fmt: skip
    return 0


_SUFFIXES = {
    ".html": "html", ".htm": "html", ".md": "markdown", ".tsv": "tsv", ".m2": "m2", ".docx": "docx"
}  # fmt: skip


def _view_by_suffix(output: str) -> str:
    if output == "-":
        return "terminal"
    try:
        return _SUFFIXES[Path(output).suffix.lower()]
    except KeyError:
        raise RepairError(
            "No view goes by this suffix.",
            path=output,
            mend=f"Choose one with --view: {', '.join(VIEWS)}.",
        ) from None


def write_view(
    run, view, output, *, evaluation=False, decisions=None, title=None, force=False
) -> None:
    """Write one view of a `repair.files.runs.Run` to a path, or to stdout for ``-``."""
    if view == "docx":
        from ..files.decisions import read_decisions
        from ..report.docx import write_tracked_changes
        from ..report.views import decided, offered

        choose = decided(read_decisions(decisions)) if decisions else offered

        if output == "-":
            raise RepairError("A .docx file cannot go to stdout.", mend="Name a file with -o.")
        write_tracked_changes(run, output, choose=choose, force=force)
    elif view == "html":
        _write_html(run, output, evaluation, decisions, title, force)
    else:
        _write_text(run, view, output, decisions, title, force)


def _write_text(run, view, output, decisions, title, force) -> None:
    from ..files.decisions import read_decisions
    from ..files.streams import atomic_writer
    from ..report import views

    made = read_decisions(decisions) if decisions else None
    choose = views.decided(made) if made else views.offered
    with atomic_writer(output, force=force, encoding="utf-8") as stream:
        if view == "terminal":
            from rich.console import Console

            to = None if output == "-" else stream
            views.terminal(run, Console(file=to, highlight=False, soft_wrap=True), choose=choose)
            return
        if view == "markdown":
            named = {"title": title} if title else {}
            pieces = views.markdown(run, run.header, decisions=made, **named)
        elif view == "tsv":
            pieces = views.tsv(run, made)
        else:
            pieces = views.m2(run, choose=choose)
        for piece in pieces:
            stream.write(piece)


def _write_html(run, output, evaluation, decisions, title, force) -> None:
    from ..files.decisions import Decisions, carry_over, decisions_to_dict, read_decisions
    from ..files.runs import run_digest
    from ..report import write_report

    digest = run_digest(run)
    earlier: dict = {}
    if decisions:
        carried = carry_over(read_decisions(decisions), run, digest)
        found = decisions_to_dict(carried.decisions)
        outdated = decisions_to_dict(Decisions(digest, carried.outdated))["decisions"]
        earlier = {
            "decisions": found["decisions"],
            "silenced": found["silenced"],
            "outdated": outdated,
        }
    effect = None
    if evaluation:
        from ..evaluate.metrics import segment_effect as effect
    write_report(
        run, run.header, output, digest=digest, evaluation=evaluation, effect=effect,
        title=title, force=force, **earlier,
    )  # fmt: skip


def run_apply(options) -> int:
    import sys

    from ..files import write_texts
    from ..files.decisions import by_segment, check_run, decided_text, read_decisions
    from ..files.runs import read_run, run_digest

    run = read_run(options.run_file)
    if "input" not in run.header:
        raise RepairError("The run file does not say how its input was written.",
                          path=options.run_file, mend="Make it with 'mt-repair run'.")  # fmt: skip
    if not options.decisions:
        pairs = ((record.segment, record.fixed) for record in run)
        changed = 0
    else:
        decisions = read_decisions(options.decisions)
        check_run(decisions, run_digest(run), force=options.force)
        mine = by_segment(decisions)
        pairs = (
            (record.segment, decided_text(record, mine.get(record.segment.id, ())))
            for record in run
        )
        changed = sum(p.decision.verdict in ("accepted", "edited") for p in decisions.decisions)
    count = write_texts(options.output, run.header["input"], pairs, force=options.force)
    told = f", {changed:,} decided edits" if options.decisions else ""
    print(f"{count:,} segments{told}", file=sys.stderr)
    return 0
