"""Where the invariances of each public function of the engine are shown, or why one of them has no meaning for it.

A function with a law (`law_table`) is held by the tests of `test_invariances` and `test_degenerate`. For all others a
row names, for each kind, a test ("module.test" or "module.test[case]"), or gives the reason. While a named test runs,
`conftest` watches that it truly calls every function that it stands for.
"""

from dataclasses import dataclass, fields

ALONE = "about one trainee at a time; many are adaptive_runs.run, which has its law"
BY_SEED = "a number of its seed and place alone"
CHANCE = "chance, drawn item by item"
CONVENTION = "sets the scale itself: the first group has mean 0"
DRAWN = "a random mask of a shape"
INNER = "a step of calibrate, whose row holds it"
NO_NAMES = "takes no labels"
NO_PEOPLE = "takes no responses"
NO_SCALE = "takes nothing on the scale of ability"
NUMBERS = "plain arithmetic of its arguments"
ORDERED = "its arguments have an order of their own"
TOGETHER = "everybody is judged against everybody"
FIT = "test_data_that_tell_little_give_numbers_or_say_what_is_wrong_where"


@dataclass(frozen=True)
class Row:
    """Functions, and for each kind of invariance the test that shows it or the reason why there is none."""

    functions: str
    reorder: str
    rescale: str
    missing: str
    blocks: str
    relabel: str
    degenerate: str


def by_law(functions: str, law: str, case: str = "", **reasons: str) -> Row:
    """Functions that the law of a caller holds."""
    kinds = {
        "reorder": "test_invariances.test_the_order_does_not_matter",
        "rescale": "test_invariances.test_the_scale_does_not_matter",
        "missing": "test_invariances.test_what_nobody_saw_does_not_matter",
        "blocks": "test_invariances.test_people_in_two_blocks_are_the_people_together",
    }
    shown = {kind: f"{test}[{law}]" for kind, test in kinds.items()}
    rest = {"relabel": NO_NAMES, "degenerate": f"test_degenerate.{FIT}[{law}-{case or 'all right'}]"}
    return Row(functions, **(shown | rest | reasons))


