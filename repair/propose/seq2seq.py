"""Proposals by any Hugging Face encoder-decoder, from a local folder or the hub.

An *editor* reads the MT (grammar correction, post-editing), a *translator* the source. Both
write the whole segment anew, and `propose` cuts that into edits. Weights load from safetensors or
by torch's weights-only loader; code that comes with a model is never run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from .. import models
from ..core import Finding, RepairError, Segment
from . import Hypothesis, propose_all

KINDS = ("editor", "translator")
# Inputs are padded to a multiple of this, so that the shape of what the model computes for a text
# does not depend on its neighbours in the batch.
BUCKET = 16

# How families of models spell the languages; other codes are taken as they are.
_CODES = {
    "ru": ("ru", "rus_Cyrl", "ru_RU", "rus"),
    "en": ("en", "eng_Latn", "en_XX", "eng"),
    "uk": ("uk", "ukr_Cyrl", "uk_UA", "ukr"),
    "be": ("be", "bel_Cyrl", "bel"),
}
_TRANSLATORS = {"marian", "m2m_100", "nllb-moe", "fsmt"}
_EDITOR_NAME = re.compile(
    r"\bgec\b|grammar|grammatical|correct|coedit|spell|post.?edit|proofread", re.IGNORECASE
)
_TRANSLATOR_NAME = re.compile(
    r"opus-mt|nllb|m2m|madlad|many-to-(many|one)|translat|\bmt\b|ru[-_]en", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+""")


