"""The process that draws initial weights again: started by itself, with a specification, by whichever Python has torch.

It imports nothing of this package, so that it runs under another interpreter with the versions that a team declares.
What it drew goes into a safetensors file, what it drew it with into a JSON file beside it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
from pathlib import Path
from typing import Any


class Refused(Exception):  # noqa: N818  what is said to the user, not an error of the program
    """A sentence that the user can act on."""


def main(arguments: list[str]) -> int:
    """Draw what the specification says; 0, or 1 with the reason in the result file."""
    specification = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    folder = Path(arguments[1])
    try:
        result = _draw(specification, folder)
    except Refused as refused:
        result = {"error": str(refused)}
    except Exception as error:  # noqa: BLE001  a user's own code may fail in any way
        result = {"error": f"{type(error).__name__}: {error}"}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return 1 if "error" in result else 0


def _draw(specification: dict[str, Any], folder: Path) -> dict[str, str]:
    if importlib.util.find_spec("torch") is None:
        raise Refused("torch is not installed for this Python")
    if specification["function"]:
        return _draw_by_function(specification, folder)
    return _draw_by_transformers(specification, folder)


def _draw_by_transformers(specification: dict[str, Any], folder: Path) -> dict[str, str]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    try:
        import transformers
    except ImportError as error:
        raise Refused("transformers is not installed for this Python; install it, or use --replay-with") from error
    try:
        config = transformers.AutoConfig.from_pretrained(specification["config"], trust_remote_code=False)
    except Exception as error:
        raise Refused(f"the config cannot be used: {str(error).splitlines()[0]}") from error
    named = config.architectures or []
    architecture = getattr(transformers, named[0], None) if named else None
    if architecture is None:
        raise Refused(f"the config names no class of transformers {transformers.__version__}: {named or 'nothing'}")
    transformers.set_seed(specification["seed"])
    model = architecture(config)
    model.save_pretrained(folder / "drawn", max_shard_size="100GB")
    return {
        "generator": named[0],
        "versions": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "declared": str(getattr(config, "transformers_version", "") or ""),
    }


def _draw_by_function(specification: dict[str, Any], folder: Path) -> dict[str, str]:
    import torch

    module_name, _, name = specification["function"].partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        function = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise Refused(f"{specification['function']} cannot be imported: {error}") from error
    random.seed(specification["seed"])
    try:
        import numpy as np

        np.random.seed(specification["seed"] % 2**32)  # noqa: NPY002  what a user's own code draws from
    except ImportError:
        pass
    torch.manual_seed(specification["seed"])
    made = function(specification["seed"])
    state = made if isinstance(made, dict) else made.state_dict()
    from safetensors.torch import save_file

    (folder / "drawn").mkdir()
    weights = {str(key): value.detach().contiguous().clone() for key, value in state.items()}
    save_file(weights, folder / "drawn" / "model.safetensors")
    return {"generator": specification["function"], "versions": f"torch {torch.__version__}", "declared": ""}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
