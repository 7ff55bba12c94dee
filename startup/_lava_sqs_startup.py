"""Let Lava 0.10 run on Python 3.11 and later and on NumPy 2.4 and later.

Five of its modules do not. Their source is mended in memory while they are imported: no file of
Lava is changed, and nothing happens before. This module is imported whenever Python starts, by
``lava_sqs.pth`` or, from Python 3.15, ``lava_sqs.start``, since users import Lava's Processes
before ``lava_sqs``; so it imports nothing itself.
"""

import sys

# module -> (what stands there, what stands there instead); line numbers stay as they are.
MENDED = {
    # An instance of a mutable dataclass is the default of a field: refused from Python 3.11.
    "lava.magma.compiler.var_model": (
        ("@dataclass\nclass ByteEncoder:", "@dataclass(unsafe_hash=True)\nclass ByteEncoder:"),
    ),
    # The argument `newshape` is gone from NumPy 2.4.
    "lava.magma.core.process.ports.ports": (
        ("import numpy as np\n", "import numpy as np; from _lava_sqs_startup import reshape\n"),
        ("ft.partial(np.reshape, newshape=", "ft.partial(reshape, shape="),
    ),
    # hasattr() of a collection of ports or Vars raises, and newer Pythons ask it for private names.
    "lava.magma.core.process.process": (
        (
            "            raise AssertionError\n\n        if item not in self.member_names:",
            "            raise AssertionError\n"
            "        if item.startswith('_'): raise AttributeError(item)\n"
            "        if item not in self.member_names:",
        ),
    ),
    # An array of one element is taken for a number: refused from NumPy 2.4.
    "lava.proc.clp.nsm.models": (
        ("alloc_signal[0] = self.next_alloc_id", "alloc_signal[:1] = self.next_alloc_id"),
    ),
    "lava.proc.graded.models": (
        ("(int(np.log2(val)) + 1)", "(int(np.log2(np.asarray(val).item())) + 1)"),
        ("b_i = int(s_fp)", "b_i = int(np.asarray(s_fp).item())"),
    ),
}


class Finder:
    """Finds the modules of :data:`MENDED` as Python does, and mends their source."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """Return the module's spec with a loader that mends; None for all other modules."""
        if name not in MENDED:
            return None
        from importlib.machinery import PathFinder, SourceFileLoader

        class Loader(SourceFileLoader):
            def get_code(self, fullname):
                source = self.get_data(self.path).decode("utf-8")
                for old, new in MENDED[name]:
                    source = source.replace(old, new)
                # Compiled anew each time: the byte code on disk is that of the file.
                return self.source_to_code(source, self.path)

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


def reshape(a, shape):
    """Return *a* in this shape, on every NumPy."""
    import numpy as np

    return np.reshape(a, shape)


def mend() -> None:
    """Mend these modules when they are imported; a second call does nothing."""
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)
