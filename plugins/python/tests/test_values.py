"""The same seed and actions give the same values, wherever they are made."""

import subprocess

import numpy as np
import pytest

import promemu


def some_actions(description, count, steps):
    random = np.random.default_rng(11)
    kinds = [promemu.ACTIONS.index(name) for name in description.actions]
    return np.stack([random.choice(kinds, (steps, count)), random.integers(len(description.targets), size=(steps, count))], axis=2)


@pytest.mark.parametrize("name, count", [("incident", 16), ("autoscale", 16), ("learned", 1024)])
def test_environments_are_alone_as_they_are_among_others(name, count):
    steps = 24
    vector = promemu.make_vec(name, num_envs=count, seed=100, steps=15)
    halves = promemu.make_vec(name, num_envs=count, seed=100, steps=15, threads=2)
    actions = some_actions(vector.description, count, steps)
    observations, _ = vector.reset()
    assert np.array_equal(observations, halves.reset()[0])
    numbers = [0, count // 2, count - 1]
    alone = [promemu.make_vec(name, num_envs=1, seed=100 + number, steps=15) for number in numbers]
    for env, number in zip(alone, numbers, strict=True):
        assert np.array_equal(env.reset()[0][0], observations[number])
    for step in range(steps):
        results = vector.step(actions[step])
        for one, other in zip(results[:4], halves.step(actions[step])[:4], strict=True):
            assert np.array_equal(one, other)
        for env, number in zip(alone, numbers, strict=True):
            own = env.step(actions[step, number : number + 1])
            for one, other in zip(own[:4], results[:4], strict=True):
                assert np.array_equal(one[0], other[number]), (step, number)
            for key, values in own[4].items():
                if key.startswith("reward_"):
                    assert values[0] == results[4][key][number]


@pytest.mark.parametrize("name", ["incident", "autoscale", "learned"])
def test_a_reward_is_the_sum_of_its_terms(name):
    env = promemu.make(name, level="none" if name == "learned" else "compound")
    env.reset(seed=4)
    total = 0.0
    for action in some_actions(env.description, 1, 100)[:, 0]:
        _, reward, _, _, info = env.step(action)
        terms = [value for key, value in info.items() if key.startswith("reward_")]
        assert len(terms) == 5 and reward == sum(terms) and all(term <= 0 for term in terms)
        total += reward
    assert env.outcome()["reward"] == pytest.approx(total)


@pytest.mark.parametrize("name", ["incident", "autoscale", "learned"])
def test_snapshots_have_the_same_future(name):
    env = promemu.make(name, level="noisy" if name != "learned" else None)
    observation, _ = env.reset(seed=9)
    actions = some_actions(env.description, 1, 60)[:, 0]
    for action in actions[:30]:
        observation = env.step(action)[0]
    copy = env.snapshot()
    after = [env.step(action) for action in actions[30:]]
    assert np.array_equal(env.restore(copy), observation)
    for action, (seen, reward, *_) in zip(actions[30:], after, strict=True):
        again = env.step(action)
        assert np.array_equal(again[0], seen) and again[1] == reward
    with pytest.raises(ValueError, match="snapshot is of another"):
        promemu.make("incident").restore(promemu.make("learned").snapshot())


def test_faults_do_not_depend_on_actions():
    def faults(actions):
        env = promemu.make("incident", level="compound")
        env.reset(seed=21)
        for action in actions:
            env.step(action)
        return [(own["fault"], own["target"], own["begin_step"], own["end_step"]) for own in env.truth()]

    nothing = np.zeros((180, 2), np.int64)
    assert faults(nothing) == faults(some_actions(promemu.describe("incident"), 1, 180)[:, 0])
    env = promemu.make("incident", fault_seed=5)
    drawn = []
    for seed in (1, 2):
        env.reset(seed=seed)
        drawn.append([(own["fault"], own["target"], own["begin_step"]) for own in env.truth()])
    assert drawn[0] == drawn[1] and drawn[0]


def of(frame, metric, labels=""):
    chosen = (frame["metric"] == metric) & np.array([labels in text for text in frame["labels"]])
    return frame["timestamp"][chosen], frame["value"][chosen]


def test_an_export_has_the_values_that_were_observed():
    # Hosts of this environment report with each update.
    env = promemu.make("autoscale", level="compound")
    env.reset(seed=33)
    observed = []
    for action in some_actions(env.description, 1, 60)[:, 0]:
        env.step(action)
        observed.append(env.numbers()["sessions@users"])
    frame = env.export()
    stamps, values = of(frame, "app_active_sessions")
    shown = dict(zip(stamps.tolist(), values.tolist(), strict=True))
    times = [1000 * (env.description.start_unix + 60 + 15 * (step + 1)) for step in range(60)]
    assert [shown[int(time)] for time in times] == observed and len(set(observed)) > 10
    env.reset()
    with pytest.raises(ValueError, match="only the first episode"):
        env.export()


def test_an_export_has_the_samples_of_the_program(program, tmp_path):
    frame = promemu.export("incident", seed=7, lasts=900, step=30)
    out = tmp_path / "samples.csv"
    command = [program, "export", "incident", "--seed", "7", "--from", "2026-01-05T00:00:00Z", "--for", "15m", "--step", "30s"]
    subprocess.run([*command, "--format", "csv", "--out", str(out)], check=True, capture_output=True)
    lines = out.read_text().splitlines()
    assert len(lines) > 1000
    import csv

    rows = list(csv.DictReader(lines))
    theirs = {}
    for row in rows:
        theirs.setdefault(row["metric"], []).append((int(row["timestamp"]), float(row["value"])))
    for metric in ("request_seconds", "http_requests_total", "http_request_duration_seconds_bucket", "pg_up"):
        stamps, values = of(frame, metric)
        own = sorted(zip(stamps.tolist(), values.tolist(), strict=True))
        assert own == sorted(theirs[metric]) and own, metric


def test_frames_have_the_format_that_is_asked_for():
    plain = promemu.export("single_host_load", lasts=120, step=10)
    assert set(plain) == {"timestamp", "metric", "labels", "value"}
    assert len({len(column) for column in plain.values()}) == 1
    with pytest.raises(ValueError, match="unknown format"):
        promemu.export("single_host_load", lasts=10, format="x")
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = promemu.export("single_host_load", lasts=120, step=10, format="arrow")
    assert isinstance(table, arrow.Table) and table.num_rows == len(plain["value"])


def test_the_truth_is_that_of_the_program(program):
    own = promemu.truth("incident", seed=3, lasts=1200)
    assert [record["id"] for record in own[:3]] == ["errors", "latency", "saturation"]
    assert own[0]["begin_unix"] == 1_767_571_200 + 180 and own[0]["end_unix"] - own[0]["begin_unix"] == 60


def test_verdicts_come_from_the_program(program, tmp_path):
    config = tmp_path / "few.ron"
    host = 'Host(name: "web", ttl: "1m", metrics: [Metric(name: "load", value_range: (0, 1), scenario: random_walk)])'
    config.write_text(f"Config(verdicts: [series(total: 9)], hosts: [{host}])")
    report = promemu.test(config, program=program)
    assert report["exit_code"] == 0
    with pytest.raises(RuntimeError, match="no_such_config"):
        promemu.test("no_such_config", program=program)
