"""The models that ship with mt-repair, and those of the Hugging Face hub worth using with it.

A shipped model is a folder beside this file that describes itself: weights in safetensors,
configuration, card, and a ``SHA256SUMS`` in the format of the command ``sha256sum``. Models of
the hub are listed in ``manifest.toml`` and downloaded only when the user names one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repair.core import RepairError

HERE = Path(__file__).parent
SUMS = "SHA256SUMS"

# What a model needs: weights, configuration, tokenizer, card. Never code, never a pickle beside
# the weights (training_args.bin, scheduler.pt), never weights of other frameworks.
_SIDE = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens"
    r"|vocab[\w-]*|source_vocab|target_vocab)\.json|vocab\.txt|merges\.txt|bpe\.codes|dict\.txt"
    r"|[\w.-]+\.(spm|model)|README\.md|LICEN[CS]E[\w.-]*"
)
_SAFETENSORS = re.compile(r"model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json")
_BIN = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin|pytorch_model\.bin\.index\.json")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Shipped:
    """A model that lies in this package; ``size`` in bytes, ``files`` with their SHA-256."""

    name: str
    folder: Path
    licence: str
    note: str
    size: int
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model of the hub; ``use`` is the option of ``mt-repair run`` that takes it."""

    name: str
    kind: str
    licence: str
    size: str
    weights: str
    use: str
    note: str
    prefix: str | None = None


@cache
def _manifest() -> dict:
    return tomllib.loads((HERE / "manifest.toml").read_text("utf-8"))


def shipped() -> list[Shipped]:
    """The models that this copy ships: those of the manifest whose folder has its checksums."""
    models = []
    for entry in _manifest()["shipped"]:
        folder = HERE / entry["folder"]
        if (folder / SUMS).is_file():
            files = _sums(folder)
            size = sum((folder / f).stat().st_size for f in files if (folder / f).is_file())
            models.append(
                Shipped(entry["name"], folder, entry["licence"], entry["note"], size, files)
            )
    return models


def hub() -> list[HubModel]:
    """Models of the hub worth using for Russian to English, translators first."""
    return [
        HubModel(
            entry["name"],
            entry["kind"],
            entry["licence"],
            entry.get("size", "not confirmed"),
            entry["weights"],
            f"--fixer {entry['name']}",
            entry["note"],
            entry.get("prefix"),
        )
        for entry in _manifest()["hub"]
    ]


def known(name: str) -> HubModel | None:
    """The listed hub model of this id, or of this last part of an id."""
    return next((m for m in hub() if name in (m.name, m.name.split("/")[1])), None)


def verify(folder: str | os.PathLike) -> None:
    """Compare a shipped folder with its ``SHA256SUMS``.

    Raises `RepairError` that names the first file that is missing or has changed.
    """
    folder = Path(folder)
    for name, expected in _sums(folder).items():
        path = folder / name
        if not path.is_file():
            raise RepairError("The file is missing.", path=path, mend="Install mt-repair again.")
        if _digest(path) != expected:
            raise RepairError(
                "The file is not the one that was shipped: its SHA-256 differs.",
                path=path,
                mend="Install mt-repair again; after training, write its checksums anew.",
            )


def seal(folder: str | os.PathLike, names: list[str] | None = None) -> Path:
    """Write ``SHA256SUMS`` for what a folder ships: by default every file but code and itself."""
    folder = Path(folder)
    if names is None:
        names = sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file()
            and path.suffix not in (".py", ".pyc", ".pt", ".tmp")
            and path.name != SUMS
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        )
    lines = [f"{_digest(folder / name)}  {name}\n" for name in names]
    target = folder / SUMS
    target.write_text("".join(lines), "utf-8", newline="\n")
    return target