ROWS = (
    Row("adaptive.begin adaptive.respond adaptive.next_step adaptive.replay",
        reorder="test_adaptive.test_the_pool_in_any_order_gives_the_same_test",
        rescale="test_adaptive.test_another_scale_gives_the_same_test",
        missing="test_adaptive.test_an_item_that_may_not_be_given_does_not_matter", blocks=ALONE,
        relabel="test_adaptive.test_areas_by_other_names_give_the_same_test",
        degenerate="test_adaptive.test_all_right_and_all_wrong_stay_finite"),
    Row("adaptive_pool.cubic", reorder=ORDERED, rescale=NO_SCALE, missing=NO_PEOPLE, blocks=NO_PEOPLE,
        relabel=NO_NAMES, degenerate="test_adaptive.test_interpolation_is_exact_for_cubics"),
    Row("assembly.assemble form_program.program form_program.solve",
        reorder="test_assembly.test_order_and_units_of_constraints_do_not_change_what_is_reached",
        rescale="test_assembly.test_order_and_unit_of_the_items_do_not_matter",
        missing="test_assembly.test_an_item_that_is_excluded_does_not_matter", blocks=NO_PEOPLE,
        relabel="test_assembly.test_constraints_by_other_names_and_in_other_units_clash_alike",
        degenerate="test_assembly.test_a_pool_of_one_item_makes_a_form"),
    Row("clashes.clashes",
        reorder="test_assembly.test_constraints_by_other_names_and_in_other_units_clash_alike",
        rescale="test_assembly.test_constraints_by_other_names_and_in_other_units_clash_alike",
        missing="test_assembly.test_whatever_stands_in_the_way_is_named[excluded]", blocks=NO_PEOPLE,
        relabel="test_assembly.test_constraints_by_other_names_and_in_other_units_clash_alike",
        degenerate="test_assembly.test_whatever_stands_in_the_way_is_named"),
    Row("constraints.as_units dealing.dealable dealing.deal_out dealing.deal dealing.achieved"
        " form_program.pooled_program swap_search.search constraints.violations",
        reorder="test_assembly.test_order_and_units_of_constraints_do_not_change_what_is_reached[3]",
        rescale="test_assembly.test_order_and_units_of_constraints_do_not_change_what_is_reached[3]",
        missing="test_assembly.test_an_item_that_is_excluded_does_not_matter[2]", blocks=NO_PEOPLE,
        relabel="constraints count by position; their names are only given back",
        degenerate="test_assembly.test_items_without_information_and_points_of_none_make_no_warning"),
    Row("blas.single_thread", reorder=NUMBERS, rescale=NO_SCALE, missing=NO_PEOPLE, blocks=NO_PEOPLE,
        relabel=NO_NAMES, degenerate="takes nothing"),
    Row("calibration.calibrate standard_errors.standard_errors standard_errors.inverted"
        " standard_errors.observed_information standard_errors.errors_of expectation.tables expectation.posterior"
        " expectation.block_sums expectation.add_up expectation.sums_of expectation.category_counts"
        " free_parameters.layout marginal_likelihood.log_probabilities marginal_likelihood.ascend"
        " marginal_likelihood.in_turn marginal_likelihood.mapper maximization.newton_step stacks.in_blocks"
        " starting_values.margins starting_values.start_items",
        reorder="test_calibration_invariances.test_the_order_of_items_and_people_does_not_matter",
        rescale="test_calibration_invariances.test_anchors_on_another_scale_take_all_else_there",
        missing="test_calibration_invariances.test_people_who_saw_nothing_do_not_matter"
        " test_calibration_invariances.test_an_item_that_nobody_saw_does_not_matter_to_the_others",
        blocks="test_calibration_invariances.test_people_in_blocks_are_the_people_together",
        relabel="test_calibration_invariances.test_groups_by_other_names_are_the_same_groups",
        degenerate="test_degenerate.test_calibration_of_anything_ends_in_numbers_or_says_where"),
    Row("maximization.is_possible",
        reorder="test_calibration_invariances.test_the_order_of_items_and_people_does_not_matter",
        rescale="test_calibration_invariances.test_anchors_on_another_scale_take_all_else_there",
        missing="test_calibration_invariances.test_people_who_saw_nothing_do_not_matter",
        blocks="test_calibration_invariances.test_people_in_blocks_are_the_people_together",
        relabel="test_calibration_invariances.test_groups_by_other_names_are_the_same_groups",
        degenerate="test_calibration.test_unrelated_items_end_without_a_crash"),
    Row("stacks.thinned marginal_likelihood.sharpened",
        reorder="test_calibration_invariances.test_the_order_of_very_many_people_does_not_matter",
        rescale=INNER, missing=INNER, blocks=INNER, relabel=INNER, degenerate="only for very many people"),
    Row("latent_histogram.climb_with_histogram",
        reorder="test_calibration_invariances.test_neither_order_nor_holes_matter_to_an_empirical_histogram",
        rescale=CONVENTION, blocks=INNER, relabel=INNER,
        missing="test_calibration_invariances.test_neither_order_nor_holes_matter_to_an_empirical_histogram",
        degenerate="test_calibration_invariances.test_two_people_and_a_free_distribution_end_in_numbers"),
    Row("cut_scores.angoff_cut",
        reorder="test_cut_scores.test_neither_order_of_judges_and_items_nor_the_unit_of_ratings_matters",
        rescale="test_cut_scores.test_neither_order_of_judges_and_items_nor_the_unit_of_ratings_matters",
        missing="test_cut_scores.test_a_judge_who_rated_nothing_is_no_judge", blocks=TOGETHER, relabel=NO_NAMES,
        degenerate="test_cut_scores.test_a_single_judge_has_a_cut_without_an_error"),
    Row("equating.equate_true_scores",
        reorder="test_equating.test_the_order_of_items_does_not_matter[equate_true_scores]",
        rescale="test_equating.test_true_scores_do_not_depend_on_the_scale", missing=NO_PEOPLE, blocks=NO_PEOPLE,
        relabel=NO_NAMES, degenerate="test_equating.test_equating_one_item_works"),
    Row("equating.equate_observed_scores",
        reorder="test_equating.test_the_order_of_items_does_not_matter[equate_observed_scores]",
        rescale="test_equating.test_observed_scores_do_not_depend_on_the_scale_of_the_other_form",
        missing=NO_PEOPLE, blocks=NO_PEOPLE, relabel=NO_NAMES,
        degenerate="test_equating.test_equating_one_item_works"),
    Row("exposure.uniform", reorder="test_exposure.test_a_uniform_number_belongs_to_seed_and_place_alone",
        rescale=NO_SCALE, missing=NO_PEOPLE, blocks=BY_SEED, relabel=NO_NAMES,
        degenerate="test_exposure.test_a_uniform_number_belongs_to_seed_and_place_alone"),
    Row("exposure.draw_eligible", reorder=CHANCE, rescale=NO_SCALE, blocks=BY_SEED, relabel=NO_NAMES,
        missing="test_exposure.test_an_item_more_and_a_higher_chance_take_nothing_away",
        degenerate="test_exposure.test_an_item_more_and_a_higher_chance_take_nothing_away"),
    Row("exposure.sympson_hetter", blocks=TOGETHER, relabel=NO_NAMES,
        reorder="test_exposure.test_exposure_parameters_do_not_depend_on_order_or_number_of_trainees",
        rescale="test_exposure.test_exposure_parameters_do_not_depend_on_order_or_number_of_trainees",
        missing="test_exposure.test_exposure_parameters_do_not_depend_on_order_or_number_of_trainees",
        degenerate="test_exposure.test_one_item_and_nobody_are_no_trouble"),
    Row("exposure.eligibility", relabel=NO_NAMES,
        reorder="test_exposure.test_eligibility_does_not_depend_on_order_or_on_how_counts_fade",
        rescale="test_exposure.test_eligibility_does_not_depend_on_order_or_on_how_counts_fade",
        missing="test_exposure.test_eligibility_does_not_depend_on_order_or_on_how_counts_fade",
        blocks="test_exposure.test_eligibility_does_not_depend_on_order_or_on_how_counts_fade",
        degenerate="test_exposure.test_one_item_and_nobody_are_no_trouble"),
    Row("item_comparison.compare_calibrations",
        reorder="test_item_comparison.test_the_order_of_items_does_not_matter",
        rescale="test_item_comparison.test_the_scale_of_the_second_calibration_does_not_matter",
        missing=NO_PEOPLE, blocks=NO_PEOPLE, relabel=NO_NAMES,
        degenerate="test_item_comparison.test_one_item_and_one_calibration_twice_tell_nothing"),
    Row("likelihood_ratio_dif.likelihood_ratio_dif", rescale=CONVENTION, blocks=TOGETHER, relabel=NO_NAMES,
        reorder="test_likelihood_ratio_dif.test_neither_the_order_of_items_nor_of_people_matters",
        missing="test_likelihood_ratio_dif.test_a_person_and_an_item_without_responses_change_nothing",
        degenerate="test_likelihood_ratio_dif.test_data_that_cannot_be_calibrated_are_refused_by_item"
        " test_likelihood_ratio_dif.test_a_single_item_ends_without_a_crash"),
    Row("linking.link", blocks=NO_PEOPLE, relabel=NO_NAMES,
        reorder="test_linking.test_the_order_of_items_and_pairs_does_not_matter",
        rescale="test_linking.test_a_known_change_of_scale_is_found",
        missing="test_linking.test_an_item_that_is_not_common_does_not_matter",
        degenerate="test_linking.test_one_common_item_makes_a_link"),
    Row("linking.chain", reorder=ORDERED, missing=NO_PEOPLE, blocks=NO_PEOPLE, relabel=NO_NAMES,
        rescale="test_linking.test_a_chain_over_other_scales_ends_where_a_single_link_does",
        degenerate="test_linking.test_misuse_is_refused[<lambda>-no links]"),
    Row("linking.rescale", missing=NO_PEOPLE, blocks=NO_PEOPLE, relabel=NO_NAMES,
        reorder="test_similarity.test_neither_order_nor_scale_matters",
        rescale="test_linking.test_rescaling_keeps_every_probability",
        degenerate="test_linking.test_misuse_is_refused[<lambda>-A > 0]"),
    Row("linking.normal_nodes", reorder=NUMBERS, rescale="nodes of N(0, 1)", missing=NO_PEOPLE, blocks=NO_PEOPLE,
        relabel=NO_NAMES, degenerate="test_linking.test_misuse_is_refused[<lambda>-at least one node]"),
    by_law("margins.margins_of margins.observed_margins model_fit.quadratic_form model_fit.fit_indices"
           " parameter_vectors.category_gradient", "model_fit.model_fit", blocks=TOGETHER),
    by_law("matching.matched matching.only_right_or_wrong matching.each_item", "dif.mantel_haenszel",
           rescale=NO_SCALE, blocks=TOGETHER),
    Row("matching.purified", rescale=NO_SCALE, blocks=TOGETHER, relabel=NO_NAMES,
        reorder="test_dif.test_the_order_of_items_does_not_matter[purified]",
        missing="test_dif.test_people_and_items_without_responses_change_nothing[purified]",
        degenerate="test_dif.test_data_that_tell_nothing_give_no_warning_and_no_flag[purified-all right]"),
    Row("multistage.next_module multistage.routing_cuts multistage.score_cuts", blocks=ALONE, relabel=NO_NAMES,
        reorder="test_multistage.test_neither_the_order_of_the_pool_nor_that_within_a_module_matters",
        rescale="test_multistage.test_another_scale_moves_the_cuts_and_leaves_routes_and_points",
        missing="test_multistage.test_an_item_that_no_module_holds_does_not_matter",
        degenerate="test_multistage.test_one_module_of_one_item_has_routes_and_cuts"),
    Row("multistage.assemble_module", blocks=NO_PEOPLE, relabel=NO_NAMES,
        reorder="test_multistage.test_neither_order_nor_unit_of_a_pool_matters_to_a_module",
        rescale="test_multistage.test_neither_order_nor_unit_of_a_pool_matters_to_a_module",
        missing="test_multistage.test_neither_order_nor_unit_of_a_pool_matters_to_a_module",
        degenerate="test_multistage.test_misuse_says_what_and_where[<lambda>-items 0 to 2]"),
    Row("parameter_vectors.free_parameters parameter_vectors.with_free_parameters parameter_vectors.owners",
        reorder="test_parameter_vectors.test_vectors_lead_back_to_the_items_in_any_order",
        rescale="test_item_comparison.test_the_scale_of_the_second_calibration_does_not_matter", missing=NO_PEOPLE,
        blocks=NO_PEOPLE, relabel=NO_NAMES,
        degenerate="test_item_comparison.test_one_item_and_one_calibration_twice_tell_nothing"),
    Row("parameter_vectors.numerical_jacobian parameter_vectors.checked_covariance",
        reorder="test_item_comparison.test_the_order_of_items_does_not_matter",
        rescale="test_item_comparison.test_the_scale_of_the_second_calibration_does_not_matter", missing=NO_PEOPLE,
        blocks=NO_PEOPLE, relabel=NO_NAMES,
        degenerate="test_item_comparison.test_one_item_and_one_calibration_twice_tell_nothing"),
    Row("parameter_vectors.covariance_of", rescale=NUMBERS, missing=NO_PEOPLE, blocks=NO_PEOPLE, relabel=NO_NAMES,
        reorder="test_parameter_vectors.test_a_calibration_s_covariance_is_put_in_order",
        degenerate="test_parameter_vectors.test_misuse_is_refused[<lambda>-1 names]"),
    Row("parameter_vectors.propagated", reorder="test_linking.test_a_chain_there_and_back_is_the_identity",
        rescale="test_linking.test_a_chain_there_and_back_is_the_identity", missing=NO_PEOPLE, blocks=NO_PEOPLE,
        relabel=NO_NAMES,
        degenerate="test_parameter_vectors.test_unknown_variances_of_idle_parameters_do_not_spoil_the_rest"),
    by_law("response_models.logistic response_models.logit", "irt.probabilities", missing=NO_PEOPLE,
           blocks=NO_PEOPLE, degenerate="test_irt.test_far_abilities_give_numbers"),
    Row("response_models.nonzero", blocks=INNER, relabel=INNER,
        reorder="test_calibration_invariances.test_the_order_of_items_and_people_does_not_matter",
        rescale="test_calibration_invariances.test_anchors_on_another_scale_take_all_else_there",
        missing="test_calibration_invariances.test_people_who_saw_nothing_do_not_matter",
        degenerate="test_calibration_invariances.test_items_that_agree_with_nothing_are_flat"),
    Row("response_models.subtract_symmetric", blocks=INNER, relabel=INNER,
        reorder="test_calibration_invariances.test_the_order_of_items_and_people_does_not_matter",
        rescale="test_calibration_invariances.test_anchors_on_another_scale_take_all_else_there",
        missing="test_calibration_invariances.test_people_who_saw_nothing_do_not_matter",
        degenerate="test_degenerate.test_calibration_of_anything_ends_in_numbers_or_says_where[priors-3pl]"),
    by_law("ability.category_logs", "ability.log_likelihood"),
    by_law("responses.codes responses.person_blocks", "person_fit.lz"),
    by_law("score_group_fit.score_groups score_group_fit.free_counts", "score_group_fit.score_group_fit",
           blocks=TOGETHER),
    Row("undetermined.as_nan undetermined.refused undetermined.gaps", reorder=NUMBERS, rescale=NO_SCALE,
        missing=NO_PEOPLE, blocks=NO_PEOPLE, relabel=NO_NAMES,
        degenerate="test_undetermined.test_what_is_undetermined_is_nan_within_a_block"),
    Row("shadow.begin shadow.respond shadow.replay shadow.next_step", blocks=ALONE,
        reorder="test_shadow.test_the_pool_in_any_order_gives_the_same_test",
        rescale="test_shadow.test_another_scale_gives_the_same_test",
        missing="test_shadow.test_an_item_that_may_not_be_given_does_not_matter",
        relabel="test_shadow.test_names_and_units_of_the_blueprint_do_not_matter",
        degenerate="test_shadow.test_a_pool_of_one_item_is_a_test"),
    Row("simulation.random_design", reorder=DRAWN, rescale=NO_SCALE, missing=DRAWN, blocks=DRAWN, relabel=NO_NAMES,
        degenerate="test_simulation.test_a_design_shows_everybody_as_many_items"),
    Row("testlets.calibrate_testlets testlets.models_and_testlets testlets.estimate testlets.gradient_and_step"
        " testlet_expectation.posterior testlet_expectation.expect testlet_errors.standard_errors"
        " testlet_expectation.score_products", rescale=CONVENTION,
        reorder="test_calibration_invariances.test_the_order_of_items_and_people_does_not_matter_to_testlets"
        "[cross-product]",
        missing="test_calibration_invariances.test_what_nobody_saw_does_not_matter_to_testlets",
        blocks="test_calibration_invariances.test_people_of_testlets_in_blocks_are_the_people_together",
        relabel="test_calibration_invariances.test_testlets_by_other_names_are_the_same_testlets",
        degenerate="test_calibration_invariances.test_a_testlet_of_two_people_has_numbers_and_errors"),
    Row("testlet_errors.observed_information", rescale=CONVENTION, missing=INNER, blocks=INNER, relabel=INNER,
        reorder="test_calibration_invariances.test_the_order_of_items_and_people_does_not_matter_to_testlets[oakes]",
        degenerate="test_testlets.test_without_testlets_the_errors_are_the_ordinary_ones"),
)  # fmt: skip

KINDS = tuple(field.name for field in fields(Row) if field.name != "functions")


def named_tests(answer: str) -> list[str]:
    """The tests that an answer names, none where it is a reason."""
    if not answer.startswith("test_"):
        return []
    return [f"test_{name}".strip() for name in f" {answer}".split(" test_")[1:]]


def claims() -> dict[str, set[str]]:
    """For each named test the functions that it stands for."""
    found: dict[str, set[str]] = {}
    for row in ROWS:
        for kind in KINDS:
            for test in named_tests(getattr(row, kind)):
                found.setdefault(test, set()).update(row.functions.split())
    return found
