"""How the functions without a law, and others with other options, are called on a study of data that tell little.

What is called on the way (`INNER`) is watched while the rest is called. Whatever stands `OUTSIDE` says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from examapp.psychometrics import (
    ability,
    adaptive,
    assembly,
    calibration,
    cut_scores,
    dif,
    equating,
    exposure,
    irt,
    item_comparison,
    likelihood_ratio_dif,
    linking,
    logistic_dif,
    matching,
    model_fit,
    multistage,
    parameter_vectors,
    person_fit,
    reliability,
    score_group_fit,
    shadow,
    standard_errors,
    testlet_errors,
    testlets,
)
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.constraints import Constraint, Demands
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from tests.psychometrics.law_table import BINARY, MIXED, WHOLE, two_stages
from tests.psychometrics.laws import Study

PRIORS = Priors(a=LogNormal(0.0, 0.5), b=Normal(0.0, 2.0))
SMALL = (15, 7)


def first(s: Study) -> np.ndarray:
    """The first person's responses, if there is anybody."""
    return s.responses[0] if len(s.responses) else np.full(len(s.items), np.nan)


def taken(engine: object, design: object, s: Study) -> object:
    """A test of the first person by `adaptive` or `shadow`, and the same replayed."""
    state, steps = engine.begin(design), []
    while (step := engine.next_step(design, state)).item is not None:
        state = engine.respond(design, state, step.item, int(max(np.nan_to_num(first(s)[step.item]), 0)))
        steps.append(step)
    return state, steps, engine.replay(design, state.items, state.scores)


def length(s: Study) -> Constraint:
    """One item, or two where there are that many."""
    return Constraint("length", np.ones(len(s.items)), 1, 2)


def calibrated(s: Study, priors: Priors | None = PRIORS, **options: object) -> calibration.Calibration:
    """The study's own models fitted."""
    return calibration.calibrate(s.responses, s.items.model, priors=priors, max_cycles=20, **options)


def with_errors(s: Study, kind: str) -> object:
    """Standard errors of a calibration, and their covariance in the order of the items' free parameters."""
    fit = calibrated(s)
    found = standard_errors.standard_errors(fit, s.responses, priors=PRIORS, kind=kind)
    return fit, found, parameter_vectors.covariance_of(fit.items, found.covariance, fit.layout.names())


def of_testlets(s: Study, kind: str) -> object:
    """A calibration with the first items in a testlet, its errors, and abilities."""
    belongs = np.where(np.arange(s.responses.shape[1]) < 3, 0, -1)
    fit = testlets.calibrate_testlets(s.responses, belongs, priors=PRIORS, points=SMALL, max_cycles=20)
    errors = testlet_errors.standard_errors(fit, s.responses, priors=PRIORS, kind=kind, points=SMALL)
    return fit, errors, testlets.estimate(s.responses, fit, points=SMALL)


def estimated(s: Study, method: str) -> object:
    """Abilities of any size, their reliability, and chances of the levels."""
    found = ability.estimate(s.responses, s.items, method=method, bounds=(-np.inf, np.inf))
    inside = ability.estimate(s.responses, s.items, method=method)
    return found, cut_scores.level_probabilities(inside, s.cuts), reliability.empirical_reliability(found)


def self_link(s: Study, **options: object) -> linking.Link:
    """From the study's items on another scale back to them."""
    count = len(s.items)
    return linking.link(linking.rescale(s.items, 1.5, 0.2), s.items, [(j, j) for j in range(count)], **options)


def known(s: Study) -> tuple[np.ndarray, np.ndarray]:
    """Covariances of the items' free parameters, before and after `self_link` rescales them."""
    moved = linking.rescale(s.items, 1.5, 0.2)
    return tuple(0.01 * np.eye(parameter_vectors.free_parameters(each).size) for each in (moved, s.items))


