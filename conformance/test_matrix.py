"""The matrix says of each cell what became of its tests, and the one that is kept here has the cells of the tests."""

from __future__ import annotations

import pytest
from matrix import FAILED, HERE, NOT_RUN, PASSED, Cell, Matrix, cells_of

ECHO = Cell("Roles", "Verification", "DCMTK calls")


def declared(*tests: str) -> Matrix:
    matrix = Matrix()
    for test in tests:
        matrix.declare(
            test, [pytest.mark.cell("Roles", "{service}", "DCMTK calls").mark], {"service": "Verification"}
        )
    return matrix


def test_a_cell_has_passed_where_all_of_its_tests_have() -> None:
    matrix = declared("one", "other")
    matrix.note("one", PASSED)
    assert matrix.state(ECHO) == NOT_RUN
    matrix.note("other", PASSED)
    assert matrix.state(ECHO) == PASSED


def test_one_failure_makes_a_cell_fail_whatever_follows() -> None:
    matrix = declared("one", "other")
    matrix.note("one", FAILED)
    matrix.note("one", PASSED)
    matrix.note("other", NOT_RUN)
    assert matrix.state(ECHO) == FAILED


def test_a_test_that_was_skipped_shows_with_its_reason() -> None:
    matrix = declared("one", "left out")
    matrix.note("one", NOT_RUN, "PEER MISSING")
    written = matrix.markdown(["Peer 1.0"])
    assert "| Verification | *not run* |" in written
    assert "- not run, PEER MISSING: Verification (DCMTK calls)" in written
    assert "- not run, left out: Verification (DCMTK calls)" in written
    assert "0 passed, 0 failed, 1 not run." in written
    assert "- Peer 1.0" in written


def test_a_cell_without_a_test_is_empty() -> None:
    matrix = declared("one")
    assert matrix.state(Cell("Roles", "Verification", "Orthanc calls")) == ""
    assert cells_of(matrix.markdown([])) == {("Roles", "Verification", "DCMTK calls")}


def test_a_cell_that_no_table_has_is_an_error() -> None:
    with pytest.raises(pytest.UsageError, match="has no table 'Roles' with a column 'Nobody calls'"):
        Cell("Roles", "Verification", "Nobody calls")


def test_the_kept_matrix_has_the_cells_of_the_tests(matrix: Matrix) -> None:
    kept = cells_of((HERE / "matrix.md").read_text(encoding="utf-8"))
    here = {(cell.table, cell.row, cell.column) for cell in matrix.cells}
    assert here <= kept, "run: TG263_MATRIX=conformance/matrix.md pytest conformance"
    if matrix.is_whole:
        assert kept == here, "run: TG263_MATRIX=conformance/matrix.md pytest conformance"
