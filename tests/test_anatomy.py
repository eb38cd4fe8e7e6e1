import pytest

from kium_lightning.anatomy import (
    CSV_COLUMNS,
    Artery,
    Circulation,
    Filling,
    Location,
    Projection,
    Side,
    View,
    can_show,
    filling,
    is_overlapped,
)

# The first line of the challenge's train.csv.
CHALLENGE_COLUMNS = (
    "Index,Aneurysm,L_ICA,R_ICA,L_PCOM,R_PCOM,L_AntChor,R_AntChor,L_ACA,R_ACA,L_ACOM,R_ACOM,L_MCA,R_MCA,"
    "L_VA,R_VA,L_PICA,R_PICA,L_SCA,R_SCA,BA,L_PCA,R_PCA"
)


def test_columns_are_those_of_the_challenge_in_its_order() -> None:
    assert ",".join(CSV_COLUMNS) == CHALLENGE_COLUMNS


def test_views_are_in_the_order_of_sorted_file_names() -> None:
    codes = [view.code for view in View]
    assert codes == sorted(codes)
    assert set(codes) == {"LI-A", "LI-B", "LV-A", "LV-B", "RI-A", "RI-B", "RV-A", "RV-B"}


def test_views_of_a_circulation_are_in_folded_row_order() -> None:
    assert [view.code for view in Circulation.ANTERIOR.views] == ["LI-A", "LI-B", "RI-A", "RI-B"]
    assert [view.code for view in Circulation.POSTERIOR.views] == ["LV-A", "LV-B", "RV-A", "RV-B"]


def test_arteries_of_a_circulation_are_the_columns_of_the_reports_tables() -> None:
    assert [artery.value for artery in Circulation.ANTERIOR.arteries] == ["ICA", "AntChor", "ACA", "ACOM", "MCA"]
    assert [artery.value for artery in Circulation.POSTERIOR.arteries] == ["VA", "PICA", "SCA", "BA", "PCA", "PCOM"]


def test_every_artery_is_judged_in_exactly_one_circulation() -> None:
    judged = [artery for circulation in Circulation for artery in circulation.arteries]
    assert sorted(judged) == sorted(Artery)
    assert all(artery in artery.circulation.arteries for artery in Artery)


def test_codes_and_columns_name_their_view_and_location() -> None:
    assert all(View.from_code(view.code) is view for view in View)
    assert all(Location.from_column(location.column) is location for location in Location)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'LX-A' is no view.*LI-A"):
        View.from_code("LX-A")
    with pytest.raises(ValueError, match=r"'MCA' is no location.*L_MCA"):
        Location.from_column("MCA")


def test_mirroring_twice_changes_nothing_and_once_changes_only_the_side() -> None:
    for view in View:
        assert view.mirrored.mirrored is view
        assert view.mirrored.side is not view.side
        assert (view.mirrored.circulation, view.mirrored.projection) == (view.circulation, view.projection)
    for location in Location:
        assert location.mirrored.mirrored is location
        assert location.mirrored.artery is location.artery
        assert (location.mirrored is location) == (location is Location.BA)
    assert Location.LEFT_MCA.mirrored is Location.RIGHT_MCA


def test_an_artery_at_a_side_is_its_location_and_the_basilar_artery_is_on_both() -> None:
    assert Artery.MCA.at(Side.RIGHT) is Location.RIGHT_MCA
    assert Artery.BA.at(Side.LEFT) is Artery.BA.at(Side.RIGHT) is Location.BA
    assert [artery for artery in Artery if artery.is_midline] == [Artery.BA]


def test_what_a_view_shows_is_symmetric() -> None:
    for view in View:
        for location in Location:
            assert filling(view, location) is filling(view.mirrored, location.mirrored)
            assert is_overlapped(view, location) == is_overlapped(view.mirrored, location.mirrored)


def test_every_location_is_usually_filled_and_not_overlapped_in_some_view() -> None:
    for location in Location:
        usual = [view for view in View if filling(view, location) is Filling.USUAL]
        assert usual
        assert not all(is_overlapped(view, location) for view in usual)


def test_an_injection_never_fills_the_other_sides_middle_cerebral_artery() -> None:
    assert can_show(View.LEFT_ANTERIOR_FRONTAL, Location.LEFT_MCA)
    assert not any(can_show(view, Location.LEFT_MCA) for view in View if view.side is Side.RIGHT)


def test_the_middle_cerebral_artery_overlaps_its_branches_only_from_the_side() -> None:
    overlapped = {view.projection for view in View if is_overlapped(view, Location.LEFT_MCA)}
    assert overlapped == {Projection.LATERAL}
