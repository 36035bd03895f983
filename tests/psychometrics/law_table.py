"""The law of each function: how it is called on a study, and for each array it gives the axes and the unit.

What has no law here has tests of its own; `every_function` says which.
"""

import numpy as np

from examapp.psychometrics import (
    ability,
    adaptive_runs,
    classical,
    cut_scores,
    decisions,
    dif,
    exposure,
    forensics,
    irt,
    item_fit,
    logistic_dif,
    multistage,
    person_fit,
    reliability,
    response_patterns,
    response_times,
    score_group_fit,
    selection,
    similarity,
    simulation,
)
from examapp.psychometrics import model_fit as whole
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.irt import Items
from examapp.psychometrics.responses import codes
from tests.psychometrics.laws import Study, law, make_study

RNG = np.random.default_rng(3)
ORDINAL = Items.concatenate(
    [
        Items.of("2pl", a=RNG.uniform(0.8, 1.6, 4), b=[-1.0, -0.2, 0.4, 1.1]),
        Items.of("3pl", a=[1.3], b=[0.2], c=[0.2]),
        Items.of("grm", a=[1.2], b=[[-0.8, 0.5]]),
        Items.of("gpcm", a=[0.9], b=[[-0.3, 0.6]]),
    ]
)
NOMINAL = Items.of("nrm", b=[[0.3, -0.2]], slopes=[[0.6, 1.3]])
RIGHT_OR_WRONG = Items.of("3pl", a=RNG.uniform(0.8, 1.6, 9), b=np.linspace(-1.5, 1.5, 9), c=RNG.uniform(0.0, 0.2, 9))
MIXED = make_study(Items.concatenate([ORDINAL, NOMINAL]), holes=0.1)
WHOLE = make_study(ORDINAL, holes=0.0)
BINARY = make_study(RIGHT_OR_WRONG, holes=0.0)
HOLED = make_study(RIGHT_OR_WRONG, holes=0.1)

ALL_TOGETHER = {"blocks": "everybody is judged against everybody"}
PAIRED = {"blocks": "test_fit_in_blocks.test_blocks_change_nothing"}
IN_TURN = {"reorder": "chance comes person by person"}
COMPLETE = {"missing": "whatever is given must have been answered; the refusal is tested beside the function"}


def at_points(s: Study, rule: decisions.DecisionRule) -> object:
    """Decisions of everybody by a rule."""
    at = ability.log_likelihood(codes(s.responses), s.items, rule.points) if rule.points.size else np.zeros((1, 0))
    return rule.decide(at, s.ability.theta, s.ability.standard_error)


def two_stages(s: Study) -> multistage.Panel:
    """Three items, then two harder or two easier ones, wherever these items stand now."""
    by_load = s.load.argsort().tolist()
    return multistage.Panel.of(s.items, [[by_load[:3]], [by_load[3:5], by_load[5:7]]], mean=s.mean, sd=s.sd)


def each_option(s: Study) -> object:
    """Count, share, mean total and correlations of each option of the item."""
    return np.array(
        [
            [option.count, option.share, option.mean_total, option.total_correlation, option.rest_correlation]
            for option in classical.distractors(s.choices, s.key, int(s.item))
        ]
    )


def items_given(responses: np.ndarray) -> np.ndarray:
    """Tests as item positions, -1 for an item that was not given."""
    return np.where(np.isfinite(responses), np.arange(responses.shape[1]), -1)


def everything(s: Study) -> object:
    """Positions of all items."""
    return np.arange(len(s.items))


