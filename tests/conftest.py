"""What several test files share: tiny seeded encoder-decoders, built on the spot with no network."""

import io
import json
import os

import pytest

# Before any test imports them: nothing is ever looked for on the hub, and two cores are enough.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

SAMPLE = """The minister said on Tuesday that the talks would go on. He did not say where or when.
Oil prices fell after the bank had raised its rate. Nobody was hurt, the ministry said in a report.
The court in the capital let the man go. A new law on taxes comes into force in January, they said.
Министр заявил во вторник, что переговоры продолжатся. Он не сказал, где и когда.
Цены на нефть упали после того, как банк поднял ставку. Никто не пострадал, говорится в докладе.
Суд в столице отпустил мужчину. Новый закон о налогах вступает в силу в январе, сказали они.
"""
SIZE = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
        "tie_word_embeddings": False}  # fmt: skip


def sentencepiece_model(path, **options):
    """A small unigram vocabulary trained on the sample; returns its pieces."""
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SAMPLE.splitlines()),
        model_writer=written,
        vocab_size=160,
        hard_vocab_limit=False,
        minloglevel=2,
        **options,
    )
    path.write_bytes(written.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    return [processor.id_to_piece(i) for i in range(processor.get_piece_size())]


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def build_marian(folder, tags=(), **tokenizer):
    from transformers import MarianConfig, MarianMTModel

    pieces = sentencepiece_model(folder / "source.spm")
    sentencepiece_model(folder / "target.spm")
    vocabulary = {p: i for i, p in enumerate(["</s>", "<unk>", *pieces[3:], *tags, "<pad>"])}
    write_json(folder / "vocab.json", vocabulary)
    settings = {"source_lang": "ru", "target_lang": "en", "model_max_length": 512} | tokenizer
    write_json(folder / "tokenizer_config.json", settings)
    pad = vocabulary["<pad>"]
    return MarianMTModel(
        MarianConfig(vocab_size=len(vocabulary), pad_token_id=pad, decoder_start_token_id=pad,
                     eos_token_id=0, forced_eos_token_id=0, max_position_embeddings=64, **SIZE)
    )  # fmt: skip


def build_t5(folder, **options):
    from transformers import T5Config, T5ForConditionalGeneration

    pieces = sentencepiece_model(
        folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, **options
    )
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 32},
    )
    return T5ForConditionalGeneration(
        T5Config(vocab_size=len(pieces) + 8, d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2,
                 decoder_start_token_id=0, tie_word_embeddings=False)
    )  # fmt: skip


def build_bart(folder):
    from tokenizers import ByteLevelBPETokenizer
    from transformers import BartConfig, BartForConditionalGeneration

    bpe = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    bpe.train_from_iterator(SAMPLE.splitlines(), vocab_size=330, special_tokens=special)
    bpe.save_model(str(folder))
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "BartTokenizer", "model_max_length": 64},
    )
    return BartForConditionalGeneration(
        BartConfig(vocab_size=bpe.get_vocab_size(), max_position_embeddings=64, **SIZE)
    )


def build_m2m100(folder):
    from transformers import M2M100Config, M2M100ForConditionalGeneration
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    pieces = sentencepiece_model(folder / "sentencepiece.bpe.model")
    vocabulary = {p: i for i, p in enumerate(["<s>", "<pad>", "</s>", "<unk>", *pieces[3:]])}
    write_json(folder / "vocab.json", vocabulary)
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "M2M100Tokenizer", "model_max_length": 64},
    )
    size = len(vocabulary) + len(FAIRSEQ_LANGUAGE_CODES["m2m100"]) + 8
    return M2M100ForConditionalGeneration(
        M2M100Config(vocab_size=size, max_position_embeddings=64, **SIZE)
    )


def build_marian_many(folder):
    return build_marian(folder, (">>deu<<", ">>eng<<"), source_lang="zle", target_lang="mul")


def build_madlad(folder):
    return build_t5(folder, user_defined_symbols=["<2de>", "<2en>"])


def build_nllb(folder):
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    signs = ["<s>", "<pad>", "</s>", "<unk>", "▁", *sorted(set(SAMPLE) - set(" \n"))]
    tokenizer = NllbTokenizer({sign: i for i, sign in enumerate(signs)}, [])
    tokenizer.save_pretrained(folder)
    return M2M100ForConditionalGeneration(
        M2M100Config(vocab_size=len(tokenizer), max_position_embeddings=64, **SIZE)
    )


def build_mbart50(folder):
    from transformers import AutoTokenizer, MBartConfig, MBartForConditionalGeneration

    sentencepiece_model(folder / "sentencepiece.bpe.model")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "MBart50Tokenizer"})
    MBartConfig().save_pretrained(folder)
    size = len(AutoTokenizer.from_pretrained(folder))
    return MBartForConditionalGeneration(
        MBartConfig(vocab_size=size, max_position_embeddings=64, decoder_start_token_id=2, **SIZE)
    )


BUILDERS = {
    "marian": build_marian,
    "t5": build_t5,
    "bart": build_bart,
    "m2m100": build_m2m100,
    "marian-many": build_marian_many,
    "madlad": build_madlad,
    "nllb": build_nllb,
    "mbart50": build_mbart50,
}


def let_it_speak(model):
    """Random weights large enough that what the model writes depends on what it reads, and ends.

    Freshly made models are nearly deaf and never stop. The row of the end token points along the
    usual state of the decoder, so that the end is about as likely as the favorite token.
    """
    import torch

    config = model.config
    ids = torch.arange(4, 60).reshape(4, 14)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and "relative" not in name:
                table = any(part in name for part in ("embed", "shared", "lm_head"))
                weight.normal_(std=1.0 if table else 2 / weight.shape[1] ** 0.5)
        seen = model(input_ids=ids, decoder_input_ids=ids, output_hidden_states=True)
        usual = seen.decoder_hidden_states[-1].reshape(-1, config.d_model).mean(0)
        row = usual * (seen.logits.amax(-1).mean() / usual.dot(usual))
        model.get_output_embeddings().weight[config.eos_token_id] = row


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A function from a family (`BUILDERS`) to the folder of a tiny model with random weights."""
    import torch

    made = {}

    def build(family):
        if family not in made:
            folder = tmp_path_factory.mktemp("models") / f"tiny-{family}"
            folder.mkdir()
            torch.manual_seed(1)
            model = BUILDERS[family](folder)
            let_it_speak(model)
            model.save_pretrained(folder)
            made[family] = folder
        return made[family]

    return build


# Skips that say something of the machine and not of the project; under MT_REPAIR_STRICT_SKIPS
# any other one fails the run, so that a missing browser or server does not pass unnoticed.
EXPECTED_SKIPS = ("MT_REPAIR_CORPORA", "root", "Windows", "without a source")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("MT_REPAIR_STRICT_SKIPS") or reporter is None:
        return
    unexpected = [
        report.longrepr[2]
        for report in reporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
        and not any(reason in report.longrepr[2] for reason in EXPECTED_SKIPS)
    ]
    if unexpected and session.exitstatus == 0:
        reporter.write_line(f"unexpected skips: {unexpected}", red=True)
        session.exitstatus = 1
