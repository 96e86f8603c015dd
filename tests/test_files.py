"""Files: what was read comes back byte for byte, and what cannot be read is named and mended."""

import bz2
import gzip
import io
import json
import lzma
import os
import sys
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import RepairError
from repair.files import FORMATS, open_input, write_texts
from repair.files.streams import atomic_writer, check_output, guess_encodings

READERS = {".gz": gzip.decompress, ".xz": lzma.decompress, ".bz2": bz2.decompress}


def write(path, data):
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def copied(path, out, change=lambda segment: segment.mt, **options):
    """The file as it comes back with every text changed by ``change``."""
    opened = open_input(path, **options)
    header = json.loads(json.dumps(opened.header()))
    write_texts(out, header, ((s, change(s)) for s in opened), force=True)
    return out.read_bytes()


# Laws

ends = st.sampled_from(["\n", "\r\n", "\n\n", "\r", " \n"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
documents = st.lists(st.tuples(texts, ends), min_size=1, max_size=12).map(
    lambda pairs: "".join(text + end for text, end in pairs)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@settings(max_examples=80, deadline=None)
@given(
    document=documents | texts.filter(bool),
    bom=st.booleans(),
    format=st.sampled_from(["text", "lines"]),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-be"]),
)
def test_text_comes_back_byte_for_byte(folder, document, bom, format, encoding):
    document = document.replace("\0", "").lstrip("\ufeff")
    if not document or (format == "text" and not document.strip()):
        return
    data = (("\ufeff" if bom else "") + document).encode(encoding)
    path = write(folder / "in", data)
    assert copied(path, folder / "out", format=format, encoding=encoding) == data


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    all_quoted=st.booleans(),
    last=st.booleans(),
)
def test_csv_as_other_programs_write_it(folder, rows, delimiter, end, all_quoted, last):
    import csv

    # Unquoted, a carriage return before a line feed cannot be told from a line end.
    if not all_quoted:
        rows = [tuple(cell.replace("\r", "") for cell in row) for row in rows]
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["note", "mt", "source"])
    writer.writerows(rows)
    text = out.getvalue() if last else out.getvalue().removesuffix(end)
    path = write(folder / "in.csv", text)
    opened = open_input(path)
    assert [(s.mt, s.source) for s in opened] == [(mt, src or None) for _, mt, src in rows]
    assert copied(path, folder / "out.csv") == text.encode()
    # Changed texts are read back as they were written, by Python's reader as well.
    changed = copied(path, folder / "out.csv", lambda s: s.mt + ' "x"; y,\t').decode()
    found = list(csv.reader(io.StringIO(changed, newline=""), delimiter=delimiter))
    assert [row[1] for row in found[1:]] == [mt + ' "x"; y,\t' for _, mt, _ in rows]
    assert [(row[0], row[2]) for row in found[1:]] == [(note, src) for note, _, src in rows]


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(
        st.tuples(cells, st.dictionaries(cells, st.none() | st.integers() | cells | st.lists(cells), max_size=3)),
        min_size=1, max_size=6,
    ),
    compact=st.booleans(),
    escaped=st.booleans(),
)  # fmt: skip
def test_json_lines(folder, rows, compact, escaped):
    separators = (",", ":") if compact else (" ,  ", " : ")
    kept = [{f"x-{k}": v for k, v in more.items()} | {"mt": mt} for mt, more in rows]
    text = "\n\n".join(json.dumps(r, ensure_ascii=escaped, separators=separators) for r in kept)
    path = write(folder / "in.jsonl", text)
    assert [s.mt for s in open_input(path)] == [mt for mt, _ in rows]
    assert copied(path, folder / "out.jsonl") == text.encode()
    changed = copied(path, folder / "out.jsonl", lambda s: s.mt + '"\n😀').decode()
    found = [json.loads(line) for line in changed.split("\n") if line]
    assert found == [row | {"mt": row["mt"] + '"\n😀'} for row in kept]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6), end=ends)
def test_tsv(folder, rows, end):
    clean = [[c.translate(dict.fromkeys(b"\t\n\r")) for c in row] for row in rows]
    end = end.strip(" ").replace("\r\n", "\n").replace("\r", "\n")
    text = end.join(["Source\tMT\tother", *("\t".join(row) for row in clean)])
    path = write(folder / "in.tsv", text)
    assert [s.mt for s in open_input(path)] == [row[1] for row in clean]
    assert copied(path, folder / "out.tsv") == text.encode()


