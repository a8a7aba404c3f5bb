"""The three losses against the golden numbers, the papers' formulas and third parties."""

from __future__ import annotations

import pytest
import torch
from lightly.loss import NegativeCosineSimilarity, NTXentLoss
from pytorch_metric_learning.losses import SupConLoss
from pytorch_metric_learning.reducers import DoNothingReducer
from torch.nn import functional as F

from gazesim.torch import CosinePairLoss, InfoNCEPairLoss, NTXentPairLoss, indices_tuple

N, DIM, SLOTS = 6, 5, 9
HALF = (torch.float16, torch.bfloat16)


def rows(count=N, *, seed=0, dtype=torch.float64, **options):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(count, DIM, generator=generator, dtype=torch.float64).to(dtype).requires_grad_(**options)
    )


def relation(count=N, *, seed=0):
    """A symmetric W with ones on the diagonal."""
    draws = torch.rand(count, count, generator=torch.Generator().manual_seed(seed)) > 0.6
    return (draws | draws.T | torch.eye(count, dtype=torch.bool)).double()


def queue_weights(count=N, slots=SLOTS):
    return (torch.rand(count, slots, generator=torch.Generator().manual_seed(5)) > 0.7).double()


def test_cosine_equals_the_golden_numbers(toy):
    numbers, p, z, _ = toy
    labels = torch.tensor(numbers["labels"], dtype=torch.float64)
    loss = CosinePairLoss()
    forth, back = loss(p, z, weights=labels), loss(z, p, weights=labels)
    assert float(forth) == pytest.approx(numbers["head_P_Z"], abs=1e-6)
    assert float(back) == pytest.approx(numbers["head_Z_P"], abs=1e-6)
    assert float((forth + back) / 2) == pytest.approx(numbers["simsiam_total(0.5*(a+b))"], abs=1e-6)
    assert float(2 * (forth + back)) == pytest.approx(numbers["byol_total(2*(a+b))"], abs=1e-6)
    assert float(loss(p, z)) == pytest.approx(numbers["head_identity_labels"], abs=1e-6)


def test_infonce_equals_the_golden_numbers(toy):
    numbers, p, z, queue = toy
    labels = torch.tensor(numbers["labelsQ"], dtype=torch.float64)
    loss = InfoNCEPairLoss(0.2)
    assert float(loss(p, z, queue=queue, weights=labels)) == pytest.approx(numbers["moco_T0.2"], abs=1e-6)
    assert float(loss(p, z, queue=queue)) == pytest.approx(numbers["moco_plain_T0.2"], abs=1e-6)


# --- the plain frameworks -------------------------------------------------------------------------


def gradients(loss, *inputs):
    return torch.autograd.grad(loss, inputs)


@pytest.mark.parametrize("weights", [None, torch.eye(N), torch.eye(N, dtype=torch.bool)])
def test_identity_is_lightlys_cosine(weights):
    p, z = rows(), rows(seed=1)
    ours, theirs = CosinePairLoss()(p, z, weights), NegativeCosineSimilarity()(p, z.detach())
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients(ours, p), gradients(theirs, p), rtol=0, atol=1e-12)


@pytest.mark.parametrize("weights", [None, torch.eye(N), torch.eye(N, dtype=torch.bool)])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_identity_is_lightlys_ntxent(weights, temperature):
    z = rows(), rows(seed=1)
    ours, theirs = NTXentPairLoss(temperature)(*z, weights), NTXentLoss(temperature)(*z)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients(ours, *z), gradients(theirs, *z), rtol=0, atol=1e-12)


def moco(q, k, queue, temperature):
    """Algorithm 1 of the MoCo paper: cross entropy of N logits rows, the key in column 0."""
    q, k, queue = (F.normalize(part, dim=1) for part in (q, k, queue))
    positive = torch.einsum("nc,nc->n", q, k)[:, None]
    negative = torch.einsum("nc,kc->nk", q, queue)
    logits = torch.cat([positive, negative], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))


@pytest.mark.parametrize("weights", [None, torch.zeros(N, SLOTS)])
def test_no_extra_positives_is_moco(weights):
    q, k, queue = rows(), rows(seed=1), rows(SLOTS, seed=2)
    ours = InfoNCEPairLoss(0.07)(q, k, queue=queue, weights=weights)
    theirs = moco(q, k, queue, 0.07)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients(ours, q), gradients(theirs, q), rtol=0, atol=1e-12)


# --- several positives ----------------------------------------------------------------------------


def supcon(embeddings, pairs, temperature, reference=None):
    """Pairs of all rows weighted alike; SupConLoss itself averages each row first."""
    loss = SupConLoss(temperature, reducer=DoNothingReducer())
    found = loss(embeddings, indices_tuple=pairs, ref_emb=reference, ref_labels=None)
    counts = torch.bincount(pairs[0], minlength=len(embeddings))
    return (found["loss"]["losses"] * counts).sum() / counts.sum()