LAWS = [
    law(irt.grid, lambda s: irt.grid(s.mean - 3 * s.sd, s.mean + 3 * s.sd, 7), "*: theta", on=MIXED),
    law(irt.normal_grid, lambda s: irt.normal_grid(s.mean, s.sd, 7), "*: theta", on=MIXED),
    law(irt.normal_weights, lambda s: irt.normal_weights(s.nodes, s.mean, s.sd), "nodes", on=MIXED),
    law(irt.probabilities, lambda s: irt.probabilities(s.items, s.nodes), "nodes items *", on=MIXED),
    law(irt.log_probabilities, lambda s: irt.log_probabilities(s.items, s.nodes), "nodes items *", on=MIXED),
    law(irt.theta_derivatives, lambda s: irt.theta_derivatives(s.items, s.nodes), "nodes items *",
        "nodes items *: slope", "nodes items *: information", on=MIXED),
    law(irt.expected_score, lambda s: irt.expected_score(s.items, s.nodes), "nodes items", on=MIXED),
    law(irt.information, lambda s: irt.information(s.items, s.nodes), "nodes items: information", on=MIXED),
    law(ability.estimate, lambda s: ability.estimate(s.responses, s.items, mean=s.mean, sd=s.sd),
        theta="people: theta", standard_error="people: spread", posterior="people *", grid="*: theta", on=MIXED),
    law(ability.expected_a_posteriori,
        lambda s: ability.expected_a_posteriori(codes(s.responses), s.items, s.nodes, np.log(s.weight)),
        theta="people: theta", standard_error="people: spread", posterior="people nodes", on=MIXED),
    law(ability.log_likelihood, lambda s: ability.log_likelihood(codes(s.responses), s.items, s.nodes),
        "people nodes", on=MIXED),
    law(ability.sum_score_distribution, lambda s: ability.sum_score_distribution(s.items, s.nodes), "nodes *",
        on=WHOLE),
    law(ability.sum_score_eap, lambda s: ability.sum_score_eap(s.items, mean=s.mean, sd=s.sd)[0],
        theta="*: theta", standard_error="*: spread", on=WHOLE),
    law(ability.test_characteristic, lambda s: ability.test_characteristic(s.items, s.nodes), "nodes", on=WHOLE),
    law(ability.plausible_values,
        lambda s: ability.plausible_values(np.random.default_rng(1), s.ability, 3), "people *: theta", on=MIXED,
        but=IN_TURN),
    law(ability.scale_scores, lambda s: ability.scale_scores(s.theta, 100 / s.sd, 500 - 100 * s.mean / s.sd, digits=6),
        "people", on=MIXED),
    law(simulation.simulate_abilities,
        lambda s: simulation.simulate_abilities(np.random.default_rng(1), 5, s.mean, s.sd), "*: theta", on=MIXED),
    law(simulation.simulate_responses,
        lambda s: simulation.simulate_responses(np.random.default_rng(1), s.theta, s.items), "people items", on=MIXED,
        but=IN_TURN),
    law(reliability.marginal_reliability, lambda s: reliability.marginal_reliability(s.items, mean=s.mean, sd=s.sd),
        "", on=MIXED),
    law(reliability.empirical_reliability, lambda s: reliability.empirical_reliability(s.ability), "", on=MIXED),
    law(item_fit.mean_squares, lambda s: item_fit.mean_squares(s.responses, s.items, s.theta),
        outfit="items", outfit_z="items", infit="items", infit_z="items", on=MIXED, but=PAIRED),
    law(item_fit.mean_squares, lambda s: item_fit.mean_squares(s.responses, s.items, s.theta, of="people"),
        outfit="people", outfit_z="people", infit="people", infit_z="people", on=MIXED),
    law(item_fit.q3, lambda s: item_fit.q3(s.responses, s.items, s.theta), "items items", on=MIXED, but=ALL_TOGETHER),
    law(person_fit.lz, lambda s: person_fit.lz(s.responses, s.items, s.theta), "people", on=MIXED),
    law(person_fit.lz_star,
        lambda s: person_fit.lz_star(s.responses, s.items, s.theta, estimator="MAP", mean=s.mean, sd=s.sd),
        "people", on=MIXED),
    law(response_patterns.pattern_fit, lambda s: response_patterns.pattern_fit(s.responses), guttman_errors="people",
        guttman_normed="people", u3="people", zu3="people", ht="people", caution="people", point_biserial="people",
        on=HOLED, but=ALL_TOGETHER),
    law(score_group_fit.score_group_fit,
        lambda s: score_group_fit.score_group_fit(s.responses, s.items, mean=s.mean, sd=s.sd),
        statistic="items", degrees_of_freedom="items", p_value="items", rmsea="items", on=WHOLE, but=ALL_TOGETHER),
    law(whole.model_fit, lambda s: whole.model_fit(s.responses, s.items, mean=s.mean, sd=s.sd), statistic="",
        degrees_of_freedom="", p_value="", rmsea="", rmsea_interval="*", srmsr="", tli="", cfi="", on=WHOLE,
        but=ALL_TOGETHER),
    law(similarity.similarity, lambda s: similarity.similarity(s.responses, s.items, s.theta, s.pairs),
        pairs="@people pairs *", matches="pairs", expected="pairs", omega="pairs", omega_p="pairs", gbt_p="pairs",
        on=MIXED, but=PAIRED),
    law(similarity.copying, lambda s: similarity.copying(s.responses, s.items, s.theta, s.pairs),
        matches="pairs", expected="pairs", omega="pairs", omega_p="pairs", gbt_p="pairs", on=MIXED, but=PAIRED),
    law(similarity.joint_similarity, lambda s: similarity.joint_similarity(s.responses, s.items, s.theta, s.pairs),
        "pairs", on=MIXED, but={"blocks": "each pair is taken by itself"}),
    law(similarity.similarity_matrix, lambda s: similarity.similarity_matrix(s.responses, s.items, s.theta),
        "people people", on=MIXED, but=PAIRED),
    law(similarity.adjusted, lambda s: similarity.adjusted(s.p), "people", on=MIXED),
    law(forensics.preknowledge,
        lambda s: forensics.preknowledge(
            s.responses, s.items, np.flatnonzero(s.exposed), bounds=(s.mean - 4 * s.sd, s.mean + 4 * s.sd)
        ),
        statistic="people", p_value="people", exposed_theta="people: theta", other_theta="people: theta", on=MIXED),
    law(forensics.answer_changes,
        lambda s: forensics.answer_changes(s.responses, s.items, s.changed, theta=s.theta),
        changes="people", to_right="people", expected="people", index="people", p_value="people", on=HOLED),
    law(forensics.answer_changes,
        lambda s: forensics.answer_changes(s.responses, s.items, s.changed, groups=s.group, theta=s.theta),
        changes="groups", to_right="groups", expected="groups", index="groups", p_value="groups", on=HOLED,
        but=ALL_TOGETHER),
    law(classical.classical_statistics, lambda s: classical.classical_statistics(s.responses), mean="items",
        sd="items", total_correlation="items", rest_correlation="items", alpha_without="items", alpha="",
        mean_total="", sd_total="", standard_error="", people="", on=WHOLE, but=ALL_TOGETHER),
    law(classical.cronbach_alpha, lambda s: classical.cronbach_alpha(s.responses.T @ s.responses), "", on=WHOLE,
        but=ALL_TOGETHER | {"missing": "a covariance matrix has no holes"}),
    law(classical.correlations, lambda s: classical.correlations(s.responses, s.p[:, None]), "items", on=MIXED,
        but=ALL_TOGETHER),
    law(classical.score_by_key, lambda s: classical.score_by_key(s.choices, s.key), "people items", on=MIXED),
    law(classical.distractors, each_option, "options *", on=MIXED, but=ALL_TOGETHER),
    law(classical.upper_lower_difference, lambda s: classical.upper_lower_difference(s.responses), "items", on=WHOLE,
        but=ALL_TOGETHER | {"reorder": "test_classical.test_people_of_different_totals_may_stand_in_any_order"}),
    law(classical.choice_curves, lambda s: classical.choice_curves(s.choices, int(s.item), s.theta), "*: theta",
        "* options", on=MIXED, but=ALL_TOGETHER),
    law(dif.mantel_haenszel, lambda s: dif.mantel_haenszel(s.responses, s.focal), statistic="items", p_value="items",
        odds_ratio="items", delta="items", log_variance="items", flagged="items", effect_class="items", on=BINARY,
        but=ALL_TOGETHER),
    law(dif.standardisation, lambda s: dif.standardisation(s.responses, s.focal), difference="items", flagged="items",
        effect_class="items", on=WHOLE, but=ALL_TOGETHER),
    law(dif.breslow_day, lambda s: dif.breslow_day(s.responses, s.focal), statistic="items",
        degrees_of_freedom="items", p_value="items", on=BINARY, but=ALL_TOGETHER),
    law(dif.sibtest, lambda s: dif.sibtest(s.responses, s.focal, least=1), beta="items", standard_error="items",
        statistic="items", p_value="items", on=BINARY, but=ALL_TOGETHER),
    law(dif.ets_classes, lambda s: dif.ets_classes(3 * s.p, 0.5 * s.p), "people", on=MIXED),
    law(dif.size_classes, lambda s: dif.size_classes(s.p, 0.3, 0.6), "people", on=MIXED),
    law(logistic_dif.logistic_dif, lambda s: logistic_dif.logistic_dif(s.responses, s.focal), statistic="items",
        p_value="items", gain="items", flagged="items", effect_class="items", converged="items", on=BINARY,
        but=ALL_TOGETHER),
    law(logistic_dif.fit_logistic,
        lambda s: logistic_dif.fit_logistic(np.column_stack([s.p, s.theta - s.mean]), 1.0 * s.focal, 1 + s.p),
        coefficients="*", deviance="", converged="", on=MIXED,
        but={"rescale": "test_dif.test_a_matching_score_from_outside_equals_the_total_it_repeats"}),
    law(response_times.fit_times, lambda s: response_times.fit_times(s.times),
        alpha="items", beta="items", sd="", converged="", on=MIXED, but=ALL_TOGETHER),
    law(response_times.time_fit, lambda s: response_times.time_fit(s.times, s.load, s.load), speed="people",
        standard_error="people", statistic="people", degrees_of_freedom="people", p_value="people", on=MIXED),
    law(response_times.time_preknowledge,
        lambda s: response_times.time_preknowledge(s.times, s.load, s.load, np.flatnonzero(s.exposed)), "people",
        "people", on=MIXED),
    law(response_times.rapid_guessing, lambda s: response_times.rapid_guessing(s.times, share=0.7, most=60.0),
        thresholds="items", rapid="people items", effort="people", flagged="people", on=MIXED, but=ALL_TOGETHER),
    law(cut_scores.bookmark_locations, lambda s: cut_scores.bookmark_locations(s.items)[0], "*: theta", on=WHOLE),
    law(cut_scores.bookmark_cut, lambda s: cut_scores.bookmark_cut(s.items, [2, 3, 5]), ": theta", on=WHOLE),
    law(cut_scores.theta_at_score, lambda s: cut_scores.theta_at_score(s.items, 4.2), ": theta", on=WHOLE),
    law(cut_scores.level_probabilities, lambda s: cut_scores.level_probabilities(s.ability, s.cuts), "people *",
        on=MIXED),
    law(cut_scores.rudner, lambda s: cut_scores.rudner(s.nodes, 0.3 * s.sd + 0 * s.nodes, s.weight, s.cuts),
        accuracy="", consistency="", accuracy_at="nodes", consistency_at="nodes", on=MIXED),
    law(cut_scores.lee, lambda s: cut_scores.lee(s.items, s.nodes, s.weight, [3, 5]), accuracy="", consistency="",
        accuracy_at="nodes", consistency_at="nodes", on=WHOLE),
    law(cut_scores.information_needed, lambda s: cut_scores.information_needed(0.4 * s.sd), ": information", on=MIXED),
    law(cut_scores.judge_agreement, lambda s: cut_scores.judge_agreement(s.times, s.load), "people", on=MIXED),
    law(decisions.sprt, lambda s: at_points(s, decisions.sprt(s.items, s.cuts, half_width=0.3 * s.sd)), "people *",
        on=MIXED),
    law(decisions.glr,
        lambda s: at_points(s, decisions.glr(s.items, s.cuts, half_width=0.3 * s.sd, mean=s.mean, sd=s.sd)),
        "people *", on=MIXED),
    law(decisions.interval, lambda s: at_points(s, decisions.interval(s.cuts, confidence=0.8)), "people *", on=MIXED),
    law(decisions.level, lambda s: decisions.level(at_points(s, decisions.interval(s.cuts, confidence=0.5))),
        "people", on=MIXED),
    law(adaptive_runs.run, lambda s: adaptive_runs.run(Design(s.pool, Stopping(most=4)), s.responses),
        items="@items people *", scores="people *", length="people", theta="people *: theta",
        error="people *: spread", on=WHOLE, but=COMPLETE),
    law(multistage.run, lambda s: multistage.run(two_stages(s), s.responses), route="people *",
        theta="people *: theta", error="people *: spread", on=WHOLE, but=COMPLETE),
    law(exposure.exposure_rates,
        lambda s: exposure.exposure_rates(items_given(s.responses), s.theta, len(s.items), s.cuts), "* items",
        on=MIXED, but=ALL_TOGETHER | {"missing": "test_exposure.test_tests_without_items_share_nothing"}),
    law(exposure.shared_items, lambda s: exposure.shared_items(items_given(s.responses)), "", on=MIXED,
        but=ALL_TOGETHER | {"missing": "test_exposure.test_tests_without_items_share_nothing"}),
    law(selection.weighted_information,
        lambda s: selection.weighted_information(s.pool, everything(s), s.mean, s.pool.prior), "items: information",
        on=MIXED),
    law(selection.kullback_leibler,
        lambda s: selection.kullback_leibler(s.pool, everything(s), s.mean, s.pool.prior), "items", on=MIXED),
    law(selection.discrimination_index,
        lambda s: selection.discrimination_index(s.pool, everything(s), s.mean, s.pool.prior), "items", on=MIXED),
    law(selection.expected_variance,
        lambda s: selection.expected_variance(s.pool, everything(s), s.mean, s.pool.prior), "items: variance",
        on=MIXED),
    law(selection.match, lambda s: selection.match(s.pool, everything(s), s.mean, s.pool.prior), "items: spread",
        on=BINARY),
    law(selection.match_peak, lambda s: selection.match_peak(s.pool, everything(s), s.mean, s.pool.prior),
        "items: spread", on=BINARY),
    law(selection.peak, lambda s: selection.peak(s.items), "items: theta", on=BINARY),
    law(selection.expected_information,
        lambda s: selection.expected_information(s.pool, everything(s), s.mean, s.item[None], np.array([1])),
        "items: information", on=BINARY),
]  # fmt: skip
