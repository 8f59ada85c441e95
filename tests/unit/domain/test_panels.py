"""A panel of readers, driven by labels and adjudications in every order that Hypothesis thinks of."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fakes import START
from triagelens.domain.errors import ForbiddenError, InvalidRequestError, TransitionError
from triagelens.domain.panels import Panel, PanelState

READERS = st.sampled_from(["anna", "bert", "cleo", "dora"])
LABELS = st.sampled_from(["mel", "nv", "bkl"])


class ReadersOfOneCase(RuleBasedStateMachine):
    """A model beside the panel: who said what, and whether somebody settled it."""

    @initialize(wanted=st.integers(1, 3))
    def begin(self, wanted: int) -> None:
        self.panel = Panel(case_id="case", specialty="skin", readers_wanted=wanted)
        self.wanted = wanted
        self.said: dict[str, str] = {}
        self.settled: str | None = None

    def closed(self) -> bool:
        return self.settled is not None or (self.wanted > 1 and len(self.said) >= self.wanted)

    def disputed(self) -> bool:
        return self.settled is None and len(self.said) >= self.wanted and len(set(self.said.values())) > 1

    @rule(reader=READERS, label=LABELS)
    def read(self, reader: str, label: str) -> None:
        if self.closed():
            with pytest.raises(TransitionError):
                self.panel.after_label(reader, label, START)
        else:
            self.panel = self.panel.after_label(reader, label, START)
            self.said[reader] = label

    @rule(by=READERS, label=LABELS)
    def settle(self, by: str, label: str) -> None:
        if not self.disputed():
            with pytest.raises(TransitionError):
                self.panel.adjudicated(by, label, "why", START)
        elif by in self.said:
            with pytest.raises(ForbiddenError):
                self.panel.adjudicated(by, label, "why", START)
        else:
            self.panel = self.panel.adjudicated(by, label, "why", START)
            self.settled = label

    @rule(wanted=st.integers(1, 3))
    def ask_for_readers(self, wanted: int) -> None:
        if self.said:
            with pytest.raises(TransitionError):
                self.panel.wanting(wanted)
        else:
            self.panel = self.panel.wanting(wanted)
            self.wanted = wanted

    @rule(reader=READERS)
    def a_label_of_another_specialty_is_refused(self, reader: str) -> None:
        with pytest.raises(InvalidRequestError):
            self.panel.after_label(reader, "cataract", START)

    @invariant()
    def it_teaches_what_was_settled_or_what_all_said(self) -> None:
        labels = set(self.said.values())
        agreed = len(self.said) >= self.wanted and len(labels) == 1
        expected = self.settled or (labels.pop() if agreed else None)
        assert self.panel.training_label == expected
        assert (self.panel.decided_at is not None) == (expected is not None)
        assert (self.panel.state is PanelState.DISPUTED) == self.disputed()

    @invariant()
    def blind_readers_are_kept_apart_exactly_until_all_are_in(self) -> None:
        assert self.panel.hides_labels == (self.wanted > 1 and len(self.said) < self.wanted)
        assert self.panel.labels == self.said


ReadersOfOneCase.TestCase.settings = settings(max_examples=80, stateful_step_count=20)
TestReadersOfOneCase = ReadersOfOneCase.TestCase
