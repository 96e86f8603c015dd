"""Small corpora in the formats as published, with sentences written for the tests."""

import io
import json
import tarfile

# raw source, raw MT, its words, the post-edit's words, tags gap word gap ..., HTER
POSTS = [
    (
        "Он сказал: «Нет».",
        'He said: "No."',
        'He said : " No . "',
        'He said : " No . "',
        "OK " * 15,
        0.0,
    ),
    (
        "В прошлом году цены выросли на 4,5 %.",
        "Last year the prices grew on 4.5%.",
        "Last year the prices grew on 4.5 % .",
        "Last year prices rose by 4.5 % .",
        "OK OK OK OK OK BAD OK OK OK BAD OK BAD OK OK OK OK OK OK OK",
        0.375,
    ),
    (
        "Дети не пошли в школу.",
        "The children didn't go to school",
        "The children didn 't go to school",
        "The children didn 't go to school .",
        "OK OK OK OK OK OK OK OK OK OK OK OK OK OK BAD",
        0.125,
    ),
    (
        "Это всё.",
        "That is it.",
        "That is it .",
        "That is all .",
        "OK OK OK OK OK BAD OK OK OK",
        0.25,
    ),
]
SPLIT_FOLDERS = {"train": ("train", "train"), "dev": ("dev", "dev"), "test20": ("test", "test20")}


def mlqe_files(split="dev", posts=POSTS, *, raw=True):
    """Paths and contents of one split of MLQE-PE, as they lie in the published folders."""
    folder, stem = SPLIT_FOLDERS[split]
    inner = f"ru-en-{stem}" if folder == "test" else f"ru-en-{folder}"
    base = f"post-editing/{folder}/{inner}/{stem}"
    columns = {
        "src": [p[0].replace(".", " .").replace(":", " :") for p in posts],
        "mt": [p[2] for p in posts],
        "pe": [p[3] for p in posts],
        "tags": [p[4].strip() for p in posts],
        "source_tags": [" ".join(["OK"] * len(p[0].split())) for p in posts],
        "hter": [f"{p[5]:.6f}" for p in posts],
    }
    files = {f"{base}.{name}": "\n".join(lines) + "\n" for name, lines in columns.items()}
    if raw:
        head = "segid\toriginal\ttranslation\tscores\tmean\tz_scores\tz_mean\tmodel_scores"
        rows = [
            f"{i}\t{p[0]}\t{p[1]}\t[70, 80]\t75.0\t[0.1, 0.2]\t{0.5 - p[5]}\t-0.5"
            for i, p in enumerate(posts)
        ]
        name = "ru-en" if folder == "test" else f"ru-en-{folder}"
        assessed = f"direct-assessments/{folder}/{name}/{stem}"
        files[f"{assessed}.ruen.df.short.tsv"] = "\n".join([head, *rows]) + "\n"
        urls = ["https://www.reddit.com/r/x", "https://ru.wikiquote.org/wiki/y"] * len(posts)
        files[f"{assessed}.doc_ids"] = "\n".join(["doc_id", *urls[: len(posts)]]) + "\n"
    return files


def write_files(folder, files):
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder


def write_archive(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:" + path.suffix.removeprefix(".")) as archive:
        for name, text in files.items():
            data = text.encode("utf-8")
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


NEWS = [
    ("Мост открыли в мае.", "The bridge was opened in May.", "The bridge opened in May."),
    ("Никто не пострадал.", "Nobody was hurt.", "No one was injured."),
    ("Суд отложил заседание.", "The court put off the hearing.", "The court adjourned."),
]
OUTPUTS = {
    "Zeta": ["The bridge was open in May.", "Nobody was hurt.", "The court has postponed session."],
    "Alpha": ["Bridge was opened in May.", "Nobody was hurt.", "The court postponed the meeting."],
}
DOCS = ["news\tmk.1", "news\tmk.1", "social\tvk.7"]


def wmt_files(name="newstest2021"):
    """The layout of the repositories from 2021 on, of one of which the references are two."""
    files = {
        f"txt/sources/{name}.ru-en.src.ru": [row[0] for row in NEWS],
        f"txt/references/{name}.ru-en.ref.A.en": [row[1] for row in NEWS],
        f"txt/references/{name}.ru-en.ref.B.en": [row[2] for row in NEWS],
        f"txt/documents/{name}.ru-en.docs": DOCS,
        f"txt/sources/{name}.en-ru.src.en": ["Not this one."],
    }
    for system, lines in OUTPUTS.items():
        files[f"txt/system-outputs/{name}.ru-en.hyp.{system}.en"] = lines
    return {path: "\n".join(lines) + "\n" for path, lines in files.items()}


def wmt_old_files(name="newstest2019"):
    """The layout of the archives of submitted data before."""
    files = {
        f"txt/sources/{name}-ruen-src.ru": [row[0] for row in NEWS],
        f"txt/references/{name}-ruen-ref.en": [row[1] for row in NEWS],
    }
    for system, lines in OUTPUTS.items():
        files[f"txt/system-outputs/{name}/ru-en/{name}.{system}.12.ru-en"] = lines
    return {path: "\n".join(lines) + "\n" for path, lines in files.items()}


def wmt_tables(name="newstest2021"):
    """One table with outputs, one with sources and references."""
    pairs = ["id\tsrc_ru\ttgt_en\torig\ttgt_en_B\tdomain\tdoc"]
    outputs = ["id\tsrc_ru\ttgt_en\tsystem\tmt"]
    for i, (source, first, second) in enumerate(NEWS):
        domain, doc = DOCS[i].split("\t")
        pairs.append(f"{name}.ruen.{i + 1}\t{source}\t{first}\tru\t{second}\t{domain}\t{doc}")
        for system in sorted(OUTPUTS):
            row = (f"{name}.ruen.{i + 1}", source, first, system, OUTPUTS[system][i])
            outputs.append("\t".join(row))
    return {
        f"wmt_pairs/{name}_ruen.tsv": "\n".join(pairs) + "\n",
        f"wmt_outputs/{name}.ruen_mt.tsv": "\n".join(outputs) + "\n",
    }


PLANTED = [
    # number, source, reference, mt, perturbed, kind, severity
    (2, "Цена выросла на 5%.", "The price rose by 5%.", "The price grew by 5%.",
     "The price grew by 8%.", "critical_id10_numbers_replaced", "critical"),
    (2, "Цена выросла на 5%.", "The price rose by 5%.", "The price grew by 5%.",
     "The grew by 5%.", "critical_id23_noun_removed", "critical"),
    (4, "Он ушёл домой.", "He went home.", "He has gone home.",
     "he has gone home.", "minor_id32_first_lower", "minor"),
    (4, "Он ушёл домой.", "He went home.", "He has gone home.",
     "He has gone home.", "critical_id10_numbers_replaced", "critical"),
    (3, "Она пришла.", "She came.", "She has come.", "She has came.", "major_id17_tense", "major"),
]  # fmt: skip


def demetr_json():
    by_kind = {}
    for number, source, reference, mt, perturbed, kind, severity in PLANTED:
        item = {"id": number, "src_sent": source, "eng_sent": reference, "mt_sent": mt,
                "pert_sent": perturbed, "lang_tag": "russian", "data_source": "WMT",
                "severity": severity, "pert_id": 1, "pert_name": kind}  # fmt: skip
        by_kind.setdefault(kind, [{**item, "lang_tag": "german", "id": 6}]).append(item)
    return {f"dataset/{kind}.json": json.dumps(items) for kind, items in by_kind.items()}


def demetr_table():
    lines = ["id\tsrc_ru\ttgt_en\tmt\tperturbed\ttype\tseverity"]
    for number, source, reference, mt, perturbed, kind, severity in PLANTED:
        row = (f"demetr.{kind}.{number}", source, reference, mt, perturbed, kind, severity)
        lines.append("\t".join(row))
    return {"demetr/demetr_ruen_even.tsv": "\n".join(lines) + "\n"}


# system, doc, seg, rater, source, mt, [(start, end, category, severity)]
RATED = [
    ("sysA", "d1", "1", "r1", "Источник один.", "The sours one is here.",
     [(4, 9, "Accuracy/Mistranslation", "major"), (13, 15, "Fluency/Grammar", "minor")]),
    ("sysA", "d1", "2", "r1", "Источник два.", "The second source.", []),
    ("sysB", "d1", "3", "r2", "Источник три.", "Third 'a source .",
     [(16, 17, "Linguistic Conventions - Punctuation", "neutral")]),
    ("sysB", "d1", "4", "r2", "Источник четыре.", "The fourth.", []),
]  # fmt: skip


def mqm_jsonl():
    rows = [
        {"lp": "ru-en", "domain": "news", "system": system, "human": False, "doc": doc, "seg": seg,
         "rater": rater, "src": source, "mt": mt, "complete": True,
         "spans": [{"start": a, "end": b, "category": c, "severity": s} for a, b, c, s in spans]}
        for system, doc, seg, rater, source, mt, spans in RATED
    ]  # fmt: skip
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n"


def mqm_google():
    lines = ["system\tdoc\tdoc_id\tseg_id\trater\tsource\ttarget\tcategory\tseverity"]
    for system, doc, seg, rater, source, mt, spans in RATED:
        head = f"{system}\t{doc}\t1\t{seg}\t{rater}\t{source}"
        for a, b, category, severity in spans:
            marked = f"{mt[:a]}<v>{mt[a:b]}</v>{mt[b:]}"
            lines.append(f"{head}\t{marked}\t{category}\t{severity.title()}")
        if not spans:
            lines.append(f"{head}\t{mt}\tNo-error\tno-error")
    return "\n".join(lines) + "\n"


def mqm_bio():
    lines = ["SEG_ID\tDoc\tSource\tTagged_Source\tTarget\tMT\tTagged_Target\tError Category\t"
             "Severity\tAnnotator_ID"]  # fmt: skip
    for system, doc, seg, rater, source, mt, spans in RATED:
        head = f"{seg}\t{doc}\t{source}\t\t{mt}\t{system}"
        for a, b, category, severity in spans:
            marked = f"{mt[:a]}<tag>{mt[a:b]}</tag>{mt[b:]}"
            lines.append(f"{head}\t{marked}\t{category}\t{severity.title()}\t{rater}")
        if not spans:
            lines.append(f"{head}\t\t\t\t{rater}")
    return "\n".join(lines) + "\n"
