import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from ganzoo.logits import logits_of


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 1, 1, 1)])
def test_one_output_a_sample_is_its_logit(shape):
    logits = torch.tensor([1.0, -2.0, 3.0])
    assert logits_of(logits.view(shape)).tolist() == logits.tolist()


def test_several_outputs_stay_for_others_to_judge():
    assert logits_of(torch.zeros(3, 2)).shape == (3, 2)
    assert logits_of(torch.zeros(1)).shape == (1,)
    assert logits_of(torch.zeros(1, 1)).shape == (1,)


def test_columns_of_logits_train_as_rows_do(gan, trainer, batches):
    found = []
    for end in (nn.Identity(), nn.Flatten(0)):
        torch.manual_seed(0)
        model = gan(discriminator=nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), end))
        torch.manual_seed(1)
        trainer(3).fit(model, batches(8, 2))
        found.append(model.sample(4, seed=0))
    assert torch.equal(*found)


def test_a_map_of_logits_counts_with_the_mean_over_all_of_them(gan, trainer, batches):
    """One iteration of a discriminator of patches, by hand."""
    sgd = partial(torch.optim.SGD, lr=0.5)
    network = nn.Sequential(nn.Linear(2, 6), nn.Unflatten(1, (1, 2, 3)))
    model = gan(discriminator=network, optimizers=sgd)
    by_hand, generator = copy.deepcopy(network), copy.deepcopy(model.generator)
    torch.manual_seed(1)
    trainer(1).fit(model, batches(8, 2))
    torch.manual_seed(1)
    (real,), optimizer = next(iter(batches(8, 2))), sgd(by_hand.parameters())
    fake = generator(torch.randn(8, 4)).detach()
    loss = sum(softplus(side).sum() / (8 * 6) for side in (-by_hand(real), by_hand(fake)))
    loss.backward()
    optimizer.step()
    torch.testing.assert_close(network[0].weight, by_hand[0].weight)
    assert model.latest_terms["discriminator/loss"].item() == pytest.approx(loss.item())
