"""Documented answers that no contract shows, since all contracts share one deployment; and what shows them.

A test is `module::function` under tests/unit/api.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """An answer that a unit test shows.

    Attributes:
        test: the test's module and function.
        why: what keeps a contract from showing it.
    """

    test: str
    why: str


GUESSES = Shown(
    "test_compat_elsewhere::test_guesses_are_counted",
    "tries are counted by address, and all contracts come from one: the others would be turned away, too",
)
NO_AUTHENTICATOR = "only stage `prod` requires authenticator apps"
NO_MODEL = "on the laptop every specialty has its baseline model"
TRAINS = "the deployment trains"
ALLCARE = "test_compat_allcare"
BRAINTUMOR = "test_compat_braintumor"
NOTHING_FOUND = Shown(
    f"{BRAINTUMOR}::test_where_all_came_to_nothing_it_is_an_error_and_no_prediction", NO_MODEL
)

ELSEWHERE: Mapping[str, Mapping[int, Shown]] = {
    "smita POST /verify-otp": {429: GUESSES},
    "smita POST /login": {
        403: Shown(
            "test_compat_smita_people"
            "::test_a_doctor_without_an_authenticator_app_is_told_where_to_set_one_up",
            NO_AUTHENTICATOR,
        ),
        429: GUESSES,
    },
    "smita POST /forgot-password": {429: GUESSES},
    "smita POST /reset-password": {429: GUESSES},
    "smita POST /form_submit": {
        503: Shown("test_compat_smita::test_a_model_that_is_missing_is_an_error_and_no_finding", NO_MODEL)
    },
    "dermascan POST /api/upload-dataset": {
        503: Shown(
            "test_compat_dermascan::test_where_nothing_ingests_that_is_said_and_nothing_is_kept", TRAINS
        )
    },
    "dermascan POST /api/start-training": {
        503: Shown("test_compat_dermascan::test_where_nothing_trains_that_is_said", TRAINS)
    },
    "allcare POST /auth/login": {
        403: Shown(
            "test_compat_elsewhere::test_a_doctor_without_an_authenticator_app_is_not_let_in",
            NO_AUTHENTICATOR,
        ),
        429: GUESSES,
    },
    "allcare POST /check-image": {
        503: Shown(f"{ALLCARE}::test_a_model_that_is_missing_is_an_error_and_no_finding", NO_MODEL)
    },
    "allcare POST /model/retrain": {
        400: Shown(
            f"{ALLCARE}::test_too_few_labelled_cases_are_told_as_they_were",
            "other contracts label cases, too",
        ),
        503: Shown(f"{ALLCARE}::test_a_deployment_that_does_not_train_says_so", TRAINS),
    },
    "braintumor POST /api/admin/login": {429: GUESSES},
    "braintumor POST /api/patient/login": {429: GUESSES},
    "braintumor POST /api/scan/upload": {503: NOTHING_FOUND},
    "braintumor POST /api/admin/scans/upload": {503: NOTHING_FOUND},
    "braintumor POST /api/report/generate": {
        503: Shown(f"{BRAINTUMOR}::test_a_report_that_cannot_be_made_says_so", "every report can be made")
    },
}
