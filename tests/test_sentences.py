"""Sentences: nothing is lost, and full stops that end nothing end nothing."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.files.sentences import LONGEST, lines, split, stream, wrapped

news = st.lists(
    st.sampled_from(
        ["He said", " ", ". ", "\"", "”", "“", "'", "U.S.", "…", "\n", "\r\n", "\r", "\u2028", "(", ")",
         "\x00", "😀", "Привет", "1. ", "? ", "!", "- ", "the", "Mr. ", "\ufeff", "\xa0", "e\u0301"]
    )
).map("".join)  # fmt: skip
anything = st.text() | news


@given(anything)
def test_ranges_are_in_order_and_leave_out_whitespace_only(text):
    position = 0
    for start, end in split(text):
        assert text[position:start].strip() == ""
        assert position <= start < end
        assert text[start:end] == text[start:end].strip()
        position = end
    assert text[position:].strip() == ""


@given(anything)
def test_lines_concatenated_are_the_text(text):
    assert "".join(lines(text)) == text


@given(anything)
def test_gaps_and_sentences_concatenated_are_the_text(text):
    numbered = enumerate(text.splitlines(keepends=True), 1)
    found = list(stream(numbered))
    assert "".join(gap + sentence for _, gap, sentence in found) == text
    assert all(sentence for _, _, sentence in found[:-1])


# A bar marks each place where one sentence ends and the next begins.
CASES = """
He spoke of dialogue, ”said Orlov.| The sides went to“ gain time … ”of the talks.| They left.
"We differ in details, but we are obliged to find what we are in ”, the agency quotes.| He left.
"We will not leave."| He added: "Never."| The end.
"It is late.| We stay.| We wait," the envoy said.| Nobody moved.
“It is over,” he said.| “Go home.”| She went.
" It will be seen ." - said the minister .| " That is not our way . "| The end .
"Why?" he asked.| "Because!" was the answer.
He said: "This is it!" and left.
V. V. Petrov met J. R. Brown in the U.S. on Monday.| The talks began.
Yu. A. Sidorov and Zh. Ivanova came.| Kh. Aliev did not.
He lives in St. Petersburg, at No. 5, Mr. Ivanov said.| Rates rose 3.5 percent.| It fell.
The U.N. Security Council met at 5 p.m. Moscow time.| It ended late.
Well... he left.| And so on… but not he.
It will be +15... +17 degrees.| The wind is weak.
1. First item.| 2. Second item.
The ministry (see p. 5. It is long.) said so.| Was it?| Yes!| No?!| Really.
He paid 1.5 mln. rubles.| In 2014 g. Moscow grew by 5 thous. people.
On Oct. 5 Ltd. companies, i.e. small ones, etc., closed.| Gen. Orlov agreed.
He said.He left.| See www.example.ru.| Write to a.b@example.ru.| Done.
Lenta.Ru wrote of it.| Mail.Ru Group did not.
'We go,' he said.| 'Now.'| They don't.
«Да», — он сказал.| «Нет».
The workers' union agreed.| The Smiths' did not.
The band Hey You! is back.| It plays.
"""


def unbarred(line):
    return line.replace("|", ""), [part.strip() for part in line.split("|")]


@pytest.mark.parametrize("line", CASES.strip().splitlines())
def test_hard_news(line):
    text, expected = unbarred(line.replace("said.He", "said.|He"))
    assert [text[start:end] for start, end in split(text)] == expected


def sentences_of(text):
    return [s for _, _, s in stream(enumerate(text.splitlines(keepends=True), 1)) if s]


def test_every_line_break_ends_a_segment():
    text = (
        "A headline without a stop\n\nThe first paragraph. It goes on\nA list item\nanother item\n"
    )
    assert sentences_of(text) == [
        "A headline without a stop",
        "The first paragraph.",
        "It goes on",
        "A list item",
        "another item",
    ]


WRAPPED = """\
The minister told reporters after the meeting that the sides would
continue the consultations next week, although none of the questions
on the agenda had been settled. He would not name the place where the
delegations are to meet, and declined to say who would lead them.
"""


def test_hard_wrapped_text_is_read_across_its_line_breaks():
    found = sentences_of(WRAPPED + "\n" + WRAPPED)
    assert len(found) == 4
    assert found[0].startswith("The minister") and found[0].endswith("settled.")


def test_lines_that_are_not_wrapped():
    assert wrapped(WRAPPED.splitlines())
    assert not wrapped(WRAPPED.splitlines()[:3])  # too few to tell
    assert not wrapped(["One sentence stands here on each line of this text."] * 9)
    assert not wrapped(["short", "lines", "of a", "poem"])
    assert not wrapped([line + " and so on " * 20 for line in WRAPPED.splitlines()])


def test_what_has_no_full_stop_is_cut_at_a_weaker_place():
    text = "this and that, " * 1000
    found = split(text)
    assert all(end - start <= LONGEST for start, end in found)
    assert all(text[end - 1] == "," for _, end in found)
    assert len(split("x" * (3 * LONGEST))) == 3


@pytest.mark.parametrize(
    "piece", ["“ A. ", "\" A. ", "( A. ", ". ", "a.", "A.B", "[(", "…", "' a.' B", "5. ", "A! ”", "\x00. "]
)  # fmt: skip
def test_time_grows_with_length_not_with_its_square(piece):
    text = piece * (60_000 // len(piece))
    begin = time.process_time()
    split(text)
    assert time.process_time() - begin < 4  # seconds; in quadratic time it would be minutes


@settings(max_examples=25)
@given(st.lists(news, max_size=20))
def test_numbers_are_those_of_the_lines(parts):
    numbered = list(enumerate((p.replace("\n", " ") + "\n" for p in parts), 1))
    for number, _, sentence in stream(numbered):
        if sentence and "\n" not in sentence:
            assert any(sentence in line for n, line in numbered if n == number)
