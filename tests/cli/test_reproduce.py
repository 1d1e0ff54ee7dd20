"""`numerate reproduce`: its experiments and its errors."""

from numerate import bench, paper
from tests.cli.test_commands import run
from tests.each import each

EXPERIMENTS = paper.experiments() | bench.experiments()


def test_list_tells_of_every_experiment_and_benchmark():
    text = run("reproduce", "--list").stdout
    assert {"toy", "single-module"} < set(EXPERIMENTS)
    assert all(name in text for name in EXPERIMENTS)
    assert text.count("Claim:") == text.count("Takes:") == len(EXPERIMENTS) >= 3


def test_list_of_one_explains_every_setting():
    text = run("reproduce", "toy", "--list").stdout
    explained = EXPERIMENTS["toy"].help()
    assert all(f"    {name} (" in text for name in explained) and all(explained.values())


@each(
    "arguments, complaint",
    [
        ([], "name an experiment"),
        (["tpy"], "no experiment 'tpy'"),
        (["toy", "--scale", "quik"], "--scale must be one of smoke, quick, paper"),
        (["toy", "--seeds", "0"], "--seeds must be at least 1"),
        (["toy", "--units", "NALUX"], "has no unit 'NALUX'"),
        (["inside-network", "--units", "NAC"], "inside-network trains all its units together"),
        (["toy", "--set", "steps"], "--set must be SETTING=VALUE"),
        (["toy", "--set", "batch=many"], "--set batch must be a whole number"),
        (["toy", "--set", "batch=-1"], "--set batch must be a whole number of at least 0"),
        (["toy", "--set", "budget=nan"], "--set budget must be a number of at least 0"),
        (["toy", "--set", f"batch={10**20}"], "below 2^31, not '1000"),
        (
            ["toy", "--set", "functions=mull"],
            "must be of add, mul, mixed, not 'mull'.",
        ),
        (["toy", "--set", "units=NALUX"], "has no unit 'NALUX'"),
        (["identity", "--set", "start=x"], "must be of pytorch, glorot, not 'x'"),
        (["toy", "--set", "__class__=3"], "--set must be SETTING=VALUE"),
        (["toy", "--seeds", str(10**12)], "--seeds must be at least 1 and at most 1000000, not 10"),
    ],
)
def test_what_there_is_not_is_named(arguments, complaint, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert complaint in " ".join(run("reproduce", *arguments, code=2).stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_an_experiment_refuses_is_one_sentence(monkeypatch, tmp_path):
    def refused(*arguments, **options):
        raise ValueError("batch_size must be at least 1, got 0")

    monkeypatch.setattr("numerate.study.reproduce", refused)
    command = ["reproduce", "toy", "--set", "batch=0", "--out", tmp_path]
    assert run(*command, code=2).stderr == (
        "error: --set: toy cannot run with these settings: batch_size must be at least 1, got 0.\n"
    )


def test_names_of_units_may_have_commas():
    from numerate.cli._reproduce import _units

    gridworld = EXPERIMENTS["gridworld"]
    assert _units(gridworld, "LSTM + NAC, summed,LSTM") == ("LSTM", "LSTM + NAC, summed")
    assert _units(gridworld, "LSTM + NAC,cell, LSTM") == ("LSTM", "LSTM + NAC, cell")
