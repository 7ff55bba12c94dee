"""snnTorch's LIF networks, trained by surrogate gradients: the rival of :mod:`benchmarks.compare`.

Runs in a Python of its own, with torch and snntorch, which are no dependencies of this project:

    PYTHON benchmarks/snntorch_peers.py JOB.npz < settings.json > results.json

JOB.npz holds encoded samples, the same as an SQSNN gets: x_train, x_test (n, T, F), or (n, F) of
values that arrive in every one of T steps; lengths_train, lengths_test (n,); y_train, y_test.
The settings are those of :func:`train`. Each member is a training of its own, with its own weights,
order of batches and, for the rate code, its own spikes; they run side by side in one tensor, since
nearly all of the time of a small network is what a call of torch costs.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

SURROGATES: dict[str, Callable[[], Any]] = {
    "fast_sigmoid": surrogate.fast_sigmoid,  # slope 25
    "atan": surrogate.atan,  # alpha 2, what snnTorch takes by default
}


class Connection(nn.Module):
    """One ``nn.Linear`` per member, (S, m, n_in) -> (S, m, n_out), with its starting values."""

    def __init__(self, draws: list[torch.Generator], n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = self._drawn(draws, n_in, (n_in, n_out))
        self.bias = self._drawn(draws, n_in, (1, n_out))

    @staticmethod
    def _drawn(draws: list[torch.Generator], n_in: int, shape: tuple[int, int]) -> nn.Parameter:
        drawn = [torch.rand(shape, generator=g) * 2 - 1 for g in draws]
        return nn.Parameter(torch.stack(drawn) / math.sqrt(n_in))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class Network(nn.Module):
    """Dense layers of LIF neurons; the input may drive the visible layer too, as in an SQSNN."""

    def __init__(
        self, n_in: int, members: list[dict[str, Any]], draws: list[torch.Generator], given: Any
    ) -> None:
        super().__init__()
        *hidden, visible = given["sizes"]
        self.recurrent, self.skip = given["recurrent"], given["skip"] and bool(hidden)
        self.forwards, self.neurons = nn.ModuleList(), nn.ModuleList()
        decays = torch.tensor([m["beta"] for m in members])[:, None, None]
        for n, size in enumerate((*hidden, visible)):
            self.forwards.append(Connection(draws, n_in if n == 0 else hidden[n - 1], size))
            options = {
                "beta": decays.repeat(1, 1, size),
                "learn_beta": True,
                "spike_grad": SURROGATES[given["surrogate"]](),
            }
            if self.recurrent and n < len(hidden):
                layer = snntorch.RLeaky(linear_features=size, **options)
                layer.recurrent = Connection(draws, size, size)  # as theirs, for every member
            else:
                layer = snntorch.Leaky(**options)
            self.neurons.append(layer)
        self.shortcut = Connection(draws, n_in, visible) if self.skip else None

    def forward(self, x: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Return spikes of the visible neurons (S, T, B, n) of input (S, T or 1, B, F).

        And those of all neurons, per member and sample (S, B).
        """
        spikes, total = x, torch.zeros(())
        for n, (connection, layer) in enumerate(zip(self.forwards, self.neurons, strict=True)):
            currents = self._per_step(connection, spikes)
            if self.shortcut is not None and n == len(self.neurons) - 1:
                currents = currents + self._per_step(self.shortcut, x)
            spikes = self._run(layer, currents.expand(-1, steps, -1, -1))
            total = total + spikes.detach().sum((1, 3))
        return spikes, total

    @staticmethod
    def _per_step(connection: nn.Module, x: Tensor) -> Tensor:
        return connection(x.flatten(1, 2)).unflatten(1, x.shape[1:3])

    @staticmethod
    def _run(layer: nn.Module, currents: Tensor) -> Tensor:
        state = [torch.zeros_like(currents[:, 0])] * (
            2 if isinstance(layer, snntorch.RLeaky) else 1
        )
        out = []
        for current in currents.unbind(1):
            spikes, membrane = layer(current, *state)
            state = [spikes, membrane][-len(state) :]
            out.append(spikes)
        return torch.stack(out, 1)


class Samples:
    """Encoded samples, and what a member sees of some of them."""

    def __init__(self, data: Any, part: str, steps: int, rate: bool) -> None:
        self.x = torch.from_numpy(data[f"x_{part}"].astype(np.float32))
        self.y = torch.from_numpy(data[f"y_{part}"].astype(np.int64))
        lengths = torch.from_numpy(data[f"lengths_{part}"].astype(np.int64))
        self.shown = (torch.arange(steps) < lengths[:, None]).float()  # (n, T)
        self.steps, self.rate = steps, rate

    def __call__(self, rows: Tensor, draws: list[torch.Generator]) -> tuple[Tensor, ...]:
        """Return input (S, T, B, F), labels (S, B) and which steps count (S, T, B)."""
        x = self.x[rows]  # (S, B, F) or (S, B, T, F)
        x = x[:, None] if x.ndim == 3 else x.transpose(1, 2)
        if self.rate:
            x = x.expand(-1, self.steps, -1, -1)
            x = torch.stack(
                [
                    (torch.rand(p.shape, generator=g) < p).float()
                    for p, g in zip(x, draws, strict=True)
                ]
            )
        return x, self.y[rows], self.shown[rows].transpose(1, 2)


