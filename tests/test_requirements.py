"""The requirements files pin every package by version and hash, and no other file is ever installed."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.stack import HUNG_AFTER, ROOT

FILES = sorted(path.name for path in ROOT.glob("requirements*.txt"))
INSTALLERS = [
    ROOT / "Dockerfile",
    ROOT / "deploy/flower/Dockerfile",
    *sorted((ROOT / "bin").glob("[a-z]*")),
    ROOT / ".ci/run",
]
WHEEL = "sample-1.0-py3-none-any.whl"


def pins(name):
    """Return {package: (version, number of hashes)}. Fails on a line of any other form."""
    lines = re.sub(r"\\\n\s*", "", (ROOT / name).read_text()).splitlines()
    found = {}
    for line in lines:
        if line and not line.lstrip().startswith("#"):
            pin = re.fullmatch(
                r"([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)(?: ; [^-]*?)?((?:\s*--hash=sha256:[0-9a-f]{64})+)", line
            )
            assert pin, line
            found[pin[1]] = (pin[2], pin[3].count("--hash"))
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_package_is_pinned_with_hashes(name):
    assert all(hashes >= 1 for _, hashes in pins(name).values())
    assert len(pins(name)) > 20


def test_development_uses_the_versions_of_production():
    production, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: development[name] for name in production.keys() & development} == {
        name: production[name] for name in production.keys() & development
    }


@pytest.mark.parametrize("path", INSTALLERS, ids=lambda path: path.name)
def test_every_installation_requires_hashes(path):
    text = re.sub(r"\\\n\s*", "", path.read_text())
    commands = [line for line in text.splitlines() if "pip install" in line and not line.lstrip().startswith("#")]
    assert all("--require-hashes" in command for command in commands), commands


def test_setup_image_and_ci_install_the_requirements_files():
    assert "--require-hashes --requirement" in re.sub(r"\\\n\s*", "", (ROOT / "bin/setup").read_text())
    image = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    assert "pip install --no-cache-dir --require-hashes --only-binary :all: --requirement /requirements.txt" in image
    assert "bin/setup requirements.txt requirements-dev.txt" in (ROOT / ".ci/run").read_text()


def make_wheel(path):
    name = "sample-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("sample.py", "")
        wheel.writestr(f"{name}/METADATA", "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
        wheel.writestr(
            f"{name}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{name}/RECORD", "".join(f"{file},,\n" for file in wheel.namelist()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A copy of bin/setup with a virtual environment and one package to install."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "bin").mkdir()
    shutil.copy(ROOT / "bin/setup", folder / "bin/setup")
    make_wheel(folder / WHEEL)
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    return Path(folder)


def set_up(folder, options):
    (folder / "requirements.txt").write_text(f"--no-index\n--find-links {folder}\nsample==1.0{options}\n")
    command = [folder / "bin/setup", "requirements.txt"]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=HUNG_AFTER)


def test_setup_refuses_a_changed_or_missing_hash(folder):
    right = sha256((folder / WHEEL).read_bytes()).hexdigest()
    wrong = ("1" if right[0] == "0" else "0") + right[1:]
    for options, reason in [(f" --hash=sha256:{wrong}", "DO NOT MATCH THE HASHES"), ("", "Hashes are required")]:
        for _ in range(2):  # a failed installation must not count as done
            done = set_up(folder, options)
            assert done.returncode != 0
            assert reason in done.stderr
            assert not [*folder.glob(".venv/lib/*/site-packages/sample.py")]
    done = set_up(folder, f" --hash=sha256:{right}")
    assert done.returncode == 0, done.stderr
    assert [*folder.glob(".venv/lib/*/site-packages/sample.py")]


@pytest.mark.exhaustive
def test_bill_of_materials_lists_every_package_with_its_hashes(tmp_path):
    done = subprocess.run(
        [ROOT / "bin/sbom", tmp_path / "sbom.json"], capture_output=True, text=True, timeout=HUNG_AFTER
    )
    assert done.returncode == 0, done.stderr  # the tool validates its output against the schema of CycloneDX
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {
        component["name"]: (component["version"], len(component["externalReferences"][0]["hashes"]))
        for component in bill["components"]
    }
    assert listed == pins("requirements.txt")
    assert all(component["purl"].startswith("pkg:pypi/") for component in bill["components"])
