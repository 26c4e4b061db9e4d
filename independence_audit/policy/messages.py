"""The sentences that a policy may use, by their keys: a file that names another could not be worded by any report."""

from __future__ import annotations

from collections.abc import Mapping

from independence_audit.policy.criteria import Lead

HEADLINES: Mapping[Lead, tuple[str, ...]] = {
    Lead.NOT_MET: ("headline.not_met", "headline.requirement_not_met"),
    Lead.REVIEW: ("headline.review",),
    Lead.MET: ("headline.requirements_met",),
    Lead.ALLOWED: ("headline.no_conflict", "headline.control_no_conflict"),
    Lead.CLEAN: ("headline.clean", "headline.control_clean"),
}
"""By what a report comes to; the first is the one of a policy that names none."""
UNDECIDED = "headline.inconclusive"
INCOMPLETE = "headline.incomplete"
CRITERIA = frozenset(
    {
        "criterion.shared",
        "criterion.shared_training",
        "criterion.shared_draw",
        "criterion.shared_unresolved",
        "criterion.draw_verified",
        "criterion.trained_and_shared",
        "criterion.token_tables",
        "criterion.token_tables_own",
        "criterion.token_tables_permissive",
        "criterion.none_found",
        "criterion.none_found_any_basis",
        "criterion.inconclusive",
        "criterion.not_tested",
        "criterion.unchanged",
        "criterion.changed",
        "criterion.own",
        "criterion.claimed",
        "criterion.no_trajectory",
        "criterion.trained",
        "criterion.consistent",
        "criterion.frozen",
        "criterion.untrained",
        "criterion.starts_trained",
        "criterion.from_other_weights",
        "criterion.structure_not_named",
        "criterion.structure_named",
        "criterion.structure_none",
        "criterion.agreed",
        "criterion.undeclared_derivation",
        "criterion.declared_not_found",
        "criterion.attribution_missing",
        "criterion.other_degree",
        "criterion.not_checked",
        "criterion.tables_only",
        "criterion.not_filled_in",
        "criterion.not_declared",
        "criterion.no_declaration",
        "criterion.licence_permissive",
        "criterion.licence_conditional",
        "criterion.licence_restricted",
        "criterion.licence_unknown",
        "criterion.licence_contradicted",
        "criterion.licence_not_needed",
        "criterion.rights_all",
        "criterion.rights_not_all",
        "criterion.rights_undeclared",
        "criterion.own_data",
        "criterion.own_design",
        "criterion.policy_and_ethics",
    }
)
CHANGES = frozenset(
    {
        "change.step0",
        "change.logs",
        "change.full",
        "change.reference",
        "change.more_references",
        "change.weights",
        "change.trajectory",
        "change.declaration",
        "change.attribution",
        "change.owner",
        "change.licence",
        "change.rights",
        "change.data",
        "change.design",
    }
)
NO_TRAJECTORY = "criterion.no_trajectory"
NONE_FOUND, NONE_FOUND_ANY_BASIS = "criterion.none_found", "criterion.none_found_any_basis"
UNUSABLE = "criterion.trajectory_unusable"
"""In place of the sentence that no checkpoints were submitted, where they were and show nothing."""
UNVERIFIED = "criterion.unverified"
"""In place of a criterion's own sentence where only a fingerprint was submitted."""
UNVERIFIED_FOUND = "criterion.unverified_found"
"""The same where a relation was found."""
UNVERIFIED_SUBMISSION = "criterion.unverified_submission"
CANNOT_JUDGE = ("cannot.training", "cannot.own_data", "cannot.policy")
WITHOUT_CHECKPOINTS = "cannot.frozen"
"""What no policy can have judged by weights."""
