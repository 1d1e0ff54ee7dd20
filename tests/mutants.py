"""Mutation test: do the tests catch sixty small mistakes, each alone in the code?

    python tests/mutants.py generate --tree TREE
    python tests/mutants.py check --tree TREE
    python tests/mutants.py run --tree TREE --work FOLDER
    python tests/mutants.py table --work FOLDER

`generate` draws the mutants by a fixed seed and writes `mutants.json`. A mutant changes one
statement: a sign, a constant, a comparison, or a term that is dropped. It is stored as text instead
of a file position, so that it still applies after files were moved, renamed or reformatted. `check`
lists those whose statement no longer exists. They are `gone`, and have to be replaced by hand by
the same mistake in the new code: `file`, `in`, `old` and `new`, both as `ast.unparse` writes them.

`run` tests one mutant after the other in a copy of the tree, in one process, and appends to
`results.jsonl`; started again, it resumes. A mutant runs against these tests until one fails:

1. *near* tests: the doctests of its module, the test files named like it, those that mention its
class or function, and the folder of its room; 2. *wide* tests, for at most four minutes of a core:
all other fast tests and all doctests of the package, beginning with the rooms that import the
mutant's room.

Tests that run whole experiments (`tests/experiments`, `tests/paper`) are left out, and so are the
adapters' tests unless the mutant is in `ops` or `units`: they would take longer than all others.
A survivor is therefore a mutant that these tests do not catch, although the whole fast suite may.
At the end all tests that caught a mutant run without mutants. A test that also fails there is
ignored, and its mutants are tested again without it.
"""

import argparse
import ast
import contextlib
import faulthandler
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

SEED, TOTAL, LEAST, LONGEST = 1808, 60, 5, 300
ROOMS = {"tables": "data", "study": "bench"}  # what rooms were called before
NAMES = ("ops", "units", "train", "formula", "regress", "tables", "study")
USERS = {"ops": ("units", "adapters", "train"), "units": ("train", "formula", "adapters")}
USERS |= {"train": ("units", "tasks", "regress"), "formula": ("regress", "units")}
USERS |= {"regress": (), "tables": ("regress",), "study": ()}
KINDS = ("sign", "constant", "comparison", "term")
HERE = Path(__file__).resolve().parent
LONG_SECONDS, TEST_SECONDS = 4, 300
NEAR_SECONDS, WIDE_SECONDS = 300, 240  # of a core
IDLE = 6  # a busy machine takes so many times as long, at most
SLOW = ("experiments", "paper")
ENDS = ("wide", "gone")
CACHE = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
CACHE |= {"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}

# Files that leave these rooms for the experiments, and pictures.
LEFT_OUT = {
    "train/_actor_critic",
    "study/_figures",
    "study/_load",
    "study/_program_study",
    "study/_programs",
    "study/_readers",
    "study/_scores",
}
# Functions that libraries are to take over.
LEFT_OUT |= {"sensitivities", "wilson_interval", "median_interval"}
# Beginnings of statements with mutants that change nothing that a test on a processor could see.
EQUIVALENT = (
    "_ONE_CORE =",  # an option of the compiler
    "_OPTIONS =",
    "return jax.jit(function, donate_argnums=0).lower",  # only on accelerators
    "unit = np.stack([",  # the last axis of two is axis 1
    "resolution = np.stack([",
    "after[..., :-1] =",
    "return tuple((np.stack(part)",  # strict only where the lengths differ
    "solved = least_squares(",  # one iteration more
    "usable = np.all(np.isfinite(explained))",  # a float is never 10
    "_TINY =",  # has to be tiny
    "self.seed_ =",  # any seed will do
    "size < 1 or size % 16",  # what is below 16 is refused in any case
    "new = pl.DataFrame(rows",  # a rounded time
    "took =",
)
# The same of statements that were drawn: another of the same kind takes the place of each.
REPLACED = (
    "return eqx.combine(jax.tree.map(",  # all options have the same static part
    "return jnp.where(jax.lax.stop_gradient(error)",  # only the slope of the penalty counts
    "DAMPING_RANGE =",  # a bound that has to be tiny
)


# Statements and their mutants


class Target(NamedTuple):
    """A statement, or the expression at the head of a compound one, and where it is."""

    qualname: str
    node: ast.AST

    @property
    def text(self) -> str:
        return ast.unparse(self.node)


def targets(body: list[ast.stmt], qualname: str = "") -> Iterator[Target]:
    """All code that runs: no docstrings, annotations, overloads, messages of errors."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not any("overload" in ast.unparse(one) for one in node.decorator_list):
                yield from targets(node.body, f"{qualname}.{node.name}".lstrip("."))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("__"):
            continue
        elif isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Pass):
            continue
        elif heads := [h for h in (getattr(node, n, None) for n in ("test", "iter")) if h]:
            yield from (Target(qualname, head) for head in heads)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr):
            yield Target(qualname, node)
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                parts = getattr(node, name, [])
                nested = [p for part in parts for p in getattr(part, "body", [])]
                plain = name in ("body", "orelse", "finalbody")
                yield from targets(parts if plain else nested, qualname)


def mutants(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The kind and the text of every mutant of a statement."""
    skipped = {id(n) for part in ast.walk(node) for n in _annotations(part)}
    for parent in list(ast.walk(node)):
        for field, index, child in _children(parent):
            if id(child) in skipped:
                continue
            for kind, new in _changes(child):
                _put(parent, field, index, new)
                yield kind, ast.unparse(node)
                _put(parent, field, index, child)
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        node.op, old = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.op
        yield "sign", ast.unparse(node)
        node.op = old


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.AnnAssign):
        yield from ast.walk(node.annotation)
    if isinstance(node, ast.JoinedStr):
        yield from ast.walk(node)


