"""Bad arguments are refused by name, or mean something: every public constructor and function."""

import logging
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from bounds import bounded
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from matplotlib import pyplot
from nasty import POOL, VALUES
from targets import LEFT_OUT, TARGETS

TOOLS = Path(__file__).parents[2] / "tools"
WEIGHTS = {name: len(target.kinds) / target.cost for name, target in TARGETS.items()}
#: What this machine is said to allow: less than any bomb wants.
LIMIT = 2**24


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr("lava_sqs._checks.memory_limit", lambda: LIMIT)


def spoiled(name):
    """Return a strategy of one or two wrong arguments."""
    arguments = st.sampled_from(sorted(TARGETS[name].kinds))
    return st.lists(
        st.tuples(arguments, VALUES), min_size=1, max_size=2, unique_by=lambda pair: pair[0]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_bad_arguments(name, counts):
    target = TARGETS[name]
    share = WEIGHTS[name] / sum(WEIGHTS.values())
    examples = max(5, round(25 * settings().max_examples * share))

    @settings(
        max_examples=examples,
        derandomize=settings().max_examples <= 100,  # the dedicated run draws others each time
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled(name))
    def run(changes):
        values = [(argument, value.make()) for argument, value in changes]
        if any(target.kinds[argument].skip(value) for argument, value in values):
            return
        counts[attempt(target, values)] += 1

    run()


def attempt(target, values):
    """Call with some arguments replaced; return "accepted" or "refused", or raise."""
    arguments = {**target.right(), **dict(values)}
    verdicts = {argument: target.kinds[argument].may(value) for argument, value in values}
    handlers = list(logging.getLogger().handlers)
    try:
        with warnings.catch_warnings(), bounded():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", UserWarning)  # advice
            result = target.call(**arguments)
    except (ValueError, TypeError, OSError) as error:
        if getattr(error, "filename", None):
            return "refused"
        said = f"{type(error).__name__}: {error}"
    else:
        said = None
    finally:
        pyplot.close("all")
        logging.getLogger().handlers[:] = handlers  # every Lava Process adds one
    if said is not None:
        words = {word for a, _ in values for word in (a, *target.also.get(a, ()))}
        assert any(re.search(rf"(?<!\w){re.escape(word)}", said) for word in words), (
            f"no one of {words} in {said}"
        )
        assert len(said) < 2000, f"{len(said)} characters"
        return "refused"
    refused = [argument for argument, verdict in verdicts.items() if verdict is False]
    assert not refused, f"{refused} accepted: {result!r}"
    target.check(result, arguments)
    return "accepted"


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_right_arguments_are_accepted(name):
    """Otherwise the inputs above would all be refused for another reason."""
    target = TARGETS[name]
    if "nowhere" in str(target.right()) or name == "study.quantised":
        return
    assert attempt(target, []) == "accepted"


def test_every_public_name_is_fuzzed(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    from public import names

    offered = {
        name.path.removeprefix("lava_sqs.")
        for name in names()
        if name.offered and name.kind in ("class", "function")
    }
    fuzzed = {re.sub(r",.*", "", name) for name in TARGETS}
    fuzzed |= {f"quantum.{name}" for name in fuzzed if name.startswith(("ansatz.", "diagnostics."))}
    assert offered - fuzzed - set(LEFT_OUT) == set()


def test_the_pool_is_what_it_says():
    assert len(POOL) == len({repr(name) for name in POOL})
    kinds = {type(make()) for make in POOL.values()}
    assert {int, float, complex, str, bytes, bool, np.ndarray, tuple, list, dict} <= kinds
