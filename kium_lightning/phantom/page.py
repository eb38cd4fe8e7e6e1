"""The page of the phantoms' statistics: tables of text, Markdown, and what is counted how."""

from collections.abc import Iterable

from kium_lightning.phantom.verdicts import MeanRow, PlaceRow, ShareRow, Statistics

TableText = tuple[str, list[str], list[list[str]]]


def tables(statistics: Statistics) -> list[TableText]:
    """All tables: title, column heads and rows of text."""
    made: list[TableText] = []
    columns = ["", "known", "SD", "phantoms", "SD", "standard error", "n", "difference", "holds"]
    for title, means in statistics.means.items():
        made.append((title, columns, [_mean_text(row) for row in means]))
    columns = ["", "known", "SD", "phantoms", "SD", "SD / known", "n", "distance", "tolerance", "holds"]
    for title, places in statistics.places.items():
        made.append((title, columns, [_place_text(row) for row in places]))
    columns = ["", "known", "phantoms", "count", "of", "95 % interval", "holds"]
    for title, shares in statistics.shares.items():
        made.append((title, columns, [_share_text(row) for row in shares]))
    rows = [[artery, f"{100 * share:.1f} %"] for artery, share in statistics.inside.items()]
    made.append(("Points inside the territory's box (for information)", ["", "phantoms"], rows))
    return made


def markdown(statistics: Statistics, seed: int) -> str:
    """The tables as a page of Markdown."""
    total = len(statistics.rows)
    parts = [
        _INTRODUCTION.format(patients=statistics.patients, seed=seed, good=total - len(statistics.failed), all=total)
    ]
    for title, columns, rows in tables(statistics):
        lines = [f"## {title}", "", _line(columns), _line(["---", *["---:"] * (len(columns) - 1)])]
        parts.append("\n".join([*lines, *(_line(row) for row in rows)]) + "\n")
    return "\n".join([*parts, _NOTES])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 20 else f"{value:.2f}"


def _mean_text(row: MeanRow) -> list[str]:
    known = row.known
    note = " (median)" if known.is_median else " (estimate)" if known.is_estimate else ""
    return [
        row.name + note,
        _number(known.mean),
        "" if known.sd is None else _number(known.sd),
        _number(row.mean),
        _number(row.sd),
        f"{row.error:.3f}",
        str(row.count),
        f"{100 * (row.mean / known.mean - 1):+.1f} %",
        "yes" if row.holds else "NO",
    ]


def _share_text(row: ShareRow) -> list[str]:
    low, high = row.interval
    known = row.known
    return [
        row.name,
        f"{100 * known[0]:.1f} %" if known[0] == known[1] else f"{100 * known[0]:.0f}-{100 * known[1]:.0f} %",
        f"{100 * row.count / row.total:.1f} %" if row.total else "-",
        str(row.count),
        str(row.total),
        f"{100 * low:.1f}-{100 * high:.1f} %",
        "yes" if row.holds else "NO",
    ]


def _place_text(row: PlaceRow) -> list[str]:
    known = row.known.sd
    ratios = ["-" if sd is None else f"{own / sd:.1f}" for own, sd in zip(row.sd, known, strict=True)]
    return [
        row.name,
        _three(row.known.mean),
        ", ".join("-" if sd is None else f"{sd:.1f}" for sd in known) if any(known) else "",
        _three(row.mean),
        _three(row.sd),
        ", ".join(ratios) if any(known) else "",
        str(row.count),
        f"{row.distance:.1f}",
        f"{row.tolerance:.1f}",
        "yes" if row.holds else "NO",
    ]


def _three(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)


_INTRODUCTION = """# The phantoms' vessels, measured

`python -m kium_lightning.phantom statistics` made this page: {patients} patients of seed {seed}, drawn as a cohort
draws them but not rendered, and measured on their finished vessels (points and radii, look-alikes included), not on
what was drawn. {good} of {all} rows hold.

A mean holds within two of its standard errors plus 5 % of the known value; a mean place if its distance from the
known place is within two standard errors plus 2 mm, or plus a tenth of the way from the artery's root where that is
more; a frequency inside the binomial 95 % interval of the count that the known share gives. Standard deviations are
shown and not judged. What is known comes from `kium_lightning/phantom/references.py`,
the parameters from `anatomy:` in `conf/cohort/phantom.yaml`. So many rows are tested that a few frequencies would
fall outside a 95 % interval by chance alone.
"""

