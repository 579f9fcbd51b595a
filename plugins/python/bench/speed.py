"""Steps of environments per second on one core, beside CartPole of Gymnasium, and of EnvPool if it is installed.

CartPole is a simpler task: four numbers, two actions, no names, no faults. It is here for scale.

    python speed.py
"""

import pathlib
import statistics
import tempfile
import time

import gymnasium
import numpy as np

import promemu

#: One host with eight metrics, each with a new value in each step.
CONFIG = """
Config(hosts: [Host(name: "host", ttl: "inf", interval: "10s", metrics: [
    Metric(repeat: Repeat(var: "n", from: 1, to: 3), name: "walk_{n}", value_range: (0, 100), update_interval: "10s", scenario: random_walk),
    Metric(repeat: Repeat(var: "n", from: 1, to: 2), name: "wave_{n}", value_range: (0, 100), update_interval: "10s", scenario: sine_wave),
    Metric(repeat: Repeat(var: "n", from: 1, to: 2), name: "any_{n}", value_range: (0, 100), update_interval: "10s", scenario: random_in_range),
    Metric(name: "requests_total", metric_type: counter, value_range: (0, 9), update_interval: "10s", scenario: random_in_range),
])])
"""
REPEATS = 5


def rate(count, work):
    """The median of steps per second over some repeats."""
    work()
    rates = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        rates.append(count / (time.perf_counter() - begin))
    return statistics.median(rates)


def show(name, found, unit="steps/s"):
    print(f"{name:<58} {found:>12,.0f} {unit}", flush=True)


def vector(name, what, envs, steps, **options):
    made = promemu.make_vec(what, num_envs=envs, seed=1, copy=False, level="none", steps=1_000_000, **options)
    made.reset()
    noop = np.zeros((envs, 2), np.int64)
    show(f"{name}, {envs} environments", rate(envs * steps, lambda: [made.step(noop) for _ in range(steps)]))


def single(name, what, steps, **options):
    env = promemu.make(what, level="none", steps=100_000_000, **options)
    env.reset(seed=1)
    noop = np.zeros(2, np.int64)
    show(f"{name}, one environment, copies", rate(steps, lambda: [env.step(noop) for _ in range(steps)]))
    show(f"{name}, reset", 1e6 / rate(2000, lambda: [env.reset() for _ in range(2000)]), "µs")


def cart_pole(steps):
    env = gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed=1)

    def play():
        for step in range(steps):
            if env.step(step & 1)[2]:
                env.reset()

    show("CartPole of Gymnasium, one environment", rate(steps, play))
    many = gymnasium.make_vec("CartPole-v1", num_envs=1024, vectorization_mode="vector_entry_point")
    many.reset(seed=1)
    actions = np.zeros(1024, np.int64)
    show("CartPole of Gymnasium, 1024 environments", rate(1024 * 200, lambda: [many.step(actions) for _ in range(200)]))
    try:
        import envpool
    except ImportError:
        print("CartPole of EnvPool: EnvPool is not installed")
        return
    pool = envpool.make_gymnasium("CartPole-v1", num_envs=1024, num_threads=1)
    pool.reset()
    actions = np.zeros(1024, np.int32)
    show("CartPole of EnvPool, 1024 environments", rate(1024 * 500, lambda: [pool.step(actions) for _ in range(500)]))


def main():



    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "eight.ron"
        config.write_text(CONFIG, encoding="utf-8")
        vector("config, 8 metrics", str(config), 1024, 200)
        single("config, 8 metrics", str(config), 50_000)
        vector("learned, 4 metrics, 32 units", "learned", 1024, 50)
        single("learned, 4 metrics, 32 units", "learned", 20_000)
        vector("incident", "incident", 64, 20)
        single("incident", "incident", 500)
        vector("autoscale", "autoscale", 64, 50)
        single("autoscale", "autoscale", 2000)
    cart_pole(20_000)


main()