def compared(s: Study) -> object:
    """The items against themselves, a little harder."""
    harder = replace(s.items, b=s.items.b + 0.1 * np.arange(1, len(s.items) + 1)[:, None])
    same = linking.Link(1.0, 0.0, None, True, (), ())
    return item_comparison.compare_calibrations(s.items, harder, same, (known(s)[1], known(s)[1]))


def equated(s: Study, equate: Callable[..., equating.Equating]) -> object:
    """The form on another scale equated to itself, with errors and without."""
    form = linking.rescale(s.items, 1.5, 0.2)
    return equate(form, s.items, self_link(s, covariances=known(s))), equate(form, s.items, self_link(s))


CALLS: dict[str, tuple[Study, Callable[[Study], object]]] = {
    "adaptive.replay": (WHOLE, lambda s: taken(adaptive, Design(s.pool, Stopping(most=3)), s)),
    "shadow.replay": (
        WHOLE, lambda s: taken(shadow, shadow.ShadowDesign(s.pool, Demands.of(len(s.items), [length(s)])), s)
    ),
    "assembly.assemble exact": (
        WHOLE, lambda s: assembly.assemble(irt.information(s.items, s.cuts).T, [0.2, 0.2], [length(s)], method="exact")
    ),
    "assembly.assemble dealt": (
        WHOLE,
        lambda s: assembly.assemble(irt.information(s.items, s.cuts).T, [0.2, 0.2], [length(s)], forms=2, gap=1.0),
    ),
    "assembly.assemble in vain": (
        WHOLE,
        lambda s: assembly.assemble(
            irt.information(s.items, s.cuts).T, [0.2, 0.2], [length(s)], forms=len(s.items) + 1, max_use=1
        ),
    ),
    "multistage.assemble_module": (
        WHOLE, lambda s: multistage.assemble_module(irt.information(s.items, s.cuts).T, [0.2, 0.2], [length(s)], [])
    ),
    "multistage.next_module": (WHOLE, lambda s: multistage.next_module(two_stages(s), [0], first(s))),
    "multistage.score_cuts": (WHOLE, lambda s: multistage.score_cuts(two_stages(s), 0, [0])),
    "calibration.calibrate": (WHOLE, lambda s: calibrated(s, None)),
    "calibration.calibrate with priors": (WHOLE, calibrated),
    "calibration.calibrate with groups": (WHOLE, lambda s: calibrated(s, groups=s.group)),
    "calibration.calibrate with a histogram": (WHOLE, lambda s: calibrated(s, latent="histogram")),
    "standard_errors.standard_errors": (WHOLE, lambda s: with_errors(s, "oakes")),
    "standard_errors.standard_errors by products": (WHOLE, lambda s: with_errors(s, "cross-product")),
    "testlets.calibrate_testlets": (BINARY, lambda s: of_testlets(s, "oakes")),
    "testlets.calibrate_testlets by products": (BINARY, lambda s: of_testlets(s, "cross-product")),
    "likelihood_ratio_dif.likelihood_ratio_dif": (
        BINARY, lambda s: likelihood_ratio_dif.likelihood_ratio_dif(s.responses, s.focal, "rasch", tested=[0])
    ),
    "matching.purified": (
        BINARY,
        lambda s: matching.purified(
            matching.matched(s.responses, s.focal), lambda at: at.scores.max(axis=0, initial=0) > 0
        ),
    ),
    "score_group_fit.score_groups": (WHOLE, lambda s: score_group_fit.score_groups(s.responses, s.items)),
    "cut_scores.angoff_cut": (BINARY, lambda s: cut_scores.angoff_cut(s.responses)),
    "linking.link": (WHOLE, lambda s: self_link(s, covariances=known(s))),
    "linking.link by means": (BINARY, lambda s: self_link(s, method="mean-sigma", covariances=known(s))),
    "linking.chain": (WHOLE, lambda s: linking.chain([self_link(s), self_link(s).inverse()])),
    "equating.equate_true_scores": (WHOLE, lambda s: equated(s, equating.equate_true_scores)),
    "equating.equate_observed_scores": (WHOLE, lambda s: equated(s, equating.equate_observed_scores)),
    "item_comparison.compare_calibrations": (WHOLE, compared),
    "exposure.sympson_hetter": (
        BINARY, lambda s: exposure.sympson_hetter((s.responses > 0).sum(axis=0), max(len(s.responses), 1), 0.2)
    ),
    **{
        f"ability.estimate by {method}": (MIXED, lambda s, method=method: estimated(s, method))
        for method in ability.METHODS
    },
    **{
        f"person_fit.lz_star by {kind}": (
            MIXED, lambda s, kind=kind: person_fit.lz_star(s.responses, s.items, s.theta, estimator=kind)
        )
        for kind in person_fit.ESTIMATORS
    },
    **{
        f"logistic_dif.logistic_dif {kind} by {criterion}": (
            BINARY,
            lambda s, options={"kind": kind, "criterion": criterion}: logistic_dif.logistic_dif(
                s.responses, s.focal, purify=True, **options
            ),
        )
        for kind in logistic_dif.KINDS
        for criterion in ("likelihood-ratio", "wald")
    },
    "dif.mantel_haenszel purified": (BINARY, lambda s: dif.mantel_haenszel(s.responses, s.focal, purify=True)),
    "model_fit.model_fit by C2": (WHOLE, lambda s: model_fit.model_fit(s.responses, s.items, statistic="C2")),
    "exposure.eligibility": (
        BINARY, lambda s: exposure.eligibility((s.responses > 0).sum(axis=0), (s.responses >= 0).sum(axis=0), 0.2)
    ),
}  # fmt: skip

