"""The wheel and the sdist are complete, and the wheel runs without the repository."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from .pages import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def run(*command: object, cwd: Path, **environment: str) -> str:
    """The output of a command, which must exit with code 0."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(source: Path, folder: Path, target: str) -> Path:
    """The distribution that Hatchling builds from a folder, with the installed packages."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    (found,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return found


def check_runs(command: Path, python: str, folder: Path, **environment: str) -> None:
    """The command line and the data in the package work, and are not those of the repository."""
    where = run(python, "-c", "print(__import__('numerate').__file__)", cwd=folder, **environment)
    assert Path(where.strip()).is_relative_to(folder)
    assert run(command, "--version", cwd=folder, **environment) == f"numerate {VERSION}\n"
    assert "T = a**(3/2)" in run(command, "fit", "kepler", cwd=folder, **environment)
    assert "simple-static" in run(command, "reproduce", "--list", cwd=folder, **environment)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def test_the_wheel_has_the_package_alone_and_the_sdist_builds_the_same(wheel, tmp_path):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.py", "*.pyi", "*.csv", "py.typed")
        for path in (ROOT / "numerate").rglob(pattern)
    }
    assert {"numerate/py.typed", "numerate/torch/__init__.pyi"} <= package
    assert "numerate/tables/sets/kepler.csv" in package
    info = f"numerate-{VERSION}.dist-info/"
    assert {name for name in names if not name.startswith(info)} == package

    sdist = built(ROOT, tmp_path / "sdist", "sdist")
    with tarfile.open(sdist) as files:
        files.extractall(tmp_path, filter="data")
    again = built(tmp_path / f"numerate-{VERSION}", tmp_path / "again", "wheel")
    assert again.name == wheel.name and again.read_bytes() == wheel.read_bytes()


@pytest.mark.slow
def test_the_wheel_runs(wheel, tmp_path):
    """With the installed packages, and without the repository."""
    target = tmp_path / "installed"
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target)
    run(sys.executable, *install, wheel, cwd=tmp_path)
    check_runs(target / "bin" / "numerate", sys.executable, tmp_path, PYTHONPATH=str(target))


@pytest.mark.slow
def test_the_wheel_installs_in_a_fresh_environment(wheel, tmp_path):
    """Its requirements are sufficient, without extras and development tools."""
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=True)
    python = fresh / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    check_runs(fresh / "bin" / "numerate", str(python), tmp_path, PYTHONPATH="")


def test_every_file_has_the_same_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [VERSION]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d.*?)\]", changelog, re.MULTILINE)[0] == VERSION