@pytest.mark.parametrize("seed", range(5))
def test_simclr_equals_pytorch_metric_learning(seed):
    z0, z1, weights = rows(seed=seed), rows(seed=seed + 10), relation(seed=seed)
    ours = NTXentPairLoss(0.5)(z0, z1, weights)
    theirs = supcon(torch.cat([z0, z1]), indices_tuple(weights), 0.5)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    torch.testing.assert_close(gradients(ours, z0, z1), gradients(theirs, z0, z1), rtol=0, atol=1e-9)


def test_moco_equals_pytorch_metric_learning():
    """A batch of one: its key and the queue are the references."""
    q, k, queue, weights = rows(1), rows(1, seed=1), rows(SLOTS, seed=2), queue_weights(1)
    assert weights.sum() > 1
    labels = torch.cat([torch.ones(1, 1), weights], dim=1)
    theirs = supcon(q, indices_tuple(labels, views=0), 0.2, torch.cat([k, queue]))
    ours = InfoNCEPairLoss(0.2)(q, k, queue=queue, weights=weights)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_losses_are_the_papers_double_sum():
    """Equation 4, pair by pair, with soft weights."""
    p, z, queue = rows().detach(), rows(seed=1).detach(), rows(SLOTS, seed=2).detach()
    soft = relation() * torch.rand(N, N, generator=torch.Generator().manual_seed(3))
    cosine = F.cosine_similarity(p[:, None], z[None], dim=2)
    expected = -sum(soft[i, j] * cosine[i, j] for i in range(N) for j in range(N)) / soft.sum()
    torch.testing.assert_close(CosinePairLoss()(p, z, soft), expected, rtol=0, atol=1e-12)
    both = torch.cat([p, z])
    logits = F.cosine_similarity(both[:, None], both[None], dim=2) / 0.5
    top = bottom = 0.0
    for i in range(2 * N):
        others = [j for j in range(2 * N) if j != i]
        for j in others:
            weight = soft[i % N, j % N]
            top -= weight * (logits[i, j] - torch.logsumexp(logits[i, others], 0))
            bottom += weight
    torch.testing.assert_close(NTXentPairLoss(0.5)(p, z, soft), top / bottom, rtol=0, atol=1e-12)
    weights = queue_weights() * 0.7
    labels = torch.cat([torch.ones(N, 1), weights], dim=1)
    logits = torch.cat([cosine.diagonal()[:, None], F.cosine_similarity(p[:, None], queue[None], dim=2)], 1)
    expected = -(labels * F.log_softmax(logits / 0.2, dim=1)).sum() / labels.sum()
    ours = InfoNCEPairLoss(0.2)(p, z, queue=queue, weights=weights)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-12)


# --- gradients and degenerate batches -------------------------------------------------------------


def losses(count=N):
    """All losses as functions of two views and a W of the batch, by name."""
    queue = rows(count, seed=2).detach().bfloat16().double()  # exact in every type
    return {
        "cosine": CosinePairLoss(),
        "infonce": lambda a, b, w: InfoNCEPairLoss()(a, b, queue=queue.to(a.dtype), weights=w),
        "ntxent": NTXentPairLoss(),
    }


@pytest.mark.parametrize("name", losses())
@pytest.mark.parametrize("weights", [relation(), torch.ones(N, N)])
def test_gradcheck(name, weights):
    loss = losses()[name]
    first, second = rows(requires_grad=True), rows(seed=1, requires_grad=name != "cosine")
    assert torch.autograd.gradcheck(lambda a, b: loss(a, b, weights), (first, second))


def test_no_gradient_reaches_the_projections():
    p, z = rows(requires_grad=True), rows(seed=1, requires_grad=True)
    CosinePairLoss()(p, z, relation()).backward()
    assert z.grad is None
    assert p.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALF])
@pytest.mark.parametrize("count", [0, 1, 4])
@pytest.mark.parametrize("fill", [0.0, 1.0, "row without", "eye"])
@pytest.mark.parametrize("name", losses())
def test_degenerate_batches_are_finite(name, fill, count, dtype):
    weights = torch.eye(count) if isinstance(fill, str) else torch.full((count, count), fill)
    if fill == "row without":
        weights[:1] = 0
    first, second = (rows(count, seed=s, dtype=dtype).requires_grad_() for s in (0, 1))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype in HALF):
        if count and name != "infonce" and not weights.any():  # InfoNCE still has each image's own key
            with pytest.raises(ValueError, match="weights is 0 for all pairs; expected at least one"):
                losses(count)[name](first, second, weights)
            return
        loss = losses(count)[name](first, second, weights)
    assert loss.dtype == (torch.float32 if dtype in HALF else dtype)
    loss.backward()
    assert loss.isfinite()
    assert first.grad.isfinite().all()


