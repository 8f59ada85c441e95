"""How the bench turns times into figures."""

from bench import explanation, reports
from bench.__main__ import AIMS, interleaved, loader_report, report_of


def test_every_way_runs_once_a_round_and_none_is_always_first() -> None:
    order: list[str] = []
    ways = {name: (lambda name=name: order.append(name)) for name in ("a", "b", "c")}
    taken = interleaved(ways, rounds=6, warm_up=2)
    assert {name: len(times) for name, times in taken.items()} == {"a": 6, "b": 6, "c": 6}
    assert len(order) == 3 * (6 + 2)
    assert set(order[0::3]) == {"a", "b", "c"}
    assert all(set(order[start : start + 3]) == {"a", "b", "c"} for start in range(0, len(order), 3))


def test_the_figures_are_ratios_of_medians() -> None:
    warm = {
        "lean": [10.0, 11.0, 500.0],
        "lean_int8": [5.0, 5.5, 6.0],
        "limit": [9.0, 10.0, 11.0],
        "seed": [40.0, 44.0, 50.0],
    }
    cold = {"lean": [500.0], "handlers": [1000.0], "seed": [8000.0]}
    report = report_of(warm, cold, threads=1)
    assert report["speedup_vs_seed_way"] == 4.0, "one slow round of three does not count"
    assert report["speedup_vs_seed_way_int8"] == 8.0
    assert report["overhead_vs_limit"] == 1.1
    assert report["cold_speedup"] == 16.0
    assert report["cold_speedup_whole_handlers"] == 8.0
    loaders = loader_report({"ours": [100.0, 110.0, 900.0], "image_folder": [300.0, 330.0, 360.0]}, 128, 1.5)
    assert loaders["loader_speedup"] == 3.0
    assert loaders["loader_images_per_s"] == {"ours": 1163.6, "image_folder": 387.9}
    evidence = explanation.report({"explained": [21.0, 20.5, 90.0], "plain": [20.0, 20.0, 89.0]})
    assert evidence["explanation_share"] == 0.05, "the median of differences, whatever one slow round took"
    assert set(AIMS) <= set(report | loaders | evidence)


def test_a_reports_time_is_the_quickest_and_its_memory_the_largest() -> None:
    rounds = [{"s": 7.0, "mb": 400.0, "pages": 67}, {"s": 6.0, "mb": 420.0, "pages": 67}]
    figures = reports.report(dict.fromkeys(reports.IMAGES, rounds))
    assert (figures["report_200_s"], figures["report_200_mb"]) == (6.0, 420)
    assert set(reports.AIMS) <= set(figures)


def test_a_small_report_is_measured() -> None:
    figures = reports.measure(1)
    assert figures["pages"] >= 1
    assert figures["s"] > 0
    assert 10 < figures["mb"] < 4000