def test_a_changed_text_changes_nothing_else(tmp_path):
    data = "\ufeffOne. Two.\r\n\r\n  Three!\n"
    path = write(tmp_path / "a.txt", data)
    out = copied(path, tmp_path / "b.txt", lambda s: "2." if s.mt == "Two." else s.mt)
    assert out.decode() == data.replace("Two.", "2.")


def test_what_a_line_cannot_hold_becomes_a_space(tmp_path):
    path = write(tmp_path / "a.tsv", "mt\tx\na\tb\n")
    assert copied(path, tmp_path / "b.tsv", lambda s: "1\t2\r\n3\n") == b"mt\tx\n1 2 3 \tb\n"
    path = write(tmp_path / "a.txt", "a\nb")
    out = copied(path, tmp_path / "b.txt", lambda s: s.mt + "\n.\r", format="lines")
    assert out == b"a . \nb . "


@pytest.mark.parametrize("suffix", READERS)
def test_compression_by_suffix(tmp_path, suffix):
    plain = write(tmp_path / "a.tsv", "id\tmt\n1\ta\n")
    data = copied(plain, tmp_path / f"a.tsv{suffix}")
    assert READERS[suffix](data) == plain.read_bytes()
    packed = tmp_path / f"a.tsv{suffix}"
    assert open_input(packed).header()["format"] == "tsv"
    assert copied(packed, tmp_path / "b.tsv") == plain.read_bytes()
    assert copied(packed, tmp_path / f"c.tsv{suffix}") == data


def test_fields_and_their_names(tmp_path):
    path = write(
        tmp_path / "a.tsv",
        "Seg-ID\tDoc\tsrc\tMT\tref\tReference 2\tpe\tscore\n"
        "a\td1\tДа\tYes\tYes!\tYeah\tYes.\t1\nb\t\t\tNo\t\t\t\t2\n",
    )
    one, two = open_input(path)
    assert (one.id, one.doc, one.source, one.mt) == ("a", "d1", "Да", "Yes")
    assert (one.references, one.post_edit) == (("Yes!", "Yeah"), "Yes.")
    assert (two.doc, two.source, two.references, two.post_edit) == ("a.tsv", None, (), None)


def test_fields_of_json(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"mt": "a", "id": 7, "refs": ["x", "y"], "doc": null}\n')
    (segment,) = open_input(path)
    assert (segment.id, segment.references, segment.doc) == ("7", ("x", "y"), "a.jsonl")


def test_columns_with_names_of_their_own(tmp_path):
    path = write(tmp_path / "a.csv", "src,mt,Target\nД,old,new\n")
    (segment,) = open_input(path, columns={"mt": "Target"})
    assert (segment.mt, segment.source) == ("new", "Д")
    assert copied(path, tmp_path / "b.csv", lambda s: "X", columns={"mt": "Target"}) == (
        b"src,mt,Target\n\xd0\x94,old,X\n"
    )


def test_aligned_lines(tmp_path):
    mt = write(tmp_path / "a.en", "one\r\n\r\nthree")
    source = write(tmp_path / "a.ru", "\ufeffодин\nдва\nтри\n")
    reference = write(tmp_path / "ref", "One.\nTwo.\nThree.\n")
    opened = open_input(mt, source=source, references=[reference, reference], post_edit=reference)
    found = list(opened)
    assert [s.id for s in found] == ["1", "2", "3"]
    assert [s.mt for s in found] == ["one", "", "three"]
    assert [s.source for s in found] == ["один", "два", "три"]
    assert found[1].references == ("Two.", "Two.") and found[1].post_edit == "Two."
    assert list(opened) == found
    assert copied(mt, tmp_path / "out", source=source) == mt.read_bytes()


def test_ids_that_come_twice_are_told_apart(tmp_path):
    warnings = []
    path = write(tmp_path / "a.tsv", "id\tmt\nx\ta\nx\tb\nx#2\tc\nx\td\n\te\n")
    ids = [s.id for s in open_input(path, warn=warnings.append)]
    assert ids == ["x", "x#2", "x#2#2", "x#3", "5"]
    assert len(warnings) == 1 and ":3: the id 'x' came before" in warnings[0]


