"""Tracked changes: a Word document whose insertions and deletions a person accepts or rejects there.

WordprocessingML is written directly (ECMA-376, part 1, sections 17.13.5 for revisions and 17.13.4
for comments): one paragraph a segment, ``w:ins`` and ``w:del`` for each edit with its producer as
the author, and the reason as a comment. The document is streamed into the archive.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from ..core import Edit, Record, Suggestion
from ..files.streams import atomic_writer
from .views import Chooser, level, offered

_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# What XML 1.0 cannot hold, in any form.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Documents are the same for the same run: the archive keeps no time of its own.
_TIME = (1980, 1, 1, 0, 0, 0)
_FIXED_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        + "".join(
            f'<Override PartName="/word/{name}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
            for name, kind in (
                ("document", "document.main"), ("styles", "styles"), ("comments", "comments"),
            )
        )
        + "</Types>"
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
    ),
    "word/_rels/document.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/comments" Target="comments.xml"/>'
        "</Relationships>"
    ),
    "word/styles.xml": (
        f'<w:styles xmlns:w="{_MAIN}"><w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="en-US"/>'
        '</w:rPr></w:rPrDefault></w:docDefaults><w:style w:type="paragraph" w:default="1" '
        'w:styleId="Normal"><w:name w:val="Normal"/><w:pPr><w:spacing w:after="120"/></w:pPr>'
        '</w:style><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/>'
        '<w:basedOn w:val="Normal"/><w:pPr><w:keepNext/><w:outlineLvl w:val="0"/></w:pPr>'
        '<w:rPr><w:b/><w:sz w:val="28"/></w:rPr></w:style><w:style w:type="paragraph" '
        'w:styleId="Source"><w:name w:val="Source"/><w:basedOn w:val="Normal"/><w:rPr>'
        '<w:i/><w:color w:val="595959"/><w:lang w:val="ru-RU"/></w:rPr></w:style></w:styles>'
    ),
}  # fmt: skip


def write_tracked_changes(
    records: Iterable[Record],
    output: str | Path | IO[bytes],
    *,
    choose: Chooser = offered,
    with_source: bool = False,
    date: datetime | None = None,
    force: bool = False,
) -> None:
    """Write the MT with the chosen edits as tracked changes.

    Accepting all changes gives the text with all edits, rejecting all gives the MT. Documents get
    a heading, ``with_source`` puts the source above each segment. Characters that XML cannot hold
    become U+FFFD. Raises `RepairError` if the file exists and ``force`` is not given.
    """
    if not isinstance(output, str | Path):
        _write(records, output, choose, with_source, date)
        return
    with atomic_writer(output, force=force) as stream:
        _write(records, stream, choose, with_source, date)


def _write(records, stream: IO[bytes], choose, with_source, date) -> None:
    moment = (date or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    revisions = _Revisions(moment)
    # The comments are another part of the archive, and only one part can be written at a time.
    with (
        tempfile.SpooledTemporaryFile(1 << 20) as comments,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in _FIXED_PARTS.items():
            archive.writestr(_entry(name), _HEAD + content)
        with archive.open(_entry("word/document.xml"), "w", force_zip64=True) as document:
            document.write(f'{_HEAD}<w:document xmlns:w="{_MAIN}"><w:body>'.encode())
            for paragraph in _paragraphs(records, choose, with_source, revisions):
                document.write(paragraph.encode())
                comments.write("".join(revisions.taken_comments()).encode())
            document.write(b"<w:sectPr/></w:body></w:document>")
        comments.seek(0)
        with archive.open(_entry("word/comments.xml"), "w", force_zip64=True) as part:
            part.write(f'{_HEAD}<w:comments xmlns:w="{_MAIN}">'.encode())
            shutil.copyfileobj(comments, part)
            part.write(b"</w:comments>")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _paragraphs(records, choose: Chooser, with_source: bool, revisions: _Revisions):
    doc = None
    for record in records:
        segment = record.segment
        if segment.doc and segment.doc != doc:
            doc = segment.doc
            yield _paragraph(_run(doc), "Heading1")
        if with_source and segment.source is not None:
            yield _paragraph(_run(segment.source), "Source")
        yield _paragraph("".join(_changes(record, choose(record), revisions)))


def _changes(record: Record, chosen, revisions: _Revisions) -> Iterator[str]:
    mt, position = record.segment.mt, 0
    for suggestion, edit in chosen:
        yield _run(mt[position : edit.start])
        yield revisions.change(mt, suggestion, edit)
        position = edit.end
    yield _run(mt[position:])


class _Revisions:
    """Numbers the revisions and comments of a document and words them."""

    def __init__(self, moment: str):
        self.moment, self.count, self.comments = moment, 0, []

    def change(self, mt: str, suggestion: Suggestion, edit: Edit) -> str:
        author = f"mt-repair, {suggestion.candidates[0].by}" if suggestion.candidates else "person"
        number, about = self._comment(suggestion, author)
        parts = [f'<w:commentRangeStart w:id="{number}"/>']
        if old := mt[edit.start : edit.end]:
            parts.append(f"<w:del {self._mark(author)}>{_run(old, 'delText')}</w:del>")
        if edit.text:
            parts.append(f"<w:ins {self._mark(author)}>{_run(edit.text)}</w:ins>")
        parts.append(f'<w:commentRangeEnd w:id="{number}"/>')
        parts.append(f'<w:r><w:commentReference w:id="{number}"/></w:r>')
        self.comments.append(about)
        return "".join(parts)

    def _mark(self, author: str) -> str:
        self.count += 1
        return f'w:id="{self.count}" w:author={_attribute(author)} w:date="{self.moment}"'

    def _comment(self, suggestion: Suggestion, author: str) -> tuple[int, str]:
        self.count += 1
        span = suggestion.span
        sure = f"{level(suggestion.confidence)} ({suggestion.confidence:.2f})"
        words = f"{span.category}, {span.severity}, {sure}"
        others = [f"“{c.edit.text}”" for c in suggestion.candidates[1:]]
        lines = [words, span.message, f"Or: {', '.join(others)}" if others else ""]
        body = "".join(_paragraph(_run(line)) for line in lines if line)
        mark = f'w:id="{self.count}" w:author={_attribute(author)} w:date="{self.moment}"'
        return self.count, f'<w:comment {mark} w:initials="mt">{body}</w:comment>'

    def taken_comments(self) -> list[str]:
        taken, self.comments = self.comments, []
        return taken


def _paragraph(runs: str, style: str | None = None) -> str:
    about = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{about}{runs}</w:p>"


def _run(text: str, tag: str = "t") -> str:
    """A run of text; tabs and line ends have elements of their own."""
    parts = []
    for piece in re.split(r"(\t|\r\n|\n|\r)", text):
        if piece == "\t":
            parts.append("<w:tab/>")
        elif piece in ("\n", "\r", "\r\n"):
            parts.append("<w:br/>")
        elif piece:
            parts.append(f'<w:{tag} xml:space="preserve">{escape(_possible(piece))}</w:{tag}>')
    return f"<w:r>{''.join(parts)}</w:r>" if parts else ""


def _attribute(text: str) -> str:
    return quoteattr(_possible(text)[:200])


def _possible(text: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", text)