_NOTES = """## What is counted

- **Trees** are those of one side: the ACA from the end of the carotid through A1 and A2, the MCA from the end of
  the carotid, the PCA from the basilar tip through P1 and P2, each with all its branches. A segment lies between
  two divisions or between a division and an end. Where the ACOM or the PCOM joins is no division. Left out are
  sides whose A1 is hypoplastic or absent and azygos patients (ACA), and sides with a fetal PCA (PCA). A bifurcation
  angle is that between the first three millimetres of the two daughters; the radius of a segment is the median of
  its radii, so that the thinning of the last millimetres of a vessel does not count. Radii of the tracings are
  multiplied by 1.375.
- **Diameters** are means: of the whole artery for M1, A1, A2, P1 and ACOM; of the first 10 mm for M2 and 12 mm for
  P2; 2.5 to 12 mm from the origin for PCOM, SCA, PICA, AICA and ophthalmic artery. Hypoplastic A1 (under 1.3 mm)
  and VA (under 2 mm at the end), P1 and PCOM of fetal PCAs, and fenestrated ACOMs are left out of their rows.
- **Lengths**: A2 from the ACOM to the end of the pericallosal artery; P2 from the PCOM to the end of the main
  trunk; V4 from the dura, 12 mm beyond the artery's most posterior point behind the atlas. Of the 27-30 mm of the
  basilar artery the middle is taken.
- **Places**: standard deviations are over sides, as in the tracings. The main trunks are M1 with the superior M2,
  A1 and A2 with the callosomarginal artery, P1 with P2; the way along the PCA is counted from 5.5 mm off the midline,
  where the tracings let it begin. A row is left out where fewer than 5 % as many trunks as patients are that long:
  the MCA and the PCA at 120 mm, as the tables of lengths give the PCA 93 mm.
- **Per patient**: A1, fetal PCA, VA, basilar curve, azygos ACA, fenestration, complete circle. **Per side**: PCOM,
  PICA, SCA, AntChor. A circle is complete if no artery of it is absent or under 1 mm. PCOM under 1 mm: of sides
  without a fetal PCA.
- **Sources that disagree**: where the tracings and the tables of lengths differ, the tables count: A1 14.0 mm
  (tracings 16.4), M1 15.8 (18.4), P1 6.6 with the PCOM at its end (PCOM at 7-10). The two A1 end 2.7 mm apart, the
  length of the ACOM, not twice 2.4 mm. A PCOM with a mean of 1.22 (0.20) mm cannot be under 1 mm in 45 %: mean and
  share are kept and the standard deviation is larger.
- **Spreads that fall short of their source**, because the table of lengths wins: an A1 of 14.0 (1.4) mm lets the ACOM
  lie on an arc in front of the line between the termini, and spread by 0.9 of the tracings; an M1 of 15.8 (1.2) mm
  lets the bifurcation move forwards, back, up and down on a sphere by 0.9 of them, but to the side only by 0.4. A1, A2
  and pericallosal artery stay beside the falx, half as far spread to the side as the tracings, whose A2 cross it. V4
  varies by 8.5 of 10.6 mm: the loop behind the atlas moves by up to 13 mm along the artery, the junction with the
  basilar artery by as much as that varies, and V4 swings by up to 12 mm; more would put the dural entry of one side
  into the posterior fossa.
- **Trunks far out** are asked to stray by 20 mm at 120 mm (`distal_sd_mm`), as the tracings do, and reach 13 to 14 mm
  for the ACA, and at 80 mm 7 to 8 mm for the MCA and 7 to 10 mm for the PCA: they keep inside the brain and beside the
  falx, the MCA also keeps its depth below the skull, and always the same branch is followed.
- **Link of A1 and ACOM**: 14.1 % of patients with a hypoplastic A1 have an ACOM aneurysm and 1.0 % of the others.
  With 10 % of hypoplastic A1 this gives 8.8 % among patients without such an aneurysm and 61 % among those with
  one. As the challenge has more of them than the population, about 13 % of all phantoms have a hypoplastic A1.
- **Parameters and results**: what is asked for in `anatomy:` is not always the known number, because vessels are
  fitted into their territories: a length over chord of 2.05 is asked of the PCA's ends to get 1.57, as bends have a
  least radius of about 3 mm; angles are asked 3-4 degrees lower; the A2 is asked 2.35 mm, as the tracings' order 0 and
  the tables disagree by 6 %. Shares of unevenness in branching (`topology.py`) were chosen so that radii by order and
  radius ratios hold together. The points inside the boxes are for information.
- **Labels win**: where a variant would take the artery of a label away (a P1 for a PCA label, a PICA from the VA
  for a VA or PICA label, two A2 for an ACA or ACOM label, an AntChor from the carotid), that variant is left out on
  that side. That takes about a tenth of the azygos ACA and less of the others.
- **Not measured but counted as drawn**: labels, which are quotas and hold by construction, and cross-filling.
"""
