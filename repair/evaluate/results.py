"""Evaluations for people: text for a terminal, a Markdown table, one HTML page with plots."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from . import Evaluation
from .plots import plot_bars, plot_precision, plot_reliability

_TAGS = ("words", "gaps", "words+gaps")


def write_text(evaluation: Evaluation) -> str:
    """All figures of one evaluation, a section a question."""
    return "\n".join(
        "\n".join(
            [title, *("  " + "  ".join(cells).rstrip() for cells in _aligned(rows))]
            if rows
            else [title]
        )
        for title, rows in _sections(evaluation)
    )


def write_page(evaluations: Sequence[Evaluation]) -> str:
    """One self-contained HTML page."""
    parts = [f"<style>{_STYLE}</style>", "<h1>Evaluation</h1>"]
    if len(evaluations) > 1:
        parts.append(_html_table(summary_rows(evaluations)))
    for evaluation in evaluations:
        parts.append("<section>")
        for index, (title, rows) in enumerate(_sections(evaluation)):
            tag = "h2" if index == 0 else "h3" if rows else "p"
            parts.append(f"<{tag}>{escape(title)}</{tag}>")
            if rows:
                parts.append(_html_table(rows))
        plots = draw_plots(evaluation)
        if plots:
            parts.append('<div class="plots">' + "".join(plots.values()) + "</div>")
        parts.append("</section>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Evaluation</title>'
        + parts[0]
        + "</head><body>"
        + "".join(parts[1:])
        + "</body></html>\n"
    )


_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;"
    "color:#222}table{border-collapse:collapse;margin:.4rem 0 1rem}td,th{padding:.15rem .6rem;"
    "text-align:right;border-bottom:1px solid #e3e3e3}td:first-child,th:first-child"
    "{text-align:left}th{font-weight:600}section{border-top:2px solid #222;margin-top:2rem}"
    "h3{margin:.8rem 0 0;font-size:1rem}.plots{display:flex;flex-wrap:wrap;gap:1rem}"
)


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body
    )
    return f"<table><tr>{cells}</tr>{lines}</table>"


def draw_plots(evaluation: Evaluation) -> dict[str, str]:
    """The plots of one evaluation as SVG, by name."""
    results, plots = evaluation.results, {}
    for name, table in (results.get("calibration") or {}).items():
        plots[f"calibration-{name}"] = plot_reliability(
            table["table"], f"Are {name} wrong as often as said? ECE {table['ece']:.3f}"
        )
    edits = (results.get("repair") or {}).get("calibration")
    if edits:
        plots["calibration-edits"] = plot_reliability(
            edits["table"], f"Do edits help as often as said? ECE {edits['ece']:.3f}"
        )
    curve = (results.get("plots") or {}).get("precision_by_recall")
    if curve:
        area = results["words"]["average_precision"]
        plots["precision-words"] = plot_precision(
            curve, f"Wrong words, average precision {area:.3f}", results["words"]["bad"]
        )
    kinds = (results.get("planted") or {}).get("by_kind")
    if kinds:
        key = "flagged" if any(k["flagged"] for k in kinds.values()) else "flagged_at_5_words"
        plots["planted"] = plot_bars(
            [(name, kind[key]) for name, kind in kinds.items()], "Planted errors flagged, by kind"
        )
    return plots


# ---- sections


def _sections(evaluation: Evaluation) -> list[tuple[str, list[list[str]]]]:
    results = evaluation.results
    sections: list[tuple[str, list[list[str]]]] = [
        (
            f"{evaluation.corpus} ({evaluation.use}), {evaluation.segments:,} segments: "
            f"{evaluation.system}",
            [],
        )
    ]
    if "words" in results:
        sections.append((_threshold_line(results), _tag_rows(results)))
    if "spans" in results:
        sections.append(
            (
                f"Spans ({results['spans']['gold']} marked, {results['spans']['found']} found)",
                _span_rows(results["spans"]),
            )
        )
    if "categories" in results:
        rows = [["category", "marked", "found", "recall", "named so", "precision"]]
        rows += [
            [name, str(c["gold"]), str(c["found"]), *map(_share, (c["recall"], c["named"], c["precision"]))]
            for name, c in results["categories"].items()
        ]  # fmt: skip
        sections.append(("By category (shares of characters)", rows))
    if "sentence" in results:
        rows = [["with", "Pearson", "95 %", "Spearman", "95 %"]]
        for key, label in (("hter", "HTER"), ("da", "DA")):
            if key in results["sentence"]:
                r = results["sentence"][key]
                rows.append(
                    [label, _share(r["pearson"]), _range(r, "pearson"), _share(r["spearman"]), _range(r, "spearman")]
                )  # fmt: skip
        sections.append((f"Segments (by {results['sentence']['estimate']})", rows))
    if "repair" in results:
        sections += _repair_sections(results["repair"])
    if "planted" in results:
        sections += _planted_sections(results["planted"])
    if "calibration" in results:
        rows = [["of", "count", "ECE", "Brier"]]
        rows += [
            [name, f"{t['count']:,}", _share(t["ece"]), _share(t["brier"])]
            for name, t in results["calibration"].items()
        ]
        sections.append(("Calibration", rows))
    if "speed" in results:
        speed = results["speed"]
        memory = speed["peak_memory_mb"]
        text = f"Speed: {speed['segments_per_second']:,.0f} segments/s in {speed['seconds']:.1f} s"
        sections.append((text + (f", peak memory {memory:,.0f} MB" if memory else ""), []))
    sections += [(f"Note: {note}", []) for note in evaluation.notes]
    environment = dict(evaluation.environment)
    hardware = environment.pop("hardware", None)
    if environment:
        versions = ", ".join(f"{k} {v}" for k, v in environment.items())
        sections.append((f"Signature: {evaluation.signature}", []))
        sections.append((f"Versions: {versions}", []))
    if hardware:
        sections.append((f"Hardware: {hardware}", []))
    return sections


def _threshold_line(results: dict) -> str:
    tuned = results["thresholds"]["tuned_on"]
    return (
        f"Detection (words from {results['words']['threshold']:.3f}, gaps from "
        f"{results['gaps']['threshold']:.3f}; thresholds: {tuned})"
    )


def _tag_rows(results: dict) -> list[list[str]]:
    rows = [["", "MCC", "95 %", "F1 BAD", "precision", "recall", "AP", "flagged", "bad", "tags"]]
    parts = [(name, results[name]) for name in _TAGS]
    parts += [(f"own flags, {name}", part) for name, part in (results.get("own") or {}).items()]
    for name, part in parts:
        rows.append(
            [
                name,
                _share(part["mcc"]),
                _range(part, "mcc"),
                *(_share(part[key]) for key in ("f1_bad", "precision", "recall")),
                _share(part["average_precision"]) if "average_precision" in part else "",
                *(_share(part[key]) for key in ("flagged", "bad")),
                f"{part['tags']:,}",
            ]
        )
    return rows


def _span_rows(spans: dict) -> list[list[str]]:
    rows = [["match", "precision", "recall", "F1", "95 %"]]
    for name in ("exact", "overlap", "partial"):
        part = spans[name]
        rows.append(
            [name, *(_share(part[k]) for k in ("precision", "recall", "f1")), _range(part, "f1")]
        )
    return rows


def _repair_sections(repair: dict) -> list[tuple[str, list[list[str]]]]:
    sections = []
    for target, label in (("post_edit", "post-edit"), ("references", "references")):
        if target not in repair:
            continue
        rows = [["", "before", "after", "change", "p", "signature"]]
        for name in ("TER", "BLEU", "chrF++"):
            one = repair[target][name]
            rows.append(
                [name, *map(_points, (one["before"], one["after"])), f"{one['change']:+.2f}",
                 f"{one['p']:.4f}" if "p" in one else "", one["signature"]]
            )  # fmt: skip
        if "mean_hter" in repair[target]:
            mean = repair[target]["mean_hter"]
            change = mean["after"] - mean["before"]
            rows.append(["HTER", *map(_share, mean.values()), f"{change:+.3f}", "", "mean of segments"])  # fmt: skip
        sections.append((f"Repair against the {label}", rows))
        if "by_system" in repair[target]:
            head = [
                ["system", "TER before", "after", "BLEU before", "after", "chrF++ before", "after"]
            ]
            body = [
                [system, *(_points(one[m][w]) for m in ("TER", "BLEU", "chrF++") for w in ("before", "after"))]
                for system, one in repair[target]["by_system"].items()
            ]  # fmt: skip
            sections.append((f"By system, against the {label}", head + body))
    if "segments" in repair:
        s = repair["segments"]
        sections.append(
            (
                f"Segments: {s['improved']} improved, {s['unchanged']} unchanged, "
                f"{s['worsened']} worsened ({s['changed']} changed)",
                [],
            )
        )
    if "harm" in repair:
        h = repair["harm"]
        sections.append(
            (
                f"Harm: {h['changed']} of {h['needed_nothing']} segments that needed nothing were "
                f"changed ({h['rate']:.2%}, 95 % {h['rate_low']:.2%} to {h['rate_high']:.2%}); "
                f"{h['with_suggestions']} got suggestions",
                [],
            )
        )
    if "edits" in repair:
        rows = [["edits", "count", "towards", "neutral", "away", "share towards", "95 %"]]
        for which in ("proposed", "kept"):
            e = repair["edits"][which]
            rows.append(
                [which, *(f"{e[k]:,}" for k in ("edits", "towards", "neutral", "away")),
                 _share(e["share_towards"]), f"{e['share_low']:.3f} to {e['share_high']:.3f}"]
            )  # fmt: skip
        sections.append(("Edits, each by itself", rows))
    if "wanted" in repair:
        w = repair["wanted"]
        sections.append(
            (
                f"Of the post-edit's {w['edits']:,} edits, offered exactly: first {w['first']:.3f}, "
                f"among five {w['among_5']:.3f}, at all {w['among_all']:.3f}",
                [],
            )
        )
    if "oracle" in repair:
        o = repair["oracle"]
        text = ", ".join(f"{k} {v['before']:.2f} to {v['after']:.2f}" for k, v in o.items())
        sections.append((f"Oracle (the candidates that the reference likes best): {text}", []))
    if "calibration" in repair:
        c = repair["calibration"]
        rows = [["confidence", "edits", "mean", "helped"]]
        rows += [
            [f"{r['from']:.1f} to {r['to']:.1f}", f"{r['count']:,}", _share(r["confidence"]), _share(r["right"])]
            for r in c["table"]
        ]  # fmt: skip
        sections.append((f"Calibration of edits: ECE {c['ece']:.3f}, Brier {c['brier']:.3f}", rows))
    return sections


def _planted_sections(planted: dict) -> list[tuple[str, list[list[str]]]]:
    head = ["", "texts", "flagged", "at 5 % of texts", "at 5 % of words", "original preferred",
            "restored", "nearer"]  # fmt: skip
    keys = ("flagged", "flagged_at_5_segments", "flagged_at_5_words", "original_preferred",
            "restored", "nearer")  # fmt: skip
    clean = planted["clean"]
    sections = []
    for name, label in (("by_severity", "severity"), ("by_kind", "kind")):
        rows = [head]
        for kind, row in planted[name].items():
            rows.append([kind, str(row["texts"]), *(_share(row[key]) for key in keys)])
        sections.append((f"Planted errors by {label}", rows))
    sections.append(
        (
            f"Without a planted error: {clean['texts']} texts, {clean['flagged']:.2f} flagged, "
            f"{clean['words_flagged']:.3f} of their words, {clean['changed']:.2f} changed",
            [],
        )
    )
    return sections


# ---- the table of all systems on all corpora

SUMMARY = ("corpus", "system", "word MCC", "gap MCC", "r HTER", "r DA", "TER", "BLEU", "chrF++",
           "better / worse", "harm", "planted / clean flagged")  # fmt: skip


def summary_rows(evaluations: Sequence[Evaluation]) -> list[list[str]]:
    """One row an evaluation; repair is shown as before → after where it changes anything."""
    rows = [_summary(evaluation) for evaluation in evaluations]
    # A corpus may have nothing to measure a system by: no tags, or no text that was changed.
    rows = [row for row in rows if any(row[2:])]
    kept = [i for i in range(len(SUMMARY)) if i < 2 or any(row[i] for row in rows)]
    return [[row[i] for i in kept] for row in (SUMMARY, *rows)]


def _summary(evaluation: Evaluation) -> list[str]:
    results = evaluation.results
    repair = results.get("repair") or {}
    target = repair.get("post_edit") or repair.get("references") or {}
    words, gaps = results.get("words"), results.get("gaps")
    own = results.get("own") or {}
    flat = words is not None and words["threshold"] == 0.5 and own
    if flat:  # a system without scores is taken as it is
        words, gaps = own["words"], own["gaps"]
    sentence = results.get("sentence") or {}
    segments = repair.get("segments")
    harm = repair.get("harm")
    planted = results.get("planted")
    row = [
        evaluation.corpus,
        evaluation.system,
        _share(words["mcc"]) if words and words["bad"] else "",
        _share(gaps["mcc"]) if gaps and gaps["bad"] else "",
        _share(sentence["hter"]["pearson"]) if "hter" in sentence else "",
        _share(sentence["da"]["pearson"]) if "da" in sentence else "",
        *(_change(target.get(name)) for name in ("TER", "BLEU", "chrF++")),
        f"{segments['improved']} / {segments['worsened']}" if segments and segments["changed"] else "",
        f"{harm['rate']:.1%}" if harm else "",
    ]  # fmt: skip
    if planted:  # critical ones that were flagged, and texts without an error that were
        critical = planted["by_severity"].get("critical", {}).get("flagged", 0.0)
        row.append(f"{critical:.2f} / {planted['clean']['flagged']:.2f}")
    else:
        row.append("")
    return row


def _change(one: dict[str, Any] | None) -> str:
    if one is None:
        return ""
    if one["before"] == one["after"]:
        return _points(one["after"])
    mark = "*" if one.get("p", 1) < 0.05 else ""
    return f"{_points(one['before'])} → {_points(one['after'])}{mark}"


def write_table(rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])


def write_rows(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns for a terminal."""
    return "\n".join("  ".join(cells).rstrip() for cells in _aligned(rows))


def _aligned(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(rows[0]))]
    return [
        [cell.ljust(width) if i == 0 or i == len(row) - 1 else cell.rjust(width)
         for i, (cell, width) in enumerate(zip(row, widths, strict=False))]
        for row in rows
    ]  # fmt: skip


def _share(value: float) -> str:
    return f"{value:.3f}"


def _points(value: float) -> str:
    return f"{value:.2f}"


def _range(part: dict, name: str) -> str:
    if f"{name}_low" not in part:
        return ""
    return f"{part[f'{name}_low']:.3f} to {part[f'{name}_high']:.3f}"
