"""One process gives what many give: spikes, Vars and recordings, to the last bit."""

import numpy as np
import pytest
from networks import NETWORKS, STEPS
from scipy.sparse import issparse

from lava_sqs import SQSSimCfg, runtime


def state(make, engine, tag="floating_pt", pieces=(STEPS,)):
    """Run a network; return what all Vars are then, and what was recorded on the way."""
    processes = make()
    found = {}
    with runtime(processes[0], SQSSimCfg(select_tag=tag), engine=engine, timeout=60) as net:
        targets = {
            f"{i}_{var.name}": var
            for i, process in enumerate(processes)
            for var in [*process.vars, *process.out_ports]
            if not isinstance(getattr(var, "init", 0), (str, type(None)))
        }
        record = net.record(**targets)
        for n_steps in pieces:
            net.run(n_steps)
        for i, process in enumerate(processes):
            for var in process.vars:
                if var.init is None:  # a rule that a connection does not have
                    continue
                value = var.get()
                found[i, var.name] = value.toarray() if issparse(value) else value
    found.update(record)
    for i, process in enumerate(processes):
        if hasattr(process, "recording"):
            found |= {(i, "recording", name): v for name, v in dict(process.recording).items()}
    return found


def assert_equal(ours, theirs):
    """Fail unless two states are the same, bit for bit."""
    assert ours.keys() == theirs.keys()
    assert ours
    for name, value in ours.items():
        assert type(value) is type(theirs[name]), name
        if isinstance(value, str):
            assert value == theirs[name]
        else:
            assert value.dtype == theirs[name].dtype, name
            assert value.shape == theirs[name].shape, name
            assert value.tobytes() == theirs[name].tobytes(), name


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_bits(name):
    many = state(NETWORKS[name], "processes")
    assert_equal(state(NETWORKS[name], "inline"), many)
    assert any(np.any(v) for v in many.values() if not isinstance(v, str))


@pytest.mark.parametrize("name", ["integers"])
def test_the_same_bits_in_fixed_point(name):
    many = state(NETWORKS[name], "processes", "fixed_pt")
    assert_equal(state(NETWORKS[name], "inline", "fixed_pt"), many)


@pytest.mark.parametrize("name", NETWORKS)
def test_runs_may_be_cut_in_pieces(name):
    whole = state(NETWORKS[name], "inline")
    assert_equal(state(NETWORKS[name], "inline", pieces=(1, 2, 3, 10, STEPS - 16)), whole)