@pytest.mark.parametrize("name", losses())
def test_zero_and_huge_embeddings_are_finite(name):
    for value in (0.0, 6e4):
        first, second = (torch.full((N, DIM), value, dtype=torch.float16).requires_grad_() for _ in range(2))
        loss = losses()[name](first, second, relation())
        loss.backward()
        assert loss.isfinite()
        assert first.grad.isfinite().all()


@pytest.mark.parametrize("name", losses())
def test_half_precision_is_summed_in_float32(name):
    first, second = rows(requires_grad=False), rows(seed=1, requires_grad=False)
    exact = losses()[name](first.bfloat16().double(), second.bfloat16().double(), relation())
    rounded = losses()[name](first.bfloat16(), second.bfloat16(), relation())
    assert float(rounded) == pytest.approx(float(exact), abs=2e-6)


# --- malformed input ------------------------------------------------------------------------------


def test_wrong_shapes_are_named():
    p = rows()
    with pytest.raises(ValueError, match=r"weights has shape \(6, 5\); expected \(6, 6\)"):
        CosinePairLoss()(p, p, torch.ones(6, 5))
    with pytest.raises(ValueError, match=r"weights has shape \(6, 6\); expected \(6, 9\)"):
        InfoNCEPairLoss()(p, p, queue=rows(SLOTS), weights=torch.ones(6, 6))
    with pytest.raises(ValueError, match=r"p has shape \(6, 5\), z \(3, 5\); expected"):
        CosinePairLoss()(p, p[:3])
    with pytest.raises(ValueError, match=r"z0 has shape \(6,\)"):
        NTXentPairLoss()(p[:, 0], p[:, 0])
    with pytest.raises(ValueError, match=r"queue has shape \(5, 6\); expected \(K, 5\)"):
        InfoNCEPairLoss()(p, p, queue=p.T)
    with pytest.raises(ValueError, match="temperature is 0"):
        NTXentPairLoss(0)
    with pytest.raises(TypeError, match=r"z is ndarray of shape \(6, 5\); expected a tensor"):
        CosinePairLoss()(p, p.detach().numpy())
    for loss in (CosinePairLoss, InfoNCEPairLoss, NTXentPairLoss):
        with pytest.raises(ValueError, match='reduction is \'mean\'; expected "pairs" or "rows"'):
            loss(reduction="mean")
    with pytest.raises(ValueError, match='positives is \'in\'; expected "outside" or "inside"'):
        InfoNCEPairLoss(positives="in")
    with pytest.raises(ValueError, match=r"ignore has shape \(6, 6\); expected \(6, 9\)"):
        InfoNCEPairLoss()(p, p, queue=rows(SLOTS), ignore=torch.ones(6, 6, dtype=torch.bool))
    with pytest.raises(TypeError, match=r"ignore has dtype torch\.float32; expected torch\.bool"):
        InfoNCEPairLoss()(p, p, queue=rows(SLOTS), ignore=torch.ones(6, 9))


@pytest.mark.parametrize("name", losses())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_weights_that_are_none_are_refused(name, dtype):
    """One clear error each: W in NumPy, negative, not finite, of another shape, complex."""
    p, z = rows(dtype=dtype), rows(seed=1, dtype=dtype)
    loss, good = losses()[name], relation().to(dtype)
    with pytest.raises(TypeError, match=r"weights is ndarray of shape \(6, 6\); expected a torch tensor"):
        loss(p, z, relation().numpy())
    with pytest.raises(TypeError, match=r"weights is \[\[.*expected a torch tensor of shape \(6, 6\)"):
        loss(p, z, relation().tolist())
    for value, text in ((-1.0, "-1"), (float("nan"), "nan"), (float("inf"), "inf")):
        bad = good.clone()
        bad[2, 4] = value
        with pytest.raises(ValueError, match=rf"weights: \[2, 4\] is {text}; expected a finite weight"):
            loss(p, z, bad)
    with pytest.raises(ValueError, match=r"weights: \[0, 0\] is -1"):
        loss(p, z, -torch.ones(N, N, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"weights has shape \(6,\); expected \(6, 6\)"):
        loss(p, z, torch.ones(N))
    with pytest.raises(TypeError, match=r"weights has dtype torch\.complex64; expected real numbers"):
        loss(p, z, torch.ones(N, N, dtype=torch.complex64))
    for exact in (torch.eye(N, dtype=torch.int64), torch.eye(N, dtype=torch.uint8)):
        torch.testing.assert_close(loss(p, z, exact), loss(p, z, torch.eye(N)))
