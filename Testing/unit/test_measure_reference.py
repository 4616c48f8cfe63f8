import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.labels import Group
from CardiacMTLLib.measure.reference import RANGES, SOURCES, Evidence, Reference, ReferenceRange, Side, reference_of
from CardiacMTLLib.phantom import anatomy_of
from CardiacMTLLib.report.wording import number_text
from CardiacMTLLib.volume import Sex
from Testing.unit.analyses import analysis_of

NAMES = st.sampled_from(sorted(RANGES))
SEXES = st.sampled_from([Sex.MALE, Sex.FEMALE, None])
VALUES = st.floats(0, 400)
TRUTHS = ("lv_edv_ml", "lv_esv_ml", "lv_ef_percent", "rv_edv_ml", "rv_esv_ml", "rv_ef_percent")


def limits(name, sex):
    (entry,) = reference_of(name, None, sex).ranges
    return entry.low, entry.high


def test_every_range_is_one_of_a_measurement_and_has_a_source_with_ages_and_cohort():
    assert set(RANGES) <= set(analysis_of().measurements)
    for entry in (entry for pair in RANGES.values() for entry in pair):
        assert entry.source in SOURCES
        assert "doi 10." in entry.source.citation
        assert entry.source.ages
        assert entry.source.cohort


@pytest.mark.parametrize(
    ("name", "mean_and_sd"),
    [
        ("lv_ef_percent", {Sex.MALE: (58, 5), Sex.FEMALE: (61, 5)}),
        ("lv_mass_g_per_m2", {Sex.MALE: (53, 9), Sex.FEMALE: (42, 7)}),
    ],
)
def test_limits_from_an_abstract_are_its_mean_and_two_sided_95_percent(name, mean_and_sd):
    for entry in RANGES[name]:
        mean, sd = mean_and_sd[entry.sex]
        assert entry.evidence is Evidence.ABSTRACT
        assert (entry.low, entry.high) == (round(mean - 1.96 * sd), round(mean + 1.96 * sd))


def test_the_ranges_of_men_and_women_overlap_so_that_a_value_cannot_be_below_one_and_above_the_other():
    for name in RANGES:
        (low_m, high_m), (low_f, high_f) = limits(name, Sex.MALE), limits(name, Sex.FEMALE)
        assert max(low_m, low_f) < min(high_m, high_f)


def test_a_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="below its upper limit"):
        ReferenceRange(Sex.MALE, 5, 5, SOURCES[0], Evidence.ABSTRACT)


@given(NAMES, st.sampled_from(list(Sex)))
def test_a_value_at_a_limit_is_inside_and_one_unit_beyond_it_outside(name, sex):
    low, high = limits(name, sex)

    assert [reference_of(name, value, sex).outside for value in (low, high)] == [None, None]
    assert reference_of(name, low - 1, sex).outside is Side.BELOW
    assert reference_of(name, high + 1, sex).outside is Side.ABOVE


@given(NAMES, VALUES, st.sampled_from(list(Sex)))
def test_the_mark_agrees_with_the_number_that_is_shown(name, value, sex):
    low, high = limits(name, sex)
    shown = int(number_text(value, "mL"))

    assert (reference_of(name, value, sex).outside is None) == (low <= shown <= high)


@given(NAMES, VALUES)
def test_without_sex_both_ranges_are_shown_and_a_value_is_marked_only_outside_both(name, value):
    unknown = reference_of(name, value, None)
    sides = [reference_of(name, value, sex).outside for sex in Sex]

    assert [entry.sex for entry in unknown.ranges] == [Sex.MALE, Sex.FEMALE]
    assert unknown.outside == (sides[0] if sides[0] == sides[1] else None)


def test_the_other_sex_may_change_the_mark():
    assert reference_of("lv_edv_ml_per_m2", 110.0, Sex.MALE).outside is None
    assert reference_of("lv_edv_ml_per_m2", 110.0, Sex.FEMALE).outside is Side.ABOVE
    assert reference_of("lv_edv_ml_per_m2", 110.0, None).outside is None


@given(st.sampled_from(["lv_mass_g", "body_surface_area_m2", "no_such_name"]), VALUES, SEXES)
def test_without_a_range_there_is_no_mark(name, value, sex):
    assert reference_of(name, value, sex) == Reference((), None)


@given(NAMES, SEXES)
def test_an_undefined_value_has_its_range_and_no_mark(name, sex):
    reference = reference_of(name, None, sex)

    assert reference.ranges
    assert reference.outside is None


def marks_of(group):
    anatomy = anatomy_of(group)
    return {name: reference_of(name, getattr(anatomy, name), anatomy.patient.sex).outside for name in TRUTHS}


def test_the_healthy_phantom_is_inside_all_ranges():
    assert set(marks_of(Group.NOR).values()) == {None}


def test_the_dilated_phantom_has_a_large_and_weak_left_ventricle():
    marks = marks_of(Group.DCM)

    assert (marks["lv_edv_ml"], marks["lv_esv_ml"], marks["lv_ef_percent"]) == (Side.ABOVE, Side.ABOVE, Side.BELOW)


@pytest.mark.parametrize("name", ["lv_ef_percent", "rv_ef_percent", "lv_sv_ml"])
def test_a_value_that_no_heart_has_is_not_compared(name):
    reference = reference_of(name, -3.0, Sex.MALE)
    assert reference.ranges
    assert reference.outside is None
