"""What every figure of the report means, and where its definition comes from."""

from __future__ import annotations

from collections.abc import Container

Term = tuple[str, str]

DEFINITIONS: tuple[Term, ...] = (
    (
        "Cosine similarity, angle",
        "Every face becomes a point on a sphere. The score of two faces is the cosine of the angle between "
        "their points: 1 for the same direction, 0 for a right angle. A pair is accepted if its score "
        "reaches the threshold.",
    ),
    (
        "Genuine and impostor pair",
        "Two images of one person; two images of two people.",
    ),
    (
        "FMR, FNMR",
        "False match rate: share of impostor pairs accepted. False non-match rate: share of genuine pairs "
        "rejected. “FNMR at FMR x” uses the smallest threshold whose FMR does not exceed x, without "
        "interpolation [1].",
    ),
    (
        "Equal error rate (EER)",
        "The rate at which FMR and FNMR are equal, by straight lines between the steps of both.",
    ),
    (
        "Area under ROC (AUC)",
        "Probability that a genuine pair scores above an impostor pair; ties count half.",
    ),
    (
        "DET curve",
        "FNMR against FMR on normal-deviate axes, on which normally distributed scores give a straight line [2].",
    ),
    (
        "Ten-fold accuracy",
        "Pairs are dealt into folds, ten or the protocol's own; each is judged with the threshold that is best on "
        "the others, as "
        "in the protocol of Labeled Faces in the Wild [3].",
    ),
    (
        "Threshold fixed, threshold estimated",
        "Fixed: chosen beforehand, and the interval is for that threshold. Estimated: chosen on the very people "
        "that were judged, and the interval covers that choice, because people are resampled with it.",
    ),
    (
        "Mated and non-mated search",
        "A search of the gallery by a person who is enrolled, or by a stranger. Strangers are people, not "
        "leftover images of enrolled ones.",
    ),
    (
        "FPIR, FNIR",
        "False positive identification rate: share of strangers' searches in which at least one enrolled "
        "person reaches the threshold. False negative identification rate: share of mated searches whose "
        "own person is not ranked first or stays below the threshold [1]. Both depend on the number of people "
        "enrolled: a larger gallery raises more false alarms at the same threshold.",
    ),
    (
        "CMC",
        "Cumulative match characteristic: share of mated searches whose own person is among the best k, "
        "without threshold. It says nothing about strangers.",
    ),
    (
        "Operating point",
        "A threshold together with the error rate it was measured at, the gallery size and the model; the "
        "gallery refuses to work with a bare number.",
    ),
    (
        "Alignment, uniformity",
        "Mean squared distance between images of one person, averaged by person; and the logarithm of the mean "
        "of exp(−2 d²) over all pairs, d their distance. Lower is better for both [4].",
    ),
    (
        "Angular Fisher score",
        "Scatter within people over scatter between people, both as 1 − cosine to a mean direction. Lower is "
        "better [5].",
    ),
    (
        "Concentration, energy",
        "Concentration κ of a von Mises-Fisher distribution fitted to a person’s pictures. Energy: mean over "
        "pairs of people of distance⁻ˢ between their mean directions, for s = 0 of its negative logarithm "
        "[7]. Lower energy means that people are spread more evenly.",
    ),
    (
        "Ideal criterion",
        "Met if the largest angle within any person is smaller than the smallest angle between any two "
        "people [5]. The share is ours: people who meet it against a fixed number of others.",
    ),
    (
        "Intervals",
        "Pairs that share a person are not independent. Intervals of rates over pairs use a variance that "
        "counts every person's pairs together [6]; the figure “worth n independent trials” says how "
        "many independent pairs would give the same interval. Bands in the curves hold at each threshold by "
        "itself.",
    ),
    (
        "Not supported by this data",
        "Printed instead of a rate where too few errors are expected to measure it: thirty are needed for a "
        "figure that may be trusted to about a third of its size.",
    ),
)

