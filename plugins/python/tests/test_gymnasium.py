"""Environments are what Gymnasium expects."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import promemu
from promemu.registration import IDS

NAMES = sorted(IDS.values())


@pytest.mark.parametrize("name", sorted(IDS))
def test_the_checker_of_gymnasium_finds_nothing(name):
    env = gymnasium.make(name, disable_env_checker=True, steps=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


@pytest.mark.parametrize("name", NAMES)
def test_a_dictionary_has_the_parts_of_the_plain_observation(name):
    plain, parts = promemu.make(name), promemu.make(name, as_dict=True)
    check_env(parts, skip_render_check=True)
    seen, told = plain.reset(seed=3)[0], parts.reset(seed=3)[0]
    assert list(told) == ["metrics", "masks", "alarms"]
    assert np.array_equal(np.concatenate(list(told.values())), seen)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_episodes_begin_anew_as_each_mode_says(mode):
    vector = gymnasium.make_vec(
        "promemu/Incident-v0", num_envs=3, vectorization_mode="vector_entry_point", steps=4, autoreset_mode=mode
    )
    assert vector.metadata["autoreset_mode"] == mode
    noop = np.zeros((3, 2), np.int64)
    first, _ = vector.reset(seed=5)
    for step in range(4):
        last, rewards, terminated, truncated, info = vector.step(noop)
        assert truncated.all() == (step == 3) and not terminated.any()
    assert info["outcome"]["steps"].tolist() == [4] * 3 and info["_outcome"].all()
    single = promemu.make("incident", steps=4)
    single.reset(seed=5)
    for _ in range(4):
        alone = single.step([0, 0])[0]
    begun = single.reset()[0]
    assert not np.array_equal(begun, first[0]), "the next episode is another one"
    if mode == AutoresetMode.SAME_STEP:
        assert np.array_equal(info["final_obs"][0], alone) and np.array_equal(last[0], begun)
        assert info["final_info"]["outcome"]["steps"].tolist() == [4] * 3
    elif mode == AutoresetMode.NEXT_STEP:
        assert np.array_equal(last[0], alone)
        observations, rewards, _, truncated, info = vector.step(noop)
        assert np.array_equal(observations[0], begun) and not rewards.any() and not truncated.any()
        assert "outcome" not in info
    else:
        with pytest.raises(ValueError, match="the episode is over"):
            vector.step(noop)
        mask = np.array([True, False, True])
        observations, _ = vector.reset(options={"reset_mask": mask})
        assert np.array_equal(observations[0], begun) and np.array_equal(observations[1], last[1])
        with pytest.raises(ValueError, match="the episode is over"):
            vector.step(noop)


def test_pictures_show_values_and_alarms():
    env = promemu.make("incident", render_mode="rgb_array")
    env.reset(seed=7)
    before = env.render()
    assert before.dtype == np.uint8 and before.shape[2] == 3
    for _ in range(60):
        env.step([0, 0])
    after = env.render()
    assert after.shape == before.shape and not np.array_equal(after, before)
    text = promemu.make("autoscale", render_mode="ansi")
    text.reset(seed=7)
    text.step([0, 0])
    assert text.render().startswith("step 1 of 240") and "latency_p95@users" in text.render()
    with pytest.raises(ValueError, match="unknown render_mode"):
        promemu.make("incident", render_mode="human")


def test_arrays_are_shared_by_wish_only():
    noop = np.zeros((2, 2), np.int64)
    for copy in (True, False):
        single = promemu.make("learned", copy=copy)
        first, _ = single.reset(seed=1)
        assert (single.step([0, 0])[0] is first) != copy
        vector = promemu.make_vec("learned", num_envs=2, seed=1, copy=copy)
        vector.reset()
        results = [vector.step(noop)[:4] for _ in range(2)]
        assert all(np.shares_memory(one, other) != copy for one, other in zip(*results))


def test_wrong_calls_are_refused_with_a_reason():
    env = promemu.make("incident")
    with pytest.raises(ValueError, match="call reset"):
        env.step([0, 0])
    env.reset(seed=1)
    for action in ([7, 0], [0, 3], [-1, 0]):
        with pytest.raises(ValueError, match="not in the action space"):
            env.step(action)
    with pytest.raises(ValueError, match="two numbers"):
        env.step([1])
    with pytest.raises(ValueError, match="unknown level .x.; expected one of single, compound, noisy, none"):
        env.reset(options={"level": "x"})
    with pytest.raises(ValueError, match="unknown options"):
        env.reset(options={"levels": "single"})
    with pytest.raises(ValueError, match="config cannot be used"):
        promemu.make("no_such_config")
    with pytest.raises(ValueError, match="fault \"x\" is not in the config; it has errors, latency"):
        text = 'Environment(system: config(name: "incident"), step: "1s", steps: 9, warm_up: "9s",'
        promemu.make(text + ' observe: [(metric: "request_seconds")], faults: (of: ["x"]), reward: ())')
    with pytest.raises(ValueError, match="cannot be read"):
        promemu.make(model="no_such.promemu-model")


def test_any_config_is_an_environment():
    env = promemu.make("single_host_load", steps=10)
    check_env(env, skip_render_check=True)
    assert "restart" in env.description.actions and "page" in env.description.actions
