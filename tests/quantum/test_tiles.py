"""Passes over tiles of a register: the same as each map alone on all of it."""

from types import SimpleNamespace

import numpy as np
import pytest

from lava_sqs.quantum.kernels.tiles import aligned, tile_size, walk
from lava_sqs.quantum.maps import Operation, fused, pattern_of
from lava_sqs.quantum.tiles import arranged, tables_of


def random_maps(rng, n, radix, count):
    """Sparse constant maps on one or two digits, and now and then on four."""
    maps = []
    for _ in range(count):
        size = rng.choice([1, 2, 2, 2, 4]) if n > 4 else rng.integers(1, min(n, 2) + 1)
        qubits = tuple(int(q) for q in rng.permutation(n)[:size])
        d = radix ** len(qubits)
        matrix = rng.normal(size=(d, d)) * (rng.random((d, d)) < min(1.0, 5 / d)) + np.eye(d) / 2
        maps.append(Operation(qubits, [(matrix[None], 0, None)]))
    return maps


def alone(maps, v, n, radix):
    """Apply each map to all of a register (components, lanes)."""
    v = v.reshape(*(radix,) * n, -1)
    for operation in maps:
        k = len(operation.qubits)
        matrix = operation.factors[0][0][0]
        for terms, *_ in operation.factors[1:]:
            matrix = terms[0] @ matrix
        v = np.tensordot(
            matrix.reshape((radix,) * (2 * k)), v, axes=(range(k, 2 * k), operation.qubits)
        )
        v = np.moveaxis(v, range(k), operation.qubits)
    return v.ravel()


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize(("radix", "sizes"), [(4, (1, 2, 3, 4, 5, 6)), (2, (2, 3, 5, 9, 12))])
def test_passes_are_the_maps_one_after_the_other(radix, sizes, lanes):
    for n in sizes:
        rng = np.random.default_rng(n)
        maps = random_maps(rng, n, radix, 25)
        merged = fused(maps, radix, saved=1.0)
        operations, passes = arranged(merged, n, radix)
        assert sum(count for _, count in passes) == len(operations) == len(merged)
        program = SimpleNamespace(
            digits=n,
            radix=radix,
            operations=operations,
            passes=passes,
            patterns=tuple(map(pattern_of, operations)),
        )
        tables = tables_of(program, lanes)
        values = []
        for operation, pattern in zip(operations, program.patterns, strict=True):
            matrix = operation.factors[0][0][0]
            for terms, *_ in operation.factors[1:]:
                matrix = terms[0] @ matrix
            values.append(matrix[pattern[:, 0], pattern[:, 1]])
        v = rng.normal(size=radix**n * lanes)
        expected = alone(maps, v.copy(), n, radix)
        tile = tile_size(tables)
        walk(tables, np.concatenate(values), v, aligned(tile, v), aligned(tile, v))
        np.testing.assert_allclose(v, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_large_circuits_go_over_the_register_few_times():
    from lava_sqs.quantum import NoiseModel, ansatz
    from lava_sqs.quantum.density import compile_density
    from lava_sqs.quantum.pure import compile_pure

    program = compile_density(ansatz.layered(1, 8), NoiseModel.preset("ibm_torino"))
    assert len(program.operations) <= 18  # of 42 gates and as many errors
    assert len(program.passes) <= 6
    assert all(len(digits) <= 4 for digits, _ in program.passes)
    assert len(compile_pure(ansatz.layered(1, 12)).passes) <= 4