MORE: dict[str, tuple[Term, ...]] = {
    "gallery-size": (
        (
            "Exact, tail fit, bound",
            "Up to the gallery at hand, rates are averages over all galleries of N of its people: nothing is "
            "assumed. Beyond, the share of other people who would reach the threshold is fitted stranger by "
            "stranger, and FPIR is the mean of 1 − (1 − share)ᴺ. The bound takes one share for all strangers.",
        ),
        (
            "Selectivity, mean rank",
            "Mean number of enrolled people who reach the threshold in a stranger's search; mean place of the own "
            "person in a mated search, without a threshold.",
        ),
    ),
    "groups": (
        (
            "Inequality of groups",
            "Largest rate over the geometric mean of all [8], or over the smallest; Gini coefficient of the "
            "rates; FDR and GARBE join FMR and FNMR, half and half [9]. Chance: the same figure where labels are "
            "dealt to people by lot, group sizes kept.",
        ),
    ),
    "calibration": (
        (
            "Cllr",
            "Information still missing once a pair has its likelihood ratio, in bits [10]. The least possible is "
            "that of the best rising map of the same scores; the rest is lost in calibration.",
        ),
        (
            "Calibration error, Brier score",
            "Mean distance between the probability given and the share observed, over bins of equal mass; mean "
            "squared error of the probability. Both at the stated prior.",
        ),
    ),
    "morphing": (
        (
            "wcMMPMR, RMMR",
            "Share of pairs of people whose worst-case morph is accepted as both, each with so many attempts; "
            "the smaller of both people's best scores decides [11]. The morph half way between two embeddings is "
            "our definition of the worst case. RMMR adds the FNMR with as many attempts.",
        ),
    ),
}


def definitions(sections: Container[str]) -> list[Term]:
    """Return the definitions that a page with these sections needs."""
    more = [term for section, terms in MORE.items() if section in sections for term in terms]
    return [*DEFINITIONS, *more]


SOURCES: tuple[str, ...] = (
    "ISO/IEC 19795-1:2021, Biometric performance testing and reporting, Part 1: principles and framework.",
    "A. Martin, G. Doddington, T. Kamm, M. Ordowski, M. Przybocki: The DET curve in assessment of detection "
    "task performance. Eurospeech 1997.",
    "G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller: Labeled Faces in the Wild. University of "
    "Massachusetts, Amherst, Technical Report 07-49, 2007.",
    "T. Wang, P. Isola: Understanding contrastive representation learning through alignment and uniformity on "
    "the hypersphere. ICML 2020, arXiv:2005.10242.",
    "W. Liu, Y. Wen, Z. Yu, M. Li, B. Raj, L. Song: SphereFace: deep hypersphere embedding for face "
    "recognition. CVPR 2017, arXiv:1704.08063.",
    "R. Fogliato, P. Patil, P. Perona: Confidence intervals for error rates in 1:1 matching tasks. 2023, "
    "arXiv:2306.01198.",
    "W. Liu, R. Lin, Z. Liu, L. Liu, Z. Yu, B. Dai, L. Song: Learning towards minimum hyperspherical energy. "
    "NeurIPS 2018, arXiv:1805.09298.",
    "P. Grother: Face Recognition Vendor Test, Part 8: summarizing demographic differentials. NIST IR 8429, 2022.",
    "J. J. Howard, E. J. Laird, Y. B. Sirotin, R. E. Rubin, J. L. Tipton, A. R. Vemury: Evaluating proposed "
    "fairness models for face recognition algorithms. 2022, arXiv:2203.05051.",
    "N. Brümmer, J. du Preez: Application-independent evaluation of speaker detection. Computer Speech and "
    "Language 20, 2006.",
    "U. Scherhag et al.: Biometric systems under morphing attacks: assessment of morphing techniques and "
    "vulnerability reporting. BIOSIG 2017.",
)
