import json
import re

import numpy as np
import pytest

from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.diagnosis.features import FEATURES, WALL_SECTORS
from CardiacMTLLib.diagnosis.head import HeadWeights, diagnose
from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.conventions import CONVENTIONS
from CardiacMTLLib.report.diagnosis_view import percent_text
from CardiacMTLLib.report.explanation_record import explanation_record
from CardiacMTLLib.report.explanation_view import SHOWN_FEATURES, STRIP_LEFT, STRIP_RIGHT, explanation_view
from CardiacMTLLib.report.html import Picture, render_report
from CardiacMTLLib.report.record import record_text, result_record
from Testing.unit.analyses import analysis_of
from Testing.unit.made_distributions import distributions_of

N = len(FEATURES)
NOTHING = Picture(None, "not wanted")


def diagnosis_of(distributions=None, value=150.0, weights=None):
    """A diagnosis in which feature k weighs k + 1 for DCM and, but for feature 3, nothing for the others."""
    weight = np.zeros((5, N + 5))
    weight[2, :N] = np.arange(1, N + 1) / 1000
    weight[1, 3] = 0.01
    head = HeadWeights(np.zeros(N), np.ones(N), weight if weights is None else weights, np.zeros(5), 1.0)
    features = np.full(N, value)
    return diagnose(features, np.zeros(5), head, 0.0, indexed=False, distributions=distributions)


def page(diagnosis):
    return render_report(analysis_of(diagnosis=diagnosis), sheet=NOTHING, view=NOTHING)


def test_thickness_in_the_explanation_says_that_it_is_not_that_of_the_segments():
    titles = [feature.title for feature in FEATURES if "thickness" in feature.title]
    assert len(titles) == 4
    assert all(f"in {WALL_SECTORS} sectors a slice" in title for title in titles)
    assert f"The diagnosis takes it otherwise: in {WALL_SECTORS} equal sectors" in CONVENTIONS["wall_thickness"]


def test_the_record_holds_every_part_with_the_distributions_of_each_group():
    record = explanation_record(diagnosis_of(distributions_of()).explanation)
    first = record["features"][0]

    assert (record["group"], record["runner_up"]) == ("DCM", "MINF")
    assert record["distributions_of"] == "101 made-up hearts a group"
    assert len(record["features"]) == N + 2
    assert (first["name"], first["value"]) == (FEATURES[-1].name, 150.0)
    assert first["groups"]["MINF"] == {
        "n": 101, "mean": 1050.0, "sd": 29.3, "p5": 1005.0, "p25": 1025.0, "p50": 1050.0, "p75": 1075.0, "p95": 1095.0,
    }  # fmt: skip
    assert list(first["groups"]) == [group.value for group in Group]
    assert next(part for part in record["features"] if part["name"] == "constant")["groups"] is None


def test_the_record_s_parts_add_up():
    record = explanation_record(diagnosis_of().explanation)

    assert sum(part["logits_over_runner_up"] for part in record["features"]) == pytest.approx(record["margin_logits"], abs=0.01)


def test_the_record_names_what_speaks_for_the_runner_up():
    record = explanation_record(diagnosis_of().explanation)

    assert record["favours_runner_up"] == [FEATURES[3].name]
    assert record["against"] == []


def test_without_a_diagnosis_there_is_nothing_to_explain():
    undefined = Diagnosis(None, None, "one frame only")

    assert result_record(analysis_of(diagnosis=undefined))["diagnosis"]["explanation"] is None
    assert explanation_view(undefined) is None
    assert "among the groups" not in page(undefined)


def test_the_record_with_an_explanation_is_plain_json():
    record = result_record(analysis_of(diagnosis=diagnosis_of(distributions_of())))

    assert json.loads(record_text(record)) == record
    assert record["diagnosis"]["explanation"]["features"]


def test_the_view_draws_the_weightiest_features_and_counts_the_rest():
    view = explanation_view(diagnosis_of(distributions_of()))

    assert [row.title.lower() for row in view.rows] == [f.title.lower() for f in FEATURES[: -SHOWN_FEATURES - 1 : -1]]
    assert view.n_more == N - SHOWN_FEATURES
    assert view.runner_up_text == percent_text(diagnosis_of().probabilities[Group.MINF])
    assert view.favouring_runner_up == ("RV volume at ED (0.90)",)


@pytest.mark.parametrize("value", [-500.0, 150.0, 9000.0])
def test_a_strip_holds_all_percentiles_in_order_and_the_value(value):
    weights = np.zeros((5, N + 5))
    weights[2, 0] = 1.0 if value > 0 else -1.0
    row = explanation_view(diagnosis_of(distributions_of(), value, weights)).rows[0]
    places = [x for line in row.lines for x in line.x]

    assert all(list(line.x) == sorted(line.x) for line in row.lines)
    assert min(row.value_x, *places) == STRIP_LEFT
    assert max(row.value_x, *places) == STRIP_RIGHT
    assert [line.is_leading for line in row.lines] == [group is Group.DCM for group in Group]
    shares = [(line.x[2] - row.lines[0].x[2]) / (row.lines[4].x[2] - row.lines[0].x[2]) for line in row.lines]
    assert shares == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.01)


def test_a_feature_that_is_the_same_in_all_hearts_is_drawn_in_the_middle():
    distributions = distributions_of(Group.NOR)
    flat = {Group.NOR: type(distributions.unindexed[Group.NOR]).of(np.full((9, N), 150.0))}
    row = explanation_view(diagnosis_of(type(distributions)("nine alike", None, flat))).rows[0]

    assert {row.value_x, *row.lines[0].x} == {(STRIP_LEFT + STRIP_RIGHT) / 2}


def test_the_page_shows_a_strip_for_each_feature_with_mean_and_sd_of_the_groups():
    html = page(diagnosis_of(distributions_of()))

    assert html.count("<svg") == SHOWN_FEATURES
    assert html.count('class="leading"') == SHOWN_FEATURES
    assert "1050.00 ± 29.30" in html
    assert "101 made-up hearts a group" in html
    assert f"{N - SHOWN_FEATURES} more features" in html
    assert "More for MINF than for DCM: RV volume at ED (0.90)." in re.sub(r"\s+", " ", html)


def test_the_page_says_where_nothing_speaks_for_the_runner_up():
    weights = np.zeros((5, N + 5))
    weights[2, 0] = 1.0

    assert "Nothing speaks more for" in page(diagnosis_of(weights=weights))


def test_without_distributions_the_page_says_so_and_draws_none():
    html = page(diagnosis_of())

    assert "<svg" not in html
    assert "carries no distributions" in html