def moved(x: Tensor, given: dict[str, Any], draws: list[torch.Generator]) -> Tensor:
    """Move frames (S, T or 1, B, F) by random distances, those of a sample alike; zeros come in.

    ``given``: pixels, shape of a frame, and between, whether distances are no whole numbers.
    """
    rows, columns = given["shape"][-2:]
    most, between = given["pixels"], given.get("between", False)
    where = torch.stack([torch.rand((2, x.shape[2]), generator=g) for g in draws])  # (S, 2, B)
    where = (2 * where - 1) * most if between else torch.floor(where * (2 * most + 1)) - most
    frames = x.unflatten(-1, (-1, rows, columns))  # (S, T, B, channels, rows, columns)
    for axis, size in ((-2, rows), (-1, columns)):
        distance = where[:, axis + 2, None, :, None, None, None]
        whole = torch.floor(distance)
        near, far = (by(frames, (whole + k).long(), axis, size) for k in (0, 1))
        frames = near + (distance - whole) * (far - near)
    return frames.flatten(-3)


def by(frames: Tensor, whole: Tensor, axis: int, size: int) -> Tensor:
    """Move frames by whole pixels."""
    places = torch.arange(size).reshape(-1, 1) if axis == -2 else torch.arange(size)
    source = places - whole
    inside = (source >= 0) & (source < size)
    source = source.clamp(0, size - 1).expand(frames.shape)
    return torch.gather(frames, axis, source) * inside


def scores(spikes: Tensor, shown: Tensor, n_classes: int) -> tuple[Tensor, Tensor]:
    """Return spikes per class (S, B, n_classes), and the same with ties for who spoke later."""
    counted = (spikes * shown[..., None]).unflatten(-1, (n_classes, -1)).sum(-1)
    steps, total = counted.shape[1], counted.sum(1)
    times = torch.einsum("stbc,t->sbc", counted, torch.arange(1.0, steps + 1))
    most = steps * (steps + 1) / 2 * (spikes.shape[-1] // n_classes)
    return total, total.double() + times / (2 * most + 1)


def train(data: Any, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Train the members of one setting, and return what each reached.

    ``given``: sizes (of the layers, the visible one last), n_classes, n_steps, rate (draw spikes),
    recurrent, skip, surrogate, learning_rate, epochs, batch_size, perhaps augment (of
    :func:`moved`), and members, each with a seed, a
    beta (starting value of each neuron's decay, which is learned), a temperature (what spike counts
    are divided by, in units of the root of the spikes that a class can have) and perhaps rows: the
    training samples that it learns; the others are then its test samples.
    """
    start = time.process_time()
    members, n_classes, steps = given["members"], given["n_classes"], given["n_steps"]
    draws = [torch.Generator().manual_seed(m["seed"]) for m in members]
    learned = Samples(data, "train", steps, given["rate"])
    asked = Samples(data, "test", steps, given["rate"])
    everything = range(len(learned.y))
    rows = torch.tensor([m.get("rows", list(everything)) for m in members])
    network = Network(learned.x.shape[-1], members, draws, given)
    optimiser = torch.optim.Adam(network.parameters(), given["learning_rate"])
    per_class = given["sizes"][-1] // n_classes
    root = math.sqrt(per_class * float(learned.shown.sum(1).mean()))
    temperature = torch.tensor([m["temperature"] * root for m in members])[:, None, None]
    n, batch = rows.shape[1], given["batch_size"]
    updates = given["epochs"] * math.ceil(n / batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, updates)
    losses = torch.zeros(len(members))
    for _ in range(given["epochs"]):
        losses = torch.zeros(len(members))
        order = torch.stack(
            [r[torch.randperm(n, generator=g)] for r, g in zip(rows, draws, strict=True)]
        )
        for part in order.split(batch, dim=1):
            x, y, shown = learned(part, draws)
            if given.get("augment"):
                x = moved(x, given["augment"], draws)
            counts, _ = scores(network(x, steps)[0], shown, n_classes)
            loss = nn.functional.cross_entropy(
                (counts / temperature).flatten(0, 1), y.flatten(), reduction="none"
            ).reshape(y.shape)
            optimiser.zero_grad()
            loss.mean(1).sum().backward()  # members do not touch: each has its own gradient
            optimiser.step()
            schedule.step()
            losses += loss.detach().sum(1) / n
    trained = time.process_time() - start
    hits, spikes = [], []
    with torch.no_grad():
        if "rows" in members[0]:
            others = [sorted(set(everything) - set(m["rows"])) for m in members]
            rows, asked = torch.tensor(others), learned
        else:
            rows = torch.arange(len(asked.y)).repeat(len(members), 1)
        for part in rows.split(256, dim=1):
            x, y, shown = asked(part, draws)
            out, total = network(x, steps)
            hits.append(scores(out, shown, n_classes)[1].argmax(-1) == y)
            spikes.append(total)
    sizes = {name: p[0].numel() for name, p in network.named_parameters()}
    biases = sum(size for name, size in sizes.items() if name.endswith("bias"))
    correct = torch.cat(hits, 1).double().mean(1)
    return [
        {
            "accuracy": float(correct[i]),
            "loss": float(losses[i]),
            "seconds": trained / len(members),
            "side_by_side": len(members),
            "parameters": sum(sizes.values()) - biases,
            "biases": biases,
            "spikes": float(torch.cat(spikes, 1)[i].mean()),
        }
        for i in range(len(members))
    ]


def main() -> None:
    torch.set_num_threads(1)
    with np.load(sys.argv[1], allow_pickle=False) as data:
        arrays = dict(data)
    json.dump(train(arrays, json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