def _children(parent: ast.AST) -> Iterator[tuple[str, int | None, ast.expr]]:
    for field, value in ast.iter_fields(parent):
        several = value if isinstance(value, list) else [value]
        for index, child in enumerate(several):
            if isinstance(child, ast.expr):
                yield field, index if isinstance(value, list) else None, child


def _put(parent: ast.AST, field: str, index: int | None, new: ast.expr) -> None:
    if index is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[index] = new


_OPPOSITE = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
_OPPOSITE |= {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
_OPPOSITE |= {ast.In: ast.NotIn, ast.NotIn: ast.In}
_BOUNDARY = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


def _changes(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.BinOp(left, op, right) if not (_is_text(left) or _is_text(right)):
            if isinstance(op, ast.Add | ast.Sub):
                other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
                yield "sign", ast.BinOp(left, other, right)
            if isinstance(op, ast.Add | ast.Sub | ast.Mult):
                yield "term", right
            if isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.Div):
                yield "term", left
        case ast.BoolOp(op, values):
            for i in range(len(values)):
                rest = values[:i] + values[i + 1 :]
                yield "term", ast.BoolOp(op, rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(ast.USub(), operand):
            yield "sign", operand
        case ast.UnaryOp(ast.Not(), operand):
            yield "term", operand
        case ast.Constant(bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(int(value)):
            yield "constant", ast.Constant(value + 1)
        case ast.Constant(float(value)):
            yield "constant", ast.Constant(2 * value or 1.0)
        case ast.Compare(left, [op], [right]):
            yield "comparison", ast.Compare(left, [_OPPOSITE[type(op)]()], [right])
            # Between floats the boundary itself hardly ever happens.
            whole = isinstance(right, ast.Constant) and isinstance(right.value, int)
            if type(op) in _BOUNDARY and whole:
                yield "comparison", ast.Compare(left, [_BOUNDARY[type(op)]()], [right])


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple)


# The sixty


def modules(tree: Path, room: str) -> list[Path]:
    names = dict.fromkeys((room, ROOMS.get(room, room)))
    return [p for name in names for p in sorted((tree / "numerate" / name).glob("*.py"))]


def sites(tree: Path, room: str) -> list[dict]:
    """Every mutant that can be made in a room."""
    found = []
    for path in modules(tree, room):
        if f"{room}/{path.stem}" in LEFT_OUT:
            continue
        seen: Counter = Counter()
        for target in targets(ast.parse(path.read_text(encoding="utf-8")).body):
            text = target.text
            seen[target.qualname, text] += 1
            alias = not target.qualname and "[" in text  # of types
            if target.qualname in LEFT_OUT or alias or len(text) > LONGEST:
                continue
            where = {"room": room, "file": path.stem, "in": target.qualname}
            where |= {"nth": seen[target.qualname, text]}
            changes = dict.fromkeys(mutants(target.node))
            found += [where | {"kind": k, "old": text, "new": new} for k, new in changes]
    return found


def generate(tree: Path) -> list[dict]:
    every = {room: sites(tree, room) for room in NAMES}
    share = {room: len(found) for room, found in every.items()}
    counts = dict.fromkeys(NAMES, LEAST)
    while sum(counts.values()) < TOTAL:
        counts[max(NAMES, key=lambda room: share[room] / (counts[room] + 1))] += 1
    chosen = []
    for room, found in every.items():
        random.Random(f"{SEED} {room}").shuffle(found)
        found = [site for site in found if not site["old"].startswith(EQUIVALENT)]
        taken: list[dict] = []
        while len(taken) < counts[room]:
            taken.append(_drawn(found, KINDS[len(taken) % len(KINDS)], taken))
        found = [site for site in found if not site["old"].startswith(REPLACED)]
        for i, one in enumerate(taken):
            taken[i] = one if one in found else _drawn(found, one["kind"], taken)
        chosen += sorted(taken, key=lambda s: s["file"])
    return [{"id": i} | one for i, one in enumerate(chosen, 1)]


def _drawn(found: list[dict], kind: str, taken: list[dict]) -> dict:
    """The next of a kind, from a function that has none yet and the file that has fewest."""
    used = {(one["file"], one["in"]) for one in taken}
    busy = Counter(one["file"] for one in taken)
    free = [s for s in found if s["kind"] == kind and (s["file"], s["in"]) not in used]
    return min(free, key=lambda s: busy[s["file"]])


# Where a mutant is today


@cache
def statements(tree: Path) -> list[tuple[Path, Target, int]]:
    """All of the package, each with how many of its function were the same until there."""
    found = []
    for path in sorted((tree / "numerate").rglob("*.py")):
        seen: Counter = Counter()
        for target in targets(ast.parse(path.read_text(encoding="utf-8")).body):
            seen[target.qualname, target.text] += 1
            found.append((path, target, seen[target.qualname, target.text]))
    return found


def find(tree: Path, mutant: dict) -> tuple[Path, Target] | None:
    """The statement in the tree: that of the same name and file first, else the only one."""
    found = [one for one in statements(tree) if one[1].text == mutant["old"]]
    last = mutant["in"].rpartition(".")[2]
    rules = (
        lambda p, q, n: (p.stem, q.qualname, n) == (mutant["file"], mutant["in"], mutant["nth"]),
        lambda p, q, n: (q.qualname, n) == (mutant["in"], mutant["nth"]),
        lambda p, q, n: p.stem == mutant["file"] and q.qualname.endswith(last),
        lambda p, q, n: p.parent.name == mutant["room"] and q.qualname.endswith(last),
        lambda p, q, n: q.qualname.endswith(last),
        lambda p, q, n: True,
    )
    for rule in rules:
        kept = [one for one in found if rule(*one)]
        if len(kept) == 1:
            return kept[0][:2]
    return None


def check(tree: Path, stored: list[dict]) -> None:
    """Prints mutants whose statement is elsewhere today, and for those that are gone the three
    statements of the package that are most like theirs."""
    every = statements(tree)
    for mutant in stored:
        found = find(tree, mutant)
        if found is None:
            print(f"GONE {json.dumps(mutant, ensure_ascii=False)}")
            for p, q, n in sorted(every, key=lambda one: -_alike(mutant["old"], one[1].text))[:3]:
                print(f"    {p.relative_to(tree)} {q.qualname} {n}: {q.text}")
        elif (found[0].stem, found[1].qualname) != (mutant["file"], mutant["in"]):
            print(f"moved {mutant['id']}: {found[0].relative_to(tree)} {found[1].qualname}")


def _alike(one: str, other: str) -> float:
    """The share of words and signs that two statements have in common."""
    a, b = (Counter(re.findall(r"\w+|[^\w\s]", text)) for text in (one, other))
    return (a & b).total() / (a | b).total()


def mutated(path: Path, target: Target, new: str) -> str:
    """The file with the statement replaced."""
    lines = path.read_text(encoding="utf-8").encode().splitlines(keepends=True)
    node = target.node
    first, last = lines[node.lineno - 1], lines[node.end_lineno - 1]
    before = b"".join(lines[: node.lineno - 1]) + first[: node.col_offset]
    after = last[node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    # A head that goes over several lines is in brackets, or gets them.
    text = new if isinstance(node, ast.stmt) else f"({new})"
    return (before + text.encode() + after).decode()


# Running


def names_of(path: Path, mutant: dict) -> list[str]:
    """The class or function that a mutant is in, with the classes of the room that inherit from
    it; if it is private, what its module makes public."""
    top = mutant["in"].split(".")[0]
    if not top or top.startswith("_"):
        return [node.name for node in _definitions(path) if not node.name.startswith("_")]
    room = [node for file in path.parent.glob("*.py") for node in _definitions(file)]
    parents = {n.name: [ast.unparse(base) for base in getattr(n, "bases", [])] for n in room}
    names = [top]
    for name in names:  # which grows
        names += [child for child, bases in parents.items() if name in bases]
    return names


def _definitions(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def near(tree: Path, path: Path, mutant: dict) -> list[str]:
    """The module, and the test files that have to do with it, the closest first."""
    names = names_of(path, mutant)
    word = re.compile(rf"\b({'|'.join(map(re.escape, names)) or '(?!)'})\b")
    folder = tree / "tests" / path.relative_to(tree / "numerate").parts[0]
    stem = path.stem.strip("_")

    def closeness(file: Path) -> tuple[bool, bool, int]:
        mentions = len(word.findall(file.read_text(encoding="utf-8")))
        return stem not in file.stem, folder not in file.parents, -mentions

    files = [f for f in sorted((tree / "tests").rglob("test_*.py")) if _is_run(tree, f, mutant)]
    close = sorted((f for f in files if closeness(f) < (True, True, 0)), key=closeness)
    return [str(f.relative_to(tree)) for f in (path, *close)]


def wide(tree: Path, mutant: dict, done: list[str]) -> list[str]:
    """All other tests: first of the rooms that build on the mutant's, and of what a user calls."""
    first = (*USERS[mutant["room"]], "cli")

    def order(name: str) -> int:
        return next((i for i, room in enumerate(first) if f"/{room}/" in f"/{name}/"), len(first))

    files = [f for f in sorted((tree / "tests").rglob("test_*.py")) if _is_run(tree, f, mutant)]
    tests = [str(f.relative_to(tree)) for f in files]
    rooms = [str(f.parent.relative_to(tree)) for f in tree.glob("numerate/*/__init__.py")]
    rooms = [room for room in rooms if room.split("/")[1] not in SLOW]
    modules = [str(f.relative_to(tree)) for f in tree.glob("numerate/*.py")]
    kept = [t for t in (*tests, *sorted(rooms), *sorted(modules)) if t not in done]
    return sorted(kept, key=order)


def _is_run(tree: Path, file: Path, mutant: dict) -> bool:
    folders = file.relative_to(tree / "tests").parts[:-1]
    adapters = "adapters" in folders and mutant["room"] not in ("ops", "units")
    return not adapters and not set(folders) & set(SLOW)


class Runner:
    """A copy of a tree, in which tests run, and what is known of tests without a mutant."""

    def __init__(self, tree: Path, work: Path):
        self.work, self.tree = work, work / "tree"
        shutil.rmtree(self.tree, ignore_errors=True)
        ignored = shutil.ignore_patterns(".venv", "__pycache__", "site")
        shutil.copytree(tree, self.tree, ignore=ignored)
        self.path = work / "results.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.rows = [json.loads(line) for line in lines]

    def write(self, row: dict) -> None:
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def pytest(
        self,
        tests: list[str],
        limit: int,
        names: Sequence[str] = (),
        only: bool = False,
        stop: bool = True,
    ) -> str | None:
        """The first test that fails, `"collection"`, `"time"` if it did not end; or None."""
        log, passed = self.work / "log", self.work / "passed"
        log.write_text("")
        passed.write_text("")
        told = {"LOG": log, "PASSED": passed, "LONG": self.work / "long"}
        told |= {"NAMES": " ".join(names), "ONLY": "yes" if only else ""}
        environment = os.environ | CACHE | {f"MUTANT_{n}": str(v) for n, v in told.items()}
        environment |= {"PYTHONPATH": f"{self.tree}{os.pathsep}{HERE}"}
        environment |= {"JAX_COMPILATION_CACHE_DIR": str(self.work / "cache")}
        broken = [a for one in self.broken() for a in ("--deselect", one)]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "mutants"]
        command += [*(["-x"] if stop else []), "-n0", "-m", "not slow", *broken, *tests]
        with (self.work / "output").open("w") as output:
            started = subprocess.Popen(
                command,
                cwd=self.tree,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(resource.setrlimit, resource.RLIMIT_CPU, (limit, limit + 5)),
            )
            try:
                code = started.wait(IDLE * limit)
            except subprocess.TimeoutExpired:
                code = -signal.SIGXCPU
            with contextlib.suppress(ProcessLookupError):  # what a test had started, too
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()
        if code == -signal.SIGXCPU:
            return "time"
        if code in (0, 5):
            return None
        return (log.read_text().splitlines() or ["collection"])[-1]

    def broken(self) -> list[str]:
        return [row["test"] for row in self.rows if row.get("passes") is False]

    def done(self, stage: str) -> set[int]:
        """The mutants of which a stage, or an earlier one, has told all."""
        broken = self.broken()
        rows = [row for row in self.rows if "id" in row and row["killed_by"] not in broken]
        return {row["id"] for row in rows if row["killed_by"] or row["stage"] in (stage, *ENDS)}

    def check_killers(self) -> None:
        """Runs every test that caught a mutant without one, once."""
        known = {row.get("test") for row in self.rows}
        tests = sorted({row.get("killed_by") for row in self.rows} - known - {None})
        if not tests:
            return
        everything = ["--collect-only", "numerate", "tests"]
        if "collection" in tests and self.pytest(everything, NEAR_SECONDS) is not None:
            raise RuntimeError(f"not all tests can be collected; see {self.work / 'output'}")
        self.pytest([test for test in tests if test != "collection"], 2 * NEAR_SECONDS, stop=False)
        passed = {"collection", *(self.work / "passed").read_text().splitlines()}
        for test in tests:
            self.write({"test": test, "passes": test in passed})

    def test(self, mutant: dict, stage: str) -> None:
        start = time.monotonic()
        target = find(self.tree, mutant)
        if target is None:
            return self.write({"id": mutant["id"], "killed_by": None, "stage": "gone"})
        path, source = target[0], target[0].read_text(encoding="utf-8")
        close, names = near(self.tree, path, mutant), names_of(path, mutant)
        one = stage == "near" and mutant["room"] == "units" and path.stem != "_base"
        tests = close if stage == "near" else wide(self.tree, mutant, close)
        limit = NEAR_SECONDS if stage == "near" else WIDE_SECONDS
        path.write_text(mutated(*target, mutant["new"]), encoding="utf-8")
        failed = self.pytest(tests, limit, names, only=one)
        path.write_text(source, encoding="utf-8")
        killer = None if failed == "time" else failed
        row = {"id": mutant["id"], "killed_by": killer, "stage": stage}
        row |= {"unfinished": failed == "time", "seconds": round(time.monotonic() - start, 1)}
        self.write(row)


# As a plugin of pytest: says which test runs, ends one that hangs, begins with the closest, and
# leaves those for the end that took long before.


def pytest_collection_modifyitems(items: list) -> None:
    names, path = os.environ["MUTANT_NAMES"].split(), Path(os.environ["MUTANT_LONG"])
    named = re.compile(rf"\b({'|'.join(map(re.escape, names)) or '(?!)'})\b")
    long = set(path.read_text().splitlines()) if path.exists() else set()
    if os.environ["MUTANT_ONLY"]:
        # Other rows of the table of units are no nearer than all other tests.
        items[:] = [i for i in items if "[" not in i.nodeid or named.search(i.nodeid)]
    items.sort(key=lambda item: (item.nodeid in long, not named.search(item.nodeid)))


def pytest_runtest_logstart(nodeid: str) -> None:
    faulthandler.dump_traceback_later(TEST_SECONDS, exit=True, file=sys.__stderr__)
    with open(os.environ["MUTANT_LOG"], "a") as file:
        file.write(nodeid + "\n")


def pytest_runtest_logreport(report: Any) -> None:
    if report.when == "call" and report.passed:
        with open(os.environ["MUTANT_PASSED"], "a") as file:
            file.write(report.nodeid + "\n")
    if report.duration > LONG_SECONDS:
        with open(os.environ["MUTANT_LONG"], "a") as file:
            file.write(report.nodeid + "\n")


def table(work: Path, stored: list[dict]) -> str:
    """What was killed in every room, the survivors, and the first test that caught each."""
    rows = [json.loads(line) for line in (work / "results.jsonl").read_text().splitlines()]
    rows = {row["id"]: row for row in rows if "id" in row}
    lines = ["| room | mutants | killed |", "|---|---|---|"]
    for room in (*NAMES, "all"):
        ours = [m for m in stored if room in (m["room"], "all")]
        killed = [m for m in ours if rows.get(m["id"], {}).get("killed_by")]
        lines.append(f"| `{room}` | {len(ours)} | {len(killed)} |")
    lines += ["", "| survivor | in | was | is |", "|---|---|---|---|"]
    for m in stored:
        row = rows.get(m["id"], {"stage": "not run", "killed_by": None})
        if row["killed_by"] is None:
            state = "" if row["stage"] == "wide" else f" ({row['stage']})"
            old, new = (m[k].replace("|", "\\|").replace("\n", " ") for k in ("old", "new"))
            where = f"`{m['room']}/{m['file']}` `{m['in']}`"
            lines.append(f"| {m['id']}{state} | {where} | `{old}` | `{new}` |")
    lines += ["", "| mutant | in | caught by |", "|---|---|---|"]
    for m in stored:
        if killer := rows.get(m["id"], {}).get("killed_by"):
            lines.append(f"| {m['id']} | `{m['room']}/{m['file']}` `{m['in']}` | `{killer}` |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("generate", "check", "run", "table"))
    parser.add_argument("--tree", type=Path, default=HERE.parent)
    parser.add_argument("--work", type=Path, default=Path("/tmp/mutants"))
    parser.add_argument("--mutants", type=Path, default=HERE / "mutants.json")
    parser.add_argument("--only", type=int, nargs="*", help="ids, else all")
    arguments = parser.parse_args()
    store = arguments.mutants
    if arguments.command == "generate":
        rows = [json.dumps(one, ensure_ascii=False) for one in generate(arguments.tree)]
        store.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
        return
    stored = json.loads(store.read_text(encoding="utf-8"))
    if arguments.command == "check":
        check(arguments.tree.resolve(), stored)
    elif arguments.command == "table":
        print(table(arguments.work, stored))
    else:
        arguments.work.mkdir(parents=True, exist_ok=True)
        runner = Runner(arguments.tree.resolve(), arguments.work)
        wanted = [m for m in stored if m["id"] in (arguments.only or [m["id"]])]
        while any(mutant["id"] not in runner.done("wide") for mutant in wanted):
            for stage in ("near", "wide"):
                for mutant in wanted:
                    if mutant["id"] not in runner.done(stage):
                        runner.test(mutant, stage)
                        print(runner.rows[-1], flush=True)
                runner.check_killers()


if __name__ == "__main__":
    main()
