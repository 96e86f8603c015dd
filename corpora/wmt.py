"""WMT news and general tasks: what systems made of a source, and human references.

Three layouts: ``txt/sources|references|system-outputs`` of the wmt-conference repositories (2021
on) and of the submitted-data archives before them; tables with a column for each; and sacreBLEU's
own sets, which are downloaded by sacreBLEU when first asked for.

An output that several systems made alike is kept once, for the first of them by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from repair.core import RepairError, Segment

from .gold import Corpus, Gold
from .shelf import Files

PAIR = ("ru", "en")


def read(files: Files, name: str, use: str, tune: str | None, part: str | None = None) -> Corpus:
    """Outputs of all systems for the set ``name``, such as ``newstest2021``, system by system.

    ``part`` is a domain (``news``), or a system's name; ``None`` is all of it.
    """
    rows = _from_tables(files, name) or _from_texts(files, name)
    if not rows:
        raise files.missing(f"{name} from Russian into English")
    return _corpus(rows, name, use, tune, part)


def _corpus(rows: Iterable[dict], name: str, use: str, tune: str | None, part: str | None):
    rows = sorted(rows, key=lambda row: row["system"])  # stable: segments stay in order
    seen, segments, gold = set(), [], []
    for row in rows:
        key = (row["id"], row["mt"])
        if key in seen and row["mt"]:
            continue
        seen.add(key)
        if part is not None and part not in (row.get("domain") or "other", row["system"]):
            continue
        doc = row.get("doc")
        segments.append(
            Segment(
                f"{row['id']}.{row['system']}",
                row["mt"],
                row["source"],
                row["references"],
                doc=f"{row['system']}/{doc}" if doc else None,
            )
        )
        gold.append(Gold(system=row["system"], domain=row.get("domain") or None))
    if not segments:
        known = sorted({row.get("domain") or "other" for row in rows} | {r["system"] for r in rows})
        raise RepairError(f"{name} has no part {part!r}.", mend=f"Parts are {', '.join(known)}.")
    return Corpus(name if part is None else f"{name}/{part}", use, segments, gold, tune)


def _from_tables(files: Files, name: str) -> list[dict]:
    outputs, pairs = files.find(f"{name}.ruen_mt.tsv"), files.find(f"{name}_ruen.tsv")
    if not outputs or not pairs:
        return []
    known = {row["id"]: row for row in files.table(pairs)}
    rows = []
    for row in files.table(outputs):
        pair = known.get(row["id"], row)  # a line without a second reference may be left out there
        references = [row["tgt_en"], pair.get("tgt_en_B", "")]
        rows.append(
            {
                "id": row["id"],
                "source": row["src_ru"],
                "references": tuple(text for text in references if text),
                "system": row["system"],
                "mt": row["mt"],
                "domain": pair.get("domain"),
                "doc": pair.get("doc"),
            }
        )
    return rows


# newstest2021.ru-en.hyp.AFRL.en and newstest2019-ruen-src.ru, newstest2019.AFRL.6911.ru-en
_SOURCE = r"/sources/{name}(?:\.ru-en\.src\.ru|-ruen-src\.ru)$"
_REFERENCE = r"/references/{name}(?:\.ru-en\.ref\.(\w+)\.en|-ruen-ref\.en)$"
_OUTPUT = r"/system-outputs/(?:{name}/ru-en/)?{name}\.(?:ru-en\.hyp\.(.+)\.en|(.+)\.ru-en)$"
_DOCS = r"/documents/{name}\.ru-en\.docs$"


def _from_texts(files: Files, name: str) -> list[dict]:
    def matches(pattern: str) -> list[tuple[str, str]]:
        expression = re.compile(pattern.format(name=re.escape(name)))
        found = ((path, expression.search(path)) for path in sorted(files))
        return [(path, next(filter(None, m.groups()), "")) for path, m in found if m]

    sources = matches(_SOURCE)
    references, outputs = matches(_REFERENCE), matches(_OUTPUT)
    if not sources:
        return []
    if not references or not outputs:
        raise files.missing("a reference" if not references else "an output of a system")
    source = files.lines(sources[0][0])
    texts = [files.lines(path, count=len(source)) for path, _ in references]
    docs = [("", "")] * len(source)
    for path, _ in matches(_DOCS)[:1]:
        docs = [tuple(line.split("\t")[:2]) for line in files.lines(path, count=len(source))]
    rows = []
    for path, system in outputs:
        for index, mt in enumerate(files.lines(path, count=len(source))):
            domain, doc = docs[index] if len(docs[index]) == 2 else ("", docs[index][0])
            rows.append(
                {
                    "id": f"{name}.ruen.{index + 1}",
                    "source": source[index],
                    "references": tuple(text[index] for text in texts),
                    "system": system,
                    "mt": mt,
                    "domain": domain,
                    "doc": doc,
                }
            )
    return rows


def read_sacrebleu(name: str) -> Corpus:
    """A set of sacreBLEU with its systems, such as ``wmt21/systems``; downloads it if need be.

    Most sets (``wmt19``) hold no system: their MT is empty and comes from a file of predictions.
    """
    from sacrebleu import dataset

    found = dataset.DATASETS.get(name)
    pair = "-".join(PAIR)
    if found is None or pair not in found.langpairs:
        known = sorted(n for n, d in dataset.DATASETS.items() if pair in d.langpairs)
        raise RepairError(
            f"sacreBLEU has no set {name!r} from Russian into English.",
            mend=f"It has {', '.join(known)}.",
        )
    try:
        fields, columns = found.fieldnames(pair), {}
        for field, path in zip(fields, found.get_files(pair), strict=False):
            with open(path, encoding="utf-8", newline="\n") as lines:
                columns[field] = [line.rstrip("\n") for line in lines]
    except (OSError, SystemExit) as error:
        raise RepairError(
            f"sacreBLEU could not get {name} ({error}).",
            mend=f"Go online and run 'sacrebleu --download {name} -l {pair}', or copy ~/.sacrebleu "
            "from a machine that has it.",
        ) from error
    references = [field for field in fields if field == "ref" or field.startswith("ref:")]
    extra = {"src", "docid", "genre", "origlang", "domain", *references}
    systems = [field for field in fields if field not in extra]
    rows = [
        {
            "id": f"{name}.{index + 1}",
            "source": source,
            "references": tuple(columns[field][index] for field in references),
            "system": system or "none",
            "mt": columns[system][index] if system else "",
            "doc": columns["docid"][index] if "docid" in columns else None,
            "domain": columns["domain"][index] if "domain" in columns else None,
        }
        for system in systems or [""]
        for index, source in enumerate(columns["src"])
    ]
    return _corpus(rows, f"sacrebleu/{name}", "test", None, None)
