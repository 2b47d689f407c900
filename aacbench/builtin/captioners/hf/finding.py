"""Where a model lies: a folder, the hub's cache on this machine, or else the hub, which is asked.

Only the files that a model is read from are fetched, through huggingface_hub, below
``$HF_ENDPOINT`` if that is set. Weights must be safetensors: a pickle runs whatever is in it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from aacbench.errors import AacbenchError, BadData, MissingAsset

WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.tiktoken")
UNWANTED = ("*/*", "consolidated*", "adapter_*")  # the same weights again, and other models
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
CONVERT = (
    "A revision with safetensors will do, such as the hub's converter offers for most models "
    "(revision=refs/pr/NUMBER, see the model's community tab)."
)


def locate(model: Path | str, revision: str | None = None) -> Path:
    """The folder of a model: its own, or that of a snapshot in the hub's cache, fetched first where
    it is not there.

    Raises `MissingAsset` where it cannot be had, `BadData` where it holds no safetensors.
    """
    if isinstance(model, str):
        return _complete(model, revision) or _fetched(model, revision)
    folder = model.expanduser()
    if not folder.is_dir():
        raise MissingAsset(
            f"There is no folder {folder}.", "Write hf:./its/folder or hf:OWNER/NAME."
        )
    if not (folder / "config.json").is_file():
        raise BadData(f"{folder} has no config.json.", "Give a folder that save_pretrained wrote.")
    weight_files(folder)
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The safetensors of a folder, all of them; `BadData` where one is missing or none is there."""
    if (folder / "adapter_config.json").is_file():  # transformers would fetch what it stands on
        raise BadData(
            f"{folder} holds an adapter, which stands on a model that lies elsewhere.",
            "Save the two as one: PeftModel.merge_and_unload(), then save_pretrained.",
        )
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        files = [folder / name for name in sorted(named)]
    else:
        files = [folder / "model.safetensors"]
    missing = [file.name for file in files if not file.is_file()]
    if not missing:
        return files
    pickles = sorted(file.name for pattern in PICKLES for file in folder.glob(pattern))
    if pickles and not index.is_file():
        raise BadData(
            f"{folder} holds its weights as a pickle, {pickles[0]}, and no other.", CONVERT
        )
    raise BadData(
        f"{folder} lacks {', '.join(missing[:3])}.", "Fetch it anew: hf download OWNER/NAME"
    )


def commit(model: str, revision: str | None = None) -> str:
    """The commit of a model on the hub: that of the copy here, or the one that would be fetched."""
    found = _complete(model, revision)
    if found is not None:
        return found.name
    told: str = _listed(model, revision)[0].commit_hash
    return told


def _complete(model: str, revision: str | None) -> Path | None:
    """The snapshot in the hub's cache, if all of its weights are there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(model, local_files_only=True, **_asked(revision)))
        weight_files(folder)
    except LocalEntryNotFoundError:
        return None
    except BadData:  # broken off, or without safetensors; the hub knows which
        return None
    except HFValidationError as reason:
        raise BadData(
            f"'{model}' is neither a folder here nor the id of a model: {reason}",
            "Write hf:OWNER/NAME, as on the hub, or hf:./its/folder.",
        ) from reason
    return folder if (folder / "config.json").is_file() else None


def _fetched(model: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    listed = _listed(model, revision)
    size = sum(file.file_size for file in listed if file.will_download)
    place = listed[0].local_path.partition("/snapshots/")[0]
    print(f"aacbench: fetching {model}: {size / 1e9:.1f} GB into {place}", file=sys.stderr)
    try:
        folder = Path(snapshot_download(model, **_asked(revision)))
    except Exception as reason:  # of many kinds: the network's, the hub's, the disk's
        raise _refused(model, revision, reason) from reason
    weight_files(folder)
    return folder


def _listed(model: str, revision: str | None) -> list[Any]:
    """What the hub has of a model, before any of it is fetched."""
    from huggingface_hub import snapshot_download

    try:
        listed = snapshot_download(model, dry_run=True, **_asked(revision))
    except Exception as reason:
        raise _refused(model, revision, reason) from reason
    if not any(file.filename.endswith(".safetensors") for file in listed):
        raise BadData(f"{model} has no safetensors on the hub, and no pickle is opened.", CONVERT)
    return list(listed)


def _asked(revision: str | None) -> dict[str, Any]:
    """How the hub and its cache are asked, by what the environment says now."""
    home = os.environ.get("HF_HOME")
    cache = os.environ.get("HF_HUB_CACHE") or (f"{home}/hub" if home else None)
    return {
        "revision": revision,
        "cache_dir": cache,
        "endpoint": os.environ.get("HF_ENDPOINT") or None,
        "allow_patterns": list(WANTED),
        "ignore_patterns": list(UNWANTED),
    }


def _refused(model: str, revision: str | None, reason: Exception) -> AacbenchError:
    """Why a model cannot be had, and what to type."""
    from huggingface_hub import errors

    if isinstance(reason, errors.DryRunError) and isinstance(reason.__cause__, Exception):
        reason = reason.__cause__
    if isinstance(reason, errors.GatedRepoError):
        return MissingAsset(
            f"{model} is given to those who accept its licence.",
            f"Accept it at https://huggingface.co/{model}, then: hf auth login",
        )
    if isinstance(reason, errors.RepositoryNotFoundError):
        return MissingAsset(
            f"The hub has no model {model}, or it is private.",
            "Check the name; for a private one: hf auth login",
        )
    if isinstance(reason, errors.RevisionNotFoundError):
        return MissingAsset(
            f"{model} has no revision {revision}.",
            f"See https://huggingface.co/{model}/tree/main for those that there are.",
        )
    told = str(reason).strip().splitlines() or [type(reason).__name__]
    where = f" --revision {revision}" if revision else ""
    return MissingAsset(
        f"{model} is not on this machine and cannot be fetched: {told[0][:200]}",
        f"Where there is a network: hf download {model}{where} --local-dir FOLDER; "
        "then bring the folder here and write hf:./FOLDER",
    )
