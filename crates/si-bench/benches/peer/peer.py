"""Steps of Synaptic Intelligence in PyTorch, on request: what `benches/step.rs` compares ours with.

    python peer.py NETWORK BATCH_SIZE THREADS

Each line of standard input names a learner, and is answered by the seconds that its next step took, on a fresh random
batch. The first line of standard output is PyTorch's version.
"""

import sys
import time

import torch
from torch import nn

STRENGTH, DAMPING, LEARNING_RATE = 1.0, 1e-3, 1e-3


def perceptron(width):
    return nn.Sequential(
        nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def cnn():
    def pair(inputs, outputs):
        return [
            nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        ]  # fmt: skip

    dense = [nn.Flatten(), nn.Linear(64 * 6 * 6, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10)]
    return nn.Sequential(*pair(3, 32), *pair(32, 64), *dense)


NETWORKS = {
    "784-256-256-10": (lambda: perceptron(256), [784]),
    "784-2000-2000-10": (lambda: perceptron(2000), [784]),
    "CNN of split CIFAR": (cnn, [3, 32, 32]),
}


class Plain:
    """No consolidation, and the fastest Adam that PyTorch has."""

    def __init__(self, model):
        self.model = model
        self.params = list(model.parameters())
        self.optimizer = torch.optim.Adam(self.params, LEARNING_RATE, fused=True)

    def backward(self, images, labels):
        self.optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(self.model(images), labels).backward()

    def step(self, images, labels):
        self.backward(images, labels)
        self.optimizer.step()

    def end_task(self):
        pass


class Fast(Plain):
    """One backward pass, operations on all parameters at once, no allocation but for the total gradient."""

    def __init__(self, model):
        super().__init__(model)
        like = lambda: [torch.zeros_like(param) for param in self.params]
        self.path_integral, self.before, self.pulls = like(), like(), like()
        self.anchor = [param.detach().clone() for param in self.params]
        self.twice_held = None

    @torch.no_grad()
    def step(self, images, labels):
        with torch.enable_grad():
            self.backward(images, labels)
        of_task = [param.grad for param in self.params]
        if self.twice_held is not None:
            torch._foreach_copy_(self.pulls, self.params)
            torch._foreach_sub_(self.pulls, self.anchor)
            torch._foreach_mul_(self.pulls, self.twice_held)
            torch._foreach_add_(self.pulls, of_task)
            for param, total in zip(self.params, self.pulls):
                param.grad = total
        torch._foreach_copy_(self.before, self.params)
        self.optimizer.step()
        torch._foreach_sub_(self.before, self.params)
        torch._foreach_addcmul_(self.path_integral, of_task, self.before)

    @torch.no_grad()
    def end_task(self):
        moved = torch._foreach_sub(self.params, self.anchor)
        self.twice_held = [
            2 * STRENGTH * omega.clamp(min=0) / (move * move + DAMPING)
            for omega, move in zip(self.path_integral, moved)
        ]
        self.anchor = [param.clone() for param in self.params]
        self.path_integral = [torch.zeros_like(param) for param in self.params]


class Naive(Plain):
    """As it is often written: a backward pass for the task and one for the penalty, parameter by parameter."""

    def __init__(self, model):
        super().__init__(model)
        self.optimizer = torch.optim.Adam(self.params, LEARNING_RATE)
        self.path_integral = [torch.zeros_like(param) for param in self.params]
        self.anchor = [param.detach().clone() for param in self.params]
        self.importance = [torch.zeros_like(param) for param in self.params]

    def step(self, images, labels):
        self.backward(images, labels)
        of_task = [param.grad.clone() for param in self.params]
        before = [param.detach().clone() for param in self.params]
        penalty = sum(
            (importance * (param - anchor) ** 2).sum()
            for importance, param, anchor in zip(self.importance, self.params, self.anchor)
        )
        (STRENGTH * penalty).backward()
        self.optimizer.step()
        for omega, gradient, param, old in zip(self.path_integral, of_task, self.params, before):
            omega -= gradient * (param.detach() - old)

    @torch.no_grad()
    def end_task(self):
        for importance, omega, param, anchor in zip(
            self.importance, self.path_integral, self.params, self.anchor
        ):
            importance += omega.clamp(min=0) / ((param - anchor) ** 2 + DAMPING)
            anchor.copy_(param)
            omega.zero_()


LEARNERS = {"plain": Plain, "fast": Fast, "naive": Naive}


def main(network, batch_size, threads):
    torch.set_num_threads(int(threads))
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    build, shape = NETWORKS[network]

    def batch():
        return torch.rand(int(batch_size), *shape), torch.randint(10, (int(batch_size),))

    learners = {name: learner(build()) for name, learner in LEARNERS.items()}
    for learner in learners.values():
        for _ in range(3):
            learner.step(*batch())
        learner.end_task()
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        learner, data = learners[line.strip()], batch()
        start = time.perf_counter()
        learner.step(*data)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
