"""Sub-centres find the pictures that were filed under the wrong name."""

from __future__ import annotations

import math

import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads.outliers import find_outliers


def test_swapped_labels_are_found() -> None:
    """Ten people, six of 300 pictures filed under somebody else: three near a second centre, three near none."""
    generator = torch.Generator().manual_seed(4)
    people = torch.linalg.qr(torch.randn(32, 32, generator=generator))[0][:10]
    truth = torch.arange(300) % 10
    x = people[truth] + 0.05 * torch.randn(300, 32, generator=generator)
    labels = truth.clone()
    wrong = torch.arange(0, 300, 50)
    labels[wrong] = torch.tensor([3, 3, 3, 7, 8, 9])  # pictures of person 0
    centres = torch.stack([people, -people], dim=1)  # a second centre that nothing is near
    centres[3, 1] = people[0]
    report = find_outliers(x, labels, centres)
    assert {outlier.index for outlier in report.outliers} == set(wrong.tolist())
    assert {o.reason for o in report.outliers} == {"far"}
    assert [o.angle for o in report.outliers] == sorted((o.angle for o in report.outliers), reverse=True)
    assert report.dominant.tolist() == [0] * 10
    assert report.share[3].item() == pytest.approx(30 / 33)

    near = find_outliers(x, labels, centres, largest_angle=math.pi)  # told by the centre alone
    assert set(wrong[:3].tolist()) <= {outlier.index for outlier in near.outliers} <= set(wrong.tolist())
    assert {o.reason for o in near.outliers} == {"other centre"}


def test_a_class_without_pictures_has_no_dominant_centre() -> None:
    centres = torch.eye(4).reshape(2, 2, 4)
    report = find_outliers(torch.eye(4)[:1], torch.tensor([0]), centres)
    assert report.dominant.tolist() == [0, -1]
    assert math.isnan(report.share[1].item())
    assert report.outliers == ()


@pytest.mark.parametrize("shape", [(3, 2), (3, 1, 2)])
def test_one_prototype_a_class_cannot_tell(shape: tuple[int, ...]) -> None:
    sentence = rf"must have shape \(C, K, d\) with K of 2 or more, not \({', '.join(map(str, shape))}\)"
    with pytest.raises(ConfigurationError, match=sentence):
        find_outliers(torch.ones(1, 2), torch.tensor([0]), torch.ones(shape))


def test_a_picture_that_failed_has_no_vote() -> None:
    with pytest.raises(ConfigurationError, match="number 1 of 2 is the zero vector"):
        find_outliers(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 0]), torch.ones(2, 2, 2))