def _sums(folder: Path) -> dict[str, str]:
    path = folder / SUMS
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise RepairError(
            f"There are no checksums: {error.strerror}.", path=path, mend="Install mt-repair again."
        ) from error
    sums = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)
        if not match or ".." in Path(match[2]).parts or Path(match[2]).is_absolute():
            raise RepairError("The line is no checksum of a file here.", path=path, line=number)
        sums[match[2]] = match[1]
    return sums


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights(folder: str | os.PathLike) -> tuple[str, list[Path]]:
    """The weight files of a model folder and their format, ``safetensors`` before ``bin``.

    Raises `RepairError` where there are none that load safely, or where a part is missing.
    """
    folder = Path(folder)
    for name, file in (("safetensors", "model.safetensors"), ("bin", "pytorch_model.bin")):
        index = folder / f"{file}.index.json"
        if (folder / file).is_file():
            return name, [folder / file]
        if index.is_file():
            try:
                parts = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
            except (OSError, ValueError, KeyError, AttributeError, TypeError):
                raise RepairError("The index of the weights cannot be read.", path=index) from None
            for part in parts:
                if Path(part).name != part or not (folder / part).is_file():
                    raise RepairError(
                        f"The part {part!r} of the weights is missing.",
                        path=folder,
                        mend="Download the model again.",
                    )
            return name, [folder / part for part in parts]
    raise RepairError(
        "The folder has no model.safetensors and no pytorch_model.bin.",
        path=folder,
        mend="Convert other weights to safetensors first.",
    )


def resolve(model: str | os.PathLike) -> tuple[Path, str]:
    """The folder and the name of a model given as a folder, a hub id, or a listed short name.

    A hub id is looked up in the cache of the hub, and downloaded if it is not there.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path, path.resolve().name
    text = os.fspath(model)
    entry = known(text)
    if entry is None and not _HUB_ID.fullmatch(text):
        raise RepairError(
            f"There is no model {text!r}: neither a folder nor a hub id such as NAME/MODEL.",
            mend="See the list of `mt-repair models`.",
        )
    name = entry.name if entry else text
    return _cached(name) or fetch(name), name.split("/")[1]


def _cached(name: str) -> Path | None:
    """The folder of a hub model in the hub's cache, if it is whole; asks no network."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(name, local_files_only=True, allow_patterns=["config.json"])
        )
        weights(folder)
    except (OSError, ValueError, RepairError):
        return None
    return folder if (folder / "config.json").is_file() else None


def fetch(name: str, folder: str | os.PathLike | None = None) -> Path:
    """Download a hub model, into ``folder`` or else into the cache of the hub; returns where it is.

    Only configuration, tokenizer, card and weights are fetched: safetensors if the model has
    them, otherwise PyTorch's ``.bin``. Raises `RepairError` when the hub cannot be reached or has
    no such model.
    """
    from huggingface_hub import HfApi, errors, snapshot_download

    entry = known(name)
    name = entry.name if entry else name
    if not _HUB_ID.fullmatch(name):
        raise RepairError(f"{name!r} is no hub id.", mend="A hub id looks like NAME/MODEL.")
    try:
        offered = [file.rfilename for file in HfApi().model_info(name).siblings or ()]
        chosen = [f for f in offered if _SAFETENSORS.fullmatch(f)] or [
            f for f in offered if _BIN.fullmatch(f)
        ]
        if not chosen:
            raise RepairError(
                f"The hub model {name} has neither safetensors nor PyTorch weights.",
                mend="Choose another; `mt-repair models` lists some.",
            )
        wanted = chosen + [f for f in offered if _SIDE.fullmatch(f)]
        where = snapshot_download(name, allow_patterns=wanted, local_dir=folder)
    except RepairError:
        raise
    except errors.GatedRepoError as error:
        raise RepairError(
            f"The hub model {name} is gated.",
            mend="Accept its terms on the hub and log in with `hf auth login`.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise RepairError(
            f"The hub has no model {name}.", mend="Check the id, or log in if it is private."
        ) from error
    except Exception as error:
        # Which HTTP library fails, and how, changes with the version of huggingface_hub.
        reason = str(error).strip().splitlines()
        raise RepairError(
            f"Cannot download {name}: {reason[0] if reason else type(error).__name__}",
            mend="Go online (and unset HF_HUB_OFFLINE), or download the model on another machine "
            "with `mt-repair models --fetch` and give its folder.",
        ) from error
    return Path(where)
