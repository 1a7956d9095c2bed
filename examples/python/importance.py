"""Prints the importance in a file that si-core has written, and writes a file with half of it.

    pip install safetensors numpy
    python importance.py FROM TO

Names are those of PyTorch's parameters, with `.importance`, `.anchor` and `.path_integral` behind them, so
with `safetensors.torch` in the place of `safetensors.numpy` a penalty is a loop over `named_parameters()`:

    sum((state[name + ".importance"] * (parameter - state[name + ".anchor"]) ** 2).sum() for ...)
"""

import sys

from safetensors import safe_open
from safetensors.numpy import save_file

source, target = sys.argv[1:]
with safe_open(source, framework="numpy") as file:
    metadata = file.metadata()
    state = {name: file.get_tensor(name) for name in file.keys()}

print(metadata)
halved = {}
for name in sorted(state):
    if name.endswith(".importance"):
        tensor = state[name]
        print(f"{name} {tensor.shape} {tensor.dtype}: largest {tensor.max():.2f}")
        halved[name] = tensor / 2
save_file(halved, target, metadata={"layout": "pytorch", "task": metadata["task"]})