class Seq2Seq:
    """The stage that asks an encoder-decoder how it would put each segment.

    ``model`` is a folder, a hub id, or a short name from `repair.models.hub`. ``kind`` is guessed
    where configuration, vocabulary or name leave no doubt. ``prefix`` is put before each text, as
    many editors expect ("grammar: "). ``batch_tokens`` bounds the tokens of a batch, padding and
    beams counted; it changes speed and memory only.

    A text too long for the model is split into windows of sentences; if one sentence is too long,
    the segment gets no hypothesis, nor does one whose output was not finished in the space that
    the model has. Raises `RepairError` when the model cannot be had, loaded or used.
    """

    def __init__(
        self,
        model: str | os.PathLike,
        *,
        kind: str | None = None,
        beam: int = 4,
        nbest: int = 1,
        device: str | None = None,
        threads: int | None = None,
        prefix: str | None = None,
        source_lang: str = "ru",
        target_lang: str = "en",
        batch_tokens: int = 8192,
        judge=None,
        explain: bool = False,
    ):
        self.judge, self.explain = judge, explain
        if not 1 <= nbest <= beam:
            raise RepairError(
                f"{nbest} hypotheses cannot come from a beam of {beam}.",
                mend="Use a beam at least as large as the n-best list.",
            )
        if kind not in (None, *KINDS):
            raise RepairError(f"Unknown kind {kind!r}.", mend=f"Use {' or '.join(KINDS)}.")
        self.folder, self.name = models.resolve(model)
        self.beam, self.nbest, self.threads = beam, nbest, threads
        self.batch_tokens = batch_tokens
        entry = models.known(os.fspath(model)) or models.known(self.name)
        self._load(device)
        self.kind = kind or (entry.kind if entry else None) or self._guess_kind()
        if self.kind is None:
            raise RepairError(
                f"It is not certain what the model {self.name} reads.",
                path=self.folder,
                mend="Say --fixer-kind editor (it reads the MT) or translator (it reads the source).",
            )
        self.prefix = prefix if prefix is not None else (entry.prefix if entry else None) or ""
        self.languages = f"{source_lang}-{target_lang}"
        source = target_lang if self.kind == "editor" else source_lang
        self._speak(source, target_lang)
        self._limits()
        self._spelled: dict[str, bool] = {}
        self.signature = (
            f"seq2seq:{self.name}@{_fingerprint(self.folder)},{self.kind},beam={beam},"
            f"nbest={nbest},{self.languages},prefix={self.prefix!r},"
            f"{self._device.type},transformers={version('transformers')}"
        )

    def _load(self, device: str | None) -> None:
        import torch
        import transformers

        form, _ = models.weights(self.folder)
        safe = {"trust_remote_code": False, "local_files_only": True}
        try:
            self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
            with warnings.catch_warnings(), _quiet(transformers):
                warnings.simplefilter("ignore")
                config = transformers.AutoConfig.from_pretrained(self.folder, **safe)
                mapping = transformers.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING
                if type(config) not in mapping or not config.is_encoder_decoder:
                    raise RepairError(
                        f"A model of type {config.model_type!r} is no encoder-decoder for text.",
                        path=self.folder,
                        mend="Use a translation, grammar-correction or post-editing model.",
                    )
                self._tokenizer = transformers.AutoTokenizer.from_pretrained(self.folder, **safe)
                model, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(
                    self.folder,
                    config=config,
                    weights_only=True,
                    use_safetensors=form == "safetensors",
                    dtype=torch.float32,
                    output_loading_info=True,
                    **safe,
                )
            self._model = model.eval().to(self._device)
        except RepairError:
            raise
        except Exception as error:
            # Whatever a foreign file makes the loaders raise is the file's fault, not a bug here.
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            unsafe = "weights_only" in str(error) or "Weights only" in str(error)
            raise RepairError(
                "The weights hold more than weights and were not loaded."
                if unsafe
                else f"Cannot load the model: {reason}",
                path=self.folder,
                mend="Convert it to safetensors on a machine where you trust it."
                if unsafe
                else "Check that the folder is a whole Hugging Face model.",
            ) from error
        if info["missing_keys"] or info["mismatched_keys"]:
            lacking = sorted(map(str, info["missing_keys"] or info["mismatched_keys"]))
            raise RepairError(
                f"The weights do not fit the configuration: {lacking[0]} "
                f"and {len(lacking) - 1} more are missing or differ.",
                path=self.folder,
                mend="Download the model again.",
            )

    def _guess_kind(self) -> str | None:
        family, name = self._model.config.model_type, self.name.replace("_", "-")
        vocabulary = self._tokenizer.get_vocab()
        if _EDITOR_NAME.search(name):
            return "editor"
        languages = [getattr(self._tokenizer, a, None) for a in ("source_lang", "target_lang")]
        if family == "marian" and languages[0] and languages[0] == languages[1]:
            return "editor"
        if family in _TRANSLATORS or "<2en>" in vocabulary or _TRANSLATOR_NAME.search(name):
            return "translator"
        return None

    def _speak(self, source: str, target: str) -> None:
        """Tell tokenizer and model the languages, in whatever way the family has for it."""
        tokenizer, config = self._tokenizer, self._model.config
        vocabulary = tokenizer.get_vocab()
        self._tag, bos, start = "", None, None
        if config.model_type == "fsmt" or config.model_type == "marian":
            self._check_pair(source, target)
            tags = [t for c in _codes(target) if (t := f">>{c}<<") in vocabulary]
            several = any(t.startswith(">>") and t.endswith("<<") for t in vocabulary)
            if several and not tags:
                raise self._no_language(target)
            self._tag = f"{tags[0]} " if tags else ""
        elif hasattr(tokenizer, "src_lang"):
            mine, _ = self._language(source, vocabulary)
            its, token = self._language(target, vocabulary)
            tokenizer.src_lang, tokenizer.tgt_lang = mine, its
            if type(tokenizer).__name__.startswith("MBartTokenizer"):
                start = token
            else:
                bos = token
        elif self.kind == "translator" and any(t.startswith("<2") for t in vocabulary):
            tags = [t for c in _codes(target) if (t := f"<2{c}>") in vocabulary]
            if not tags:
                raise self._no_language(target)
            self._tag = f"{tags[0]} "
        self._model.generation_config = self._settings(bos, start)

    def _check_pair(self, source: str, target: str) -> None:
        """A model of one pair of languages must be of this one."""
        names = ("src_lang", "tgt_lang") if self._model.config.model_type == "fsmt" else (
            "source_lang", "target_lang")  # fmt: skip
        own = [str(getattr(self._tokenizer, name, None) or "") for name in names]
        wrong_way = self.kind == "translator" and own[0] in _codes(target) and own[0] != own[1]
        other = len(own[1]) == 2 and own[1] not in _codes(target)
        if wrong_way or other:
            raise RepairError(
                f"The model {self.name} goes from {own[0]} to {own[1]}, not from {source} to {target}.",
                path=self.folder,
                mend="Use a model of the right direction, such as Helsinki-NLP/opus-mt-ru-en.",
            )

    def _language(self, language: str, vocabulary: dict[str, int]) -> tuple[str, int]:
        # M2M100 keeps its languages outside of the vocabulary.
        own = getattr(self._tokenizer, "lang_code_to_id", None) or {}
        for code in _codes(language):
            if code in own or code in vocabulary:
                return code, own.get(code) or vocabulary[code]
        raise self._no_language(language)

    def _no_language(self, language: str) -> RepairError:
        return RepairError(
            f"The model {self.name} has no language {language!r}.",
            path=self.folder,
            mend="Use a model of this language, or give the code that the model uses.",
        )

    def _settings(self, bos: int | None, start: int | None):
        """How to decode: by beam, never by chance, and without what would hide an unfinished text.

        ``forced_eos_token_id`` closes a text at the limit, so that it could not be told from a
        finished one; ``min_length`` makes short segments longer than they are.
        """
        import transformers

        own = self._model.generation_config

        def kept(name: str):
            value = getattr(own, name, None)
            return getattr(self._model.config, name, None) if value is None else value

        names = (
            "bos_token_id", "pad_token_id", "eos_token_id", "decoder_start_token_id",
            "forced_bos_token_id", "bad_words_ids", "no_repeat_ngram_size",
        )  # fmt: skip
        settings = {name: kept(name) for name in names if kept(name) is not None}
        if bos is not None:
            settings["forced_bos_token_id"] = bos
        if start is not None:
            settings |= {"decoder_start_token_id": start, "forced_bos_token_id": None}
        end = settings.get("eos_token_id")
        self._ends = frozenset(end if isinstance(end, list) else [end])
        return transformers.GenerationConfig(
            num_beams=self.beam,
            num_return_sequences=self.nbest,
            length_penalty=kept("length_penalty") or 1.0,
            do_sample=False,
            early_stopping=False,
            **settings,
        )

    def _limits(self) -> None:
        """The most tokens that a text may have, and its translation."""
        config, tokenizer = self._model.config, self._tokenizer
        hard = [
            getattr(config, name, None)
            for name in ("max_position_embeddings", "max_encoder_position_embeddings")
        ]
        stated = tokenizer.model_max_length
        soft = stated if stated < 100_000 else getattr(config, "n_positions", None) or 512
        self._longest = min([soft, *(h for h in hard if h)])
        room = getattr(config, "max_decoder_position_embeddings", None) or hard[0]
        self._room = (room or 2 * self._longest) - 2
        tokenizer.model_max_length = 10**9  # no warning: longer texts are dealt with here

    reads_detections = True

    def __call__(
        self, segments: Sequence[Segment], detections: Sequence = ()
    ) -> list[list[Finding]]:
        by = f"seq2seq/{self.name}"
        heard = [
            [Hypothesis(text, by, rank) for rank, text in enumerate(texts)]
            for texts in self.hypotheses(segments)
        ]
        found = propose_all(
            segments, heard, detections, self.judge, shapes=False, explain=self.explain
        )
        return [self._spellable(s.mt, some) for s, some in zip(segments, found, strict=True)]

    def hypotheses(self, segments: Sequence[Segment]) -> list[list[str]]:
        """Up to ``nbest`` hypotheses for each segment, best first; none where there is no input."""
        read = [s.mt if self.kind == "editor" else s.source or "" for s in segments]
        windows = {text: self._windows(text) for text in dict.fromkeys(read) if text.strip()}
        parts = list(dict.fromkeys(part for split in windows.values() for part in split))
        with self._threads():
            written = self._generate(parts)
        result = []
        for text in read:
            lists = [written[part] for part in windows.get(text, ())]
            # Windows are read apart, so the n-th of the whole is made of the n-th of each.
            ranks = zip(*lists, strict=False) if all(lists) else ()
            joined = (" ".join(t.strip() for t in rank) for rank in ranks)
            result.append(list(dict.fromkeys(t for t in joined if t.strip())))
        return result

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer(self._tag + self.prefix + text)["input_ids"]

    def _windows(self, text: str) -> list[str]:
        """The text whole, or in runs of sentences that fit; none if one sentence does not."""
        text = text.strip()
        if len(self._encode(text)) <= self._longest:
            return [text]
        cuts = [0, *(m.end() for m in _SENTENCE_END.finditer(text)), len(text)]
        sentences = [text[a:b] for a, b in pairwise(cuts) if text[a:b].strip()]
        windows: list[str] = []
        for sentence in sentences:
            longer = windows[-1] + sentence if windows else sentence
            if windows and len(self._encode(longer.strip())) <= self._longest:
                windows[-1] = longer
            elif len(self._encode(sentence.strip())) <= self._longest:
                windows.append(sentence)
            else:
                return []
        return [window.strip() for window in windows]

    def _generate(self, texts: Sequence[str]) -> dict[str, list[str]]:
        """The n-best list of each text; empty where no output came to its end."""
        import torch

        encoded = {text: self._encode(text) for text in texts}
        buckets: dict[int, list[str]] = {}
        for text in texts:
            buckets.setdefault(-(-len(encoded[text]) // BUCKET) * BUCKET, []).append(text)
        written: dict[str, list[str]] = {}
        for length, members in sorted(buckets.items()):
            size = max(1, self.batch_tokens // (length * self.beam))
            for start in range(0, len(members), size):
                batch = members[start : start + size]
                rows = [encoded[text] for text in batch]
                width = min(length, self._longest)
                pad = self._tokenizer.pad_token_id
                ids = torch.tensor([r + [pad] * (width - len(r)) for r in rows])
                mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows])
                with torch.inference_mode():
                    output = self._model.generate(
                        input_ids=ids.to(self._device),
                        attention_mask=mask.to(self._device),
                        max_new_tokens=min(self._room, length + length // 2 + 24),
                    )
                for index, text in enumerate(batch):
                    ends = output[index * self.nbest : (index + 1) * self.nbest].tolist()
                    written[text] = self._decode([row for row in ends if self._finished(row)])
        return written

    def _finished(self, row: Sequence[int]) -> bool:
        return any(token in self._ends for token in row[1:])  # some decoders also start with it

    def _decode(self, rows: list[list[int]]) -> list[str]:
        """Texts of outputs, without the start and language tokens that not every tokenizer knows."""
        bare = []
        for row in rows:
            body = row[1:]
            if body and body[0] == self._model.generation_config.forced_bos_token_id:
                body = body[1:]
            end = next((i for i, token in enumerate(body) if token in self._ends), len(body))
            bare.append(body[:end])
        return self._tokens_to_texts(bare)

    def _tokens_to_texts(self, rows: list[list[int]]) -> list[str]:
        return self._tokenizer.batch_decode(
            rows, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def _spellable(self, mt: str, findings: list[Finding]) -> list[Finding]:
        """Without edits that only lack a character because the model has no way to write it."""
        spoiled = set()
        for finding in findings:
            for candidate in finding.candidates:
                edit = candidate.edit
                lost = set(mt[edit.start : edit.end]) - set(edit.text)
                if any(not self._can_write(sign) for sign in lost):
                    spoiled.add(candidate.group)
        return [f for f in findings if not any(c.group in spoiled for c in f.candidates)]

    def _can_write(self, sign: str) -> bool:
        if sign.isascii() and (sign.isalnum() or sign in " .,;:!?'\"-()"):
            return True
        if sign not in self._spelled:
            target = "text_target" if self.kind == "translator" else "text"
            ids = self._tokenizer(**{target: f"a {sign} a"})["input_ids"]
            self._spelled[sign] = sign in self._tokens_to_texts([ids])[0]
        return self._spelled[sign]

    @contextlib.contextmanager
    def _threads(self) -> Iterator[None]:
        """The wanted number of CPU threads while the model works, since torch's is global."""
        import torch

        before = torch.get_num_threads()
        if self.threads:
            torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def close(self) -> None:
        """Let go of the model's memory."""
        self._model = None


def _codes(language: str) -> tuple[str, ...]:
    return _CODES.get(language, (language,))


def _fingerprint(folder: Path) -> str:
    """A digest of all that decides what the model writes: configuration, tokenizer, weights."""
    digest = hashlib.sha256()
    _, weights = models.weights(folder)
    sides = (p for p in sorted(folder.iterdir()) if p.suffix in (".json", ".model", ".spm", ".txt"))
    for path in (*sides, *weights):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def _quiet(transformers) -> Iterator[None]:
    """No progress bars and no advice from transformers, which would go to the user's terminal."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
