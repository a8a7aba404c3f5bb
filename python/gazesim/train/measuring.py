"""Use a network in evaluation mode and restore its state afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

__all__ = ["as_input_of", "device_of", "measuring", "unchanged"]


@contextmanager
def unchanged(*modules: nn.Module) -> Iterator[None]:
    """Restore the states of modules and random generators afterwards, also after an error.

    Restored are: training or evaluation mode of every submodule, buffers (values and identity),
    ``requires_grad``, ``grad``, device and dtype of every parameter, hooks, and the states of the random
    generators of torch (CPU, and the GPUs of the modules), NumPy and Python. The values of parameters are
    not copied, because a measurement does not write to them.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train.measuring import unchanged
    >>> norm = torch.nn.BatchNorm1d(2)
    >>> with unchanged(norm):
    ...     _ = norm(torch.rand(8, 2))
    >>> norm.running_mean, int(norm.num_batches_tracked)
    (tensor([0., 0.]), 0)
    """
    before = [_State(part) for module in modules for part in module.modules()]
    devices = sorted(
        {
            one.device.index
            for module in modules
            for one in (*module.parameters(), *module.buffers())
            if one.device.type == "cuda"
        }
    )
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        for state in before:
            state.restore()
        # Half-precision copies of weights that were made without gradients would otherwise be used
        # by a training step around this call.
        torch.clear_autocast_cache()


@contextmanager
def measuring(*modules: nn.Module) -> Iterator[None]:
    """Put modules into evaluation mode without gradients; they are :func:`unchanged` afterwards.

    Gradients are switched off by ``no_grad``, not ``inference_mode``: a module may keep a tensor of
    this call (a table of positions, say), which a later training step could not use otherwise.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train.measuring import measuring
    >>> net = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Dropout()).train()
    >>> with measuring(net):
    ...     print(net[1].training, net(torch.rand(4, 2)).requires_grad)
    False False
    >>> net[1].training
    True
    """
    with unchanged(*modules), torch.no_grad():
        for module in modules:
            module.eval()
        yield


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a module's parameters; the CPU for a module without any."""
    parameter = next(module.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


def as_input_of(module: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return images on the device, and in the floating-point type, of a module's first parameter."""
    weight = next((one for one in module.parameters() if one.is_floating_point()), None)
    # A quantised or integer weight says nothing about the images.
    return images.to(device_of(module)) if weight is None else images.to(weight.device, weight.dtype)


class _State:
    """The saved state of one submodule."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.training = module, module.training
        self.buffers = {
            name: (buffer, None if buffer is None or is_lazy(buffer) else buffer.detach().clone())
            for name, buffer in module._buffers.items()
        }
        self.transient = set(module._non_persistent_buffers_set)
        self.parameters = {
            name: (one, one.data, one.requires_grad, one.grad)
            for name, one in module._parameters.items()
            if one is not None and not is_lazy(one)
        }
        self.hooks = {
            name: dict(hooks)
            for name, hooks in vars(module).items()
            if "_hooks" in name and isinstance(hooks, dict)
        }

    def restore(self) -> None:
        """Restore the submodule to the saved state."""
        # Not by train(), which a module may override to keep normalisation layers frozen.
        self.module.training = self.training
        for name, (parameter, data, requires_grad, grad) in self.parameters.items():
            self.module._parameters[name] = parameter
            if parameter.data_ptr() != data.data_ptr() or parameter.dtype != data.dtype:
                parameter.data = data  # it was moved or cast
            parameter.requires_grad_(requires_grad)
            parameter.grad = grad
        _restore_buffers(self.module._buffers, self.buffers)
        self.module._non_persistent_buffers_set = set(self.transient)
        for name, hooks in self.hooks.items():
            current: dict[Any, Any] = getattr(self.module, name)
            if list(current.items()) != list(hooks.items()):
                current.clear()
                current.update(hooks)


def _restore_buffers(current: dict[str, Any], before: dict[str, Any]) -> None:
    for name in current.keys() - before.keys():
        del current[name]
    for name, (buffer, value) in before.items():
        current[name] = buffer
        if value is not None and not torch.equal(buffer, value):
            with torch.no_grad():
                buffer.copy_(value)
