"""What takes the place of the arguments and Vars of Lava's own neurons and connections."""

from collections.abc import Mapping

__all__ = ["CONNECTION", "LEARNING", "LIF_NAMES", "QLIF_NAMES", "SQS_NAMES"]

_CURRENT = "The current of a step is z = current_scale * a_in + bias."
_NO_CURRENT_STATE = f"No current is kept from step to step. {_CURRENT}"
_BIAS = "The constant input current is `bias`, in one piece."
_MEMORY = "The state is `memory`, the Pauli vectors of the memory qubits."
_THRESHOLD = (
    "There is no threshold: the spike is the outcome of a measurement, with probability `p_spike`. "
    "`theta`, `bias` and `current_scale` move that."
)
_DECAY = (
    "Nothing leaks at a set rate: the memory decays by noise=NoiseModel(t1=..., t2=...) and "
    "restarts with `reset_interval`."
)
_RULE = (
    "A learning rule belongs to the connection, LearningDense(learning_rule=...), wired with "
    "connect_learning(...)."
)

SQS_NAMES: Mapping[str, str] = {
    "vth": _THRESHOLD,
    "v": _MEMORY,
    "u": _NO_CURRENT_STATE,
    "dv": _DECAY,
    "du": _NO_CURRENT_STATE,
    "bias_mant": _BIAS,
    "bias_exp": _BIAS,
    "learning_rule": f"{_RULE} The neurons of it are LearningSQS.",
    "size": "The number of neurons follows from `shape`.",
    "n_neurons": "The neurons are `shape`, a number or a tuple.",
    "weights": "Weights belong to the connection, for example Dense(weights=...).",
    "angles": "The angles are `theta`.",
    "n_qubits": "The qubits are `io_qubits` and `memory_qubits`.",
}

LEARNING: Mapping[str, str] = {
    **SQS_NAMES,
    "learning_rule": (
        f"{_RULE} For a rule that reads traces make the neurons with sends='traces', "
        "trace_tau=rule.post_trace_decay_tau and trace_impulse=rule.post_trace_kernel_magnitude."
    ),
    "lr": "The learning rates are `lr_theta`, `lr_bias` and `lr_weights`.",
    "learning_rate": "The learning rates are `lr_theta`, `lr_bias` and `lr_weights`.",
    "y1": "It leaves through the port `s_out_y1`.",
    "y2": "It leaves through the port `s_out_y2`.",
    "y3": "It leaves through the port `s_out_y3`.",
}

QLIF_NAMES: Mapping[str, str] = {
    **{key: words for key, words in SQS_NAMES.items() if key != "v"},
    "vth": "The threshold is `threshold`, the fraction of ones among the shots.",
    "v": "The state is `phi`, the angle of the qubit.",
    "memory": "The state is `phi`, the angle of the qubit.",
    "theta": "The angle of the qubit is `phi`; there are no others.",
    "dv": "The leak is `decay`, dt / T1 of one step.",
    "noise": "The only noise is the leak, `decay`, and the finite number of `shots`.",
}

LIF_NAMES: Mapping[str, str] = {
    **{key: words for key, words in SQS_NAMES.items() if key != "v"},
    "vth": "The voltage of an even chance is `threshold`, and `gain` says how steep it is there.",
    "memory": "The state is `v`, the voltage.",
    "theta": "There are no angles: `leak`, `threshold` and `gain` are what can be trained.",
    "dv": "The share of the voltage that a step keeps is `leak`, 1 - dv of Lava's LIF.",
    "noise": "The only noise is that of the spikes, which `gain` sets.",
}

_INSIDE = "There is no rule to give: it is built in, with `gamma`, `window` and `lr`."
CONNECTION: Mapping[str, str] = {
    "learning_rule": _INSIDE,
    "learning_rate": "The learning rate is `lr`.",
    "tag_1": "What a synapse remembers is `eligibility`.",
    "tag_2": "What a synapse remembers is `eligibility`.",
    "shape": "The shape follows from `weights`, (post, pre).",
    "num_message_bits": "Values travel as they are, spikes or not.",
    "weight_exp": "Weights are floating-point numbers, without an exponent.",
    "num_weight_bits": "Weights are floating-point numbers, without a number of bits.",
    "sign_mode": "Weights may have either sign.",
    "graded_spike_cfg": "Values travel as they are, spikes or not.",
    **{f"s_in_{name}": "Scores arrive at `s_in_kernel`, the signal at `s_in_y3`: use "
       "connect_learning(...)." for name in ("bap", "y1", "y2")},
}  # fmt: skip
