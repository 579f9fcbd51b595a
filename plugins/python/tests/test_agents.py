"""Agents, and what they can and cannot gain."""

import numpy as np
import pytest

import promemu
from promemu import ACTIONS
from promemu.agents import LinearPolicy, Noop, Operator, Random, Threshold, ars, cem
from promemu.benchmark import evaluate, main, student
from promemu.curriculum import Curriculum


class Repeated:
    """Does these actions over and over."""

    def __init__(self, *actions):
        self.actions = actions

    def reset(self, description, seed):
        self.step = 0

    def act(self, observation):
        self.step += 1
        return np.array(self.actions[self.step % len(self.actions)], np.int64)


@pytest.mark.parametrize("name", ["incident", "autoscale"])
def test_nothing_that_is_done_for_ever_beats_nothing_in_a_run_without_faults(name):
    description = promemu.describe(name, steps=40)
    seeds = range(2)
    quiet = evaluate(description, "noop", Noop(), seeds, "none").returns
    kinds = [ACTIONS.index(kind) for kind in description.actions if kind != "noop"]
    targets = range(len(description.targets))
    always = [Repeated((kind, target)) for kind in kinds for target in targets]
    toggled = [Repeated((kind, 0), (other, 0)) for kind in kinds for other in [0, *kinds]]
    for agent in [*always, *toggled]:
        returns = evaluate(description, "", agent, seeds, "none").returns
        assert (returns < quiet).all(), agent.actions


def test_an_operator_mends_faults_that_chance_does_not():
    description = promemu.describe("incident")
    seeds = range(3)
    rules = evaluate(description, "rules", Operator("incident"), seeds)
    chance = evaluate(description, "random", Random(), seeds)
    nothing = evaluate(description, "noop", Noop(), seeds)
    assert rules.returns.mean() > nothing.returns.mean() > chance.returns.mean()
    assert rules.mended > 0.9 and rules.mend_secs < 90 and rules.false_pages == 0
    assert nothing.noticed == 0 and chance.false_pages > 10


def test_a_page_that_tells_of_a_fault_is_true_once():
    env = promemu.make("incident")
    env.reset(seed=7)
    fault = env.truth()[0]
    target = env.description.targets.index(fault["target"])
    page = np.array([ACTIONS.index("page"), target])
    for _ in range(fault["begin_step"] + 2):
        env.step([0, 0])
    assert env.step(page)[4]["reward_false_page"] == 0
    assert env.truth()[0]["noticed_step"] == fault["begin_step"] + 2
    assert env.step(page)[4]["reward_false_page"] == -1
    assert env.outcome()["false_pages"] == 1


def test_searches_find_policies_that_are_better_than_chance():
    description = promemu.describe("autoscale", steps=60)
    seeds = range(50, 54)
    nothing = LinearPolicy(description)
    assert not nothing.act(np.ones(description.observation_len, np.float32)).any()
    chance = evaluate(description, "random", Random(), seeds).returns.mean()
    for search in (cem, ars):
        options = {"candidates": 12} if search is cem else {"directions": 6, "top": 3}
        found = search(description, generations=3, episodes=2, seed=1, **options)
        again = search(description, generations=3, episodes=2, seed=1, **options)
        assert np.array_equal(found.policy.weights, again.policy.weights)
        assert evaluate(description, "", found.policy, seeds).returns.mean() > chance


def test_rules_on_thresholds_act_on_values_in_their_own_unit():
    description = promemu.describe("autoscale")
    rule = Threshold("latency_p95@users", high=1.0, low=0.4, wait=2)
    rule.reset(description, 0)
    observation = np.zeros(description.observation_len, np.float32)
    place = description.columns.index("latency_p95@users")
    assert not rule.act(observation).any(), "an absent value is none"
    observation[len(description.columns) + place] = 1
    observation[place] = 0.25
    assert rule.act(observation)[0] == ACTIONS.index("scale_up")
    assert not rule.act(observation).any(), "it waits"
    observation[place] = 0.01
    assert rule.act(observation)[0] == ACTIONS.index("scale_down")


def test_an_agent_is_promoted_when_it_succeeds_often_enough():
    curriculum = Curriculum(promemu.describe("incident"), window=5)
    assert not any(curriculum.tell(is_success) for is_success in [True, True, False, False, True, True, True])
    assert curriculum.tell(True) is True
    assert curriculum.level == "compound" and not curriculum.is_last
    assert [curriculum.tell(True) for _ in range(5)] == [False, False, False, False, True]
    assert curriculum.is_last and not any(curriculum.tell(True) for _ in range(9))


def test_the_bench_prints_a_line_for_each_agent(capsys, tmp_path):
    scores = tmp_path / "scores.json"
    main(["incident", "--agents", "noop,rules", "--seeds", "3", "--steps", "60", "--json", str(scores)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["agent", "noop", "rules"] and "±" in lines[1]
    assert '"returns"' in scores.read_text()
    # Quantiles of Student's t, as in tables.
    assert [round(student(n), 2) for n in (9, 19, 29)] == [2.26, 2.09, 2.05]


def test_masks_say_what_has_an_effect():
    env = promemu.make("autoscale", level="none")
    env.reset(seed=1)
    down = ACTIONS.index("scale_down")
    assert env.action_masks().tolist() == [True, True, True, False, False, False, False, True]
    for _ in range(25):
        env.step([down, 0])
    assert env.numbers()["replicas"] == 1 and not env.action_masks()[down]