# these take the items alone: what people answered is nothing to them
OF_ITEMS = tuple(
    name
    for name in CALLS
    if name.startswith(
        ("assembly", "equating", "item_comparison", "linking", "multistage.assemble", "multistage.score")
    )
)

CALLED = {
    "ability": "category_logs",
    "adaptive": "begin next_step respond",
    "clashes": "clashes",
    "constraints": "as_units violations",
    "dealing": "achieved deal deal_out dealable",
    "expectation": "add_up block_sums category_counts posterior sums_of tables",
    "form_program": "pooled_program program solve",
    "free_parameters": "layout",
    "latent_histogram": "climb_with_histogram",
    "linking": "normal_nodes rescale",
    "marginal_likelihood": "ascend in_turn log_probabilities",
    "margins": "margins_of observed_margins",
    "matching": "each_item matched only_right_or_wrong",
    "maximization": "is_possible newton_step",
    "model_fit": "fit_indices quadratic_form",
    "multistage": "routing_cuts",
    "parameter_vectors": "category_gradient checked_covariance covariance_of free_parameters numerical_jacobian owners"
    " propagated with_free_parameters",
    "response_models": "logistic logit nonzero",
    "responses": "codes person_blocks",
    "score_group_fit": "free_counts",
    "shadow": "begin next_step respond",
    "stacks": "in_blocks",
    "standard_errors": "errors_of inverted observed_information",
    "starting_values": "margins start_items",
    "swap_search": "search",
    "testlet_errors": "observed_information standard_errors",
    "testlet_expectation": "expect posterior score_products",
    "testlets": "estimate gradient_and_step models_and_testlets",
}
INNER = {f"{module}.{name}" for module, names in CALLED.items() for name in names.split()}

OUTSIDE = {
    "adaptive_pool.cubic": "weights of an interpolation",
    "blas.single_thread": "takes nothing",
    "exposure.draw_eligible": "draws from probabilities",
    "exposure.uniform": "a number of its seed",
    "marginal_likelihood.mapper": "chooses where to compute",
    "marginal_likelihood.sharpened": "a last step for very many people, the same ascent again",
    "response_models.subtract_symmetric": "changes a matrix in place and gives nothing",
    "simulation.random_design": "a random mask of a shape",
    "stacks.thinned": "takes some of very many people",
    "undetermined.as_nan": "gives nothing",
    "undetermined.gaps": "is what looks",
    "undetermined.refused": "is what refuses",
}
