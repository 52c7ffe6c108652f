from codegem.evaluation.task import Judgement, Verdict


def test_the_names_of_verdicts_are_those_of_the_file_format() -> None:
    assert [str(verdict) for verdict in Verdict] == ["passed", "failed", "timed_out", "error", "skipped"]


def test_judgements_share_no_measures() -> None:
    assert Judgement(Verdict.PASSED).measures is not Judgement(Verdict.PASSED).measures