def test_standard_input_and_output(tmp_path, monkeypatch, capfdbinary):
    stdin = io.TextIOWrapper(io.BytesIO("\ufeffmt\nДа\n".encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    opened = open_input("-", format="tsv")
    found = list(opened)
    assert found[0].doc == "stdin"
    with pytest.raises(RepairError, match="only once"):
        list(opened)
    write_texts("-", opened.header(), [(found[0], "Yes")])
    assert capfdbinary.readouterr().out == "\ufeffmt\nYes\n".encode()


def test_other_encodings_on_request(tmp_path):
    for encoding in ("cp1251", "koi8-r", "cp866", "utf-16", "utf-16-be", "utf-8-sig"):
        data = "Он сказал: да.\r\nНет. Ещё\n".encode(encoding)
        path = write(tmp_path / "a.txt", data)
        opened = open_input(path, encoding=encoding)
        assert [s.mt for s in opened] == ["Он сказал: да.", "Нет.", "Ещё"]
        assert copied(path, tmp_path / "b.txt", encoding=encoding) == data


def test_a_sign_that_the_encoding_lacks(tmp_path):
    path = write(tmp_path / "a.txt", "да".encode("cp1251"))
    with pytest.raises(RepairError, match=r"“😀”.*segment '1'.*cp1251.*--encoding utf-8"):
        copied(path, tmp_path / "b.txt", lambda s: "😀", encoding="cp1251")
    assert not (tmp_path / "b.txt").exists()
    opened = open_input(path, encoding="cp1251")
    pairs = [(s, "😀") for s in opened]
    write_texts(tmp_path / "b.txt", opened.header(), pairs, encoding="utf-8")
    assert (tmp_path / "b.txt").read_text() == "😀"


# Bad input

RUSSIAN = "Министр заявил, что переговоры продолжатся. Стороны согласовали повестку дня."


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866", "iso8859-5", "utf-16"])
def test_the_error_says_what_the_file_may_be(tmp_path, encoding):
    path = write(tmp_path / "a.txt", (RUSSIAN + "\n").encode(encoding))
    with pytest.raises(RepairError) as caught:
        list(open_input(path))
    assert caught.value.line == 1
    name = {"utf-16": "utf-16"}.get(encoding, encoding)
    assert f"--encoding {name}" in str(caught.value)
    assert guess_encodings(RUSSIAN.upper().encode(encoding))[0].startswith(name)


def test_the_error_names_the_line(tmp_path):
    data = ("plain\n" * 4999).encode() + "“Так”".encode("cp1251") + b"\n"
    path = write(tmp_path / "a.txt", data)
    with pytest.raises(RepairError, match=r"a.txt:5000: The text is not UTF-8.*cp1251.*“Так”"):
        list(open_input(path))
    path = write(tmp_path / "b.txt", b"It was \x93late\x94, he said \x96 too late.\n")
    with pytest.raises(RepairError, match=r"cp125[12]"):
        list(open_input(path))
    path = write(tmp_path / "c.txt", "ab\ncd\n\U0001f600".encode("utf-16-le")[:-1])
    with pytest.raises(RepairError, match=r"c.txt:3: .*no text in utf-16-le"):
        list(open_input(path, encoding="utf-16-le"))


BAD = {
    "empty": ("a.txt", b"", "The file is empty"),
    "only a mark": ("a.txt", b"\xef\xbb\xbf", "The file is empty"),
    "blank": ("a.txt", b" \n\n", "holds no text"),
    "only a header": ("a.tsv", b"id\tmt\n", "holds no rows"),
    "no mt": ("a.tsv", b"id\ttarget\nx\ty\n", r"a.tsv:1: There is no column 'mt'; there are 'id', 'target'.*--column mt=NAME"),
    "two of them": ("a.tsv", b"mt\ttranslation\na\tb\n", "Two columns hold the mt: 'mt' and 'translation'"),
    "ragged": ("a.tsv", b"id\tmt\n1\ta\n2\tb\tc\n", "a.tsv:3: The row has 3 columns, the header 2"),
    "short": ("a.csv", b"id,mt,x\n1,a\n", "a.csv:2: The row has 2 columns, the header 3"),
    "open quote": ("a.csv", b'id,mt\n1,a\n2,"b\n3,c\n', "a.csv:3: A quote is opened"),
    "bad json": ("a.jsonl", b'{"mt": "a"}\n{"mt": "b",}\n', "a.jsonl:2: Not a JSON object, at column 12"),
    "cut json": ("a.jsonl", b'{"mt": "a"}\n{"mt": "b\n', "a.jsonl:2: Not a JSON object, at column 8: Unterminated"),
    "more json": ("a.jsonl", b'{"mt": "a"} x\n', "a.jsonl:1: Not a JSON object, at column 13: Extra data"),
    "an array": ("a.jsonl", b'[{"mt": "a"}]\n', "a.jsonl:1: .*jq -c"),
    "deep": ("a.jsonl", b'{"mt": ' + b"[" * 100_000 + b"\n", "a.jsonl:1: Not a JSON object"),
    "not a text": ("a.jsonl", b'{"mt": 5}\n', "a.jsonl:1: The field 'mt' is 5, not a text"),
    "null": ("a.jsonl", b'{"mt": null}\n', "a.jsonl:1: There is no column 'mt'"),
    "no field": ("a.jsonl", b'{"mt": "a"}\n{"source": "b"}\n', "a.jsonl:2: There is no column 'mt'; there are 'source'"),
    "surrogate": ("a.jsonl", b'{"mt": "a\\ud83d"}\n', "a.jsonl:1: .*half a surrogate pair"),
    "cesu": ("a.txt", b"ok\na\xed\xa0\x80b\n", "a.txt:2: The text is not UTF-8"),
    "gzip inside": ("a.txt", gzip.compress(b"a"), "compressed.*Rename it to .*a.txt.gz"),
    "not gzip": ("a.txt.gz", b"plain text\n", "cut off or damaged"),
    "cut gzip": ("a.txt.gz", gzip.compress(os.urandom(3000).hex().encode())[:-900], "cut off or damaged"),
    "word": ("a.docx", b"PK", "Files of the kind .docx are not read.*Export it as text"),
    "zip": ("a.txt", b"PK\x03\x04\xff\xfe", "a document of another program"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(tmp_path, name):
    file, data, message = BAD[name]
    path = write(tmp_path / file, data)
    with pytest.raises(RepairError, match=message) as caught:
        list(open_input(path))
    assert str(caught.value).startswith(str(path)) and caught.value.mend


def test_bad_names(tmp_path):
    path = write(tmp_path / "a.txt", "a\n")
    for arguments, message in (
        ({"path": tmp_path / "none.txt"}, "no such file"),
        ({"path": tmp_path}, "is a directory"),
        ({"path": path, "encoding": "klingon"}, "Unknown encoding 'klingon'"),
        ({"path": path, "encoding": "base64"}, "Unknown encoding"),
        ({"path": path, "format": "xml"}, "Unknown format 'xml'.*text, lines, tsv, csv, jsonl"),
        ({"path": path, "source": path, "format": "text"}, "--format lines"),
        ({"path": path, "source": path, "format": "tsv"}, "either columns or line-aligned"),
        ({"path": "-", "source": "-"}, "Only one"),
        ({"path": path, "source": tmp_path / "none"}, "no such file"),
        ({"path": path, "format": "tsv", "columns": {"mt": "zz"}}, "no column 'zz'"),
    ):
        with pytest.raises(RepairError, match=message):
            open_input(**arguments)
    assert set(FORMATS) == {"text", "lines", "tsv", "csv", "jsonl"}


@pytest.mark.parametrize("lost", [0, 31, 59])
def test_unequal_line_counts_name_the_place(tmp_path, lost):
    lengths = [5 + (i * 37) % 83 for i in range(60)]
    source = [f"{i} " + "д" * n for i, n in enumerate(lengths)]
    mt = [f"{i} " + "d" * int(n * 1.2) for i, n in enumerate(lengths)]
    del mt[lost]
    one = write(tmp_path / "a.en", "\n".join(mt) + "\n")
    two = write(tmp_path / "a.ru", "\n".join(source) + "\n")
    with pytest.raises(RepairError, match=r"a.ru has 60 lines, .*a.en 59") as caught:
        open_input(one, source=two)
    assert abs(caught.value.line - (lost + 1)) <= 1
    with pytest.raises(RepairError, match=r"a.en has 59 lines, .*a.ru 60"):
        open_input(two, references=[one])


def test_unequal_line_counts_of_standard_input(tmp_path, monkeypatch):
    path = write(tmp_path / "a.ru", "a\nb\n")
    for text, message in (("1\n2\n3\n", "has 2 lines, - at least 3"), ("1\n", "has more than 1")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        with pytest.raises(RepairError, match=message):
            list(open_input("-", source=path))


def test_odd_text_is_kept_and_told(tmp_path):
    warnings = []
    data = "a\x00b \x1b[31m\n\u202eאבג 😀 e\u0301\n" + "x" * 1_000_000 + " \n"
    path = write(tmp_path / "a.txt", data)
    found = list(open_input(path, format="lines", warn=warnings.append))
    assert [len(s.mt) for s in found] == [9, 9, 1_000_001]
    assert any(":1: a control character (U+0000)" in w for w in warnings)
    assert any(":3: a segment of 1,000,001 characters" in w for w in warnings)
    for format in ("text", "lines"):
        assert copied(path, tmp_path / "b.txt", format=format) == data.encode()


# Output


def test_output_is_whole_or_absent(tmp_path):
    path = tmp_path / "out.txt"
    with pytest.raises(KeyboardInterrupt), atomic_writer(path) as out:
        out.write(b"half")
        assert not path.exists() and (tmp_path / "out.txt.part").exists()
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
    with atomic_writer(path, encoding="utf-8") as out:
        out.write("a\r\nд")
    assert path.read_bytes() == "a\r\nд".encode()
    with pytest.raises(RepairError, match=r"exists.*--force"), atomic_writer(path) as out:
        raise AssertionError("must not begin")
    os.chmod(path, 0o640)
    with atomic_writer(path, force=True) as out:
        out.write(b"new")
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out.txt"]


def test_output_that_came_meanwhile_is_kept(tmp_path):
    path = tmp_path / "out.txt"
    with pytest.raises(RepairError, match="meanwhile"), atomic_writer(path) as out:
        out.write(b"ours")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["out.txt"]


def test_output_through_a_link_keeps_the_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "a.txt")
    with atomic_writer(link) as out:
        out.write(b"x")
    assert link.is_symlink() and (tmp_path / "real" / "a.txt").read_bytes() == b"x"


def test_output_that_cannot_be(tmp_path):
    with pytest.raises(RepairError, match=r"does not exist.*mkdir -p"):
        check_output(tmp_path / "no" / "a.txt")
    with pytest.raises(RepairError, match="is a directory"):
        check_output(tmp_path)
    check_output("-")


def test_full_disk(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    message = "cannot be written: No space left"
    with pytest.raises(RepairError, match=message), atomic_writer("/dev/full") as out:
        out.write(b"x" * 100_000)
    # A file that is full half way: nothing of it is left.
    part = tmp_path / "a.txt.part"
    part.symlink_to("/dev/full")
    with (
        pytest.raises(RepairError, match="No space left"),
        atomic_writer(tmp_path / "a.txt") as out,
    ):
        out.write(b"x" * 100_000)
    assert os.listdir(tmp_path) == []


# Size


def test_a_hundred_thousand_lines(tmp_path):
    lines = [f"The {i}th line of the file, which is short.{chr(13) * (i % 3 == 0)}" for i in range(100_000)]  # fmt: skip
    path = write(tmp_path / "a.txt", "\n".join(lines))
    assert copied(path, tmp_path / "b.txt", format="lines") == path.read_bytes()


def test_memory_does_not_grow_with_the_input(tmp_path):
    def peak(count):
        path = write(
            tmp_path / "a.tsv", "id\tmt\n" + "".join(f"{i}\t{'w ' * 50}\n" for i in range(count))
        )
        opened = open_input(path)
        tracemalloc.start()
        write_texts(tmp_path / "b.tsv", opened.header(), ((s, s.mt) for s in opened), force=True)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    # The ids that were seen take 16 to 48 bytes each, the lines none.
    assert peak(20_000) - peak(2_000) < 18_000 * 50
