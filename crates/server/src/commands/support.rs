//! Commands about care plans, summaries and papers.

use waystation_domain::case::{
    ApproveCarePlan, CareGoal, DocumentKind, DraftCarePlan, IssueDocument, PlanOutcome, RecordReleaseHandover,
    RecordSummary, ReviewCarePlan, ServeDocument, ServiceMode, SummaryKind,
};

use super::command;
use crate::fields::optional;

const PLAN_OUTCOMES: [PlanOutcome; 3] = [PlanOutcome::Continue, PlanOutcome::Adjust, PlanOutcome::Achieved];
const SUMMARY_KINDS: [SummaryKind; 2] = [SummaryKind::HalfYear, SummaryKind::Annual];

command!(case, "cases", RecordReleaseHandoverRequest, |m, fields, id, app| {
    RecordReleaseHandover {
        released_on: fields.day("released_on", &m.released_on),
        received_on: fields.day("received_on", &m.received_on),
        facility: m.facility,
        papers: m.papers,
    }
});

command!(case, "cases", DraftCarePlanRequest, |m, fields, id, app| {
    DraftCarePlan {
        on: fields.day("on", &m.on),
        goals: m
            .goals
            .into_iter()
            .filter_map(|goal| fields.choice("goals", goal, &CareGoal::ALL))
            .collect(),
        review_on: fields.day("review_on", &m.review_on),
        measures: optional(m.measures),
    }
});

command!(case, "cases", ApproveCarePlanRequest, |m, fields, id, app| {
    ApproveCarePlan {
        plan: fields.number("plan", m.plan),
    }
});

command!(case, "cases", ReviewCarePlanRequest, |m, fields, id, app| {
    ReviewCarePlan {
        plan: fields.number("plan", m.plan),
        on: fields.day("on", &m.on),
        outcome: fields
            .choice("outcome", m.outcome, &PLAN_OUTCOMES)
            .unwrap_or(PlanOutcome::Adjust),
        review_on: fields.optional_day("review_on", &m.review_on),
        note: optional(m.note),
    }
});

command!(case, "cases", RecordSummaryRequest, |m, fields, id, app| {
    RecordSummary {
        kind: fields
            .choice("kind", m.kind, &SUMMARY_KINDS)
            .unwrap_or(SummaryKind::HalfYear),
        on: fields.day("on", &m.on),
        note: m.note,
    }
});

command!(case, "cases", IssueDocumentRequest, |m, fields, id, app| {
    IssueDocument {
        kind: fields
            .choice("kind", m.kind, &DocumentKind::ALL)
            .unwrap_or(DocumentKind::Other),
        serial: fields.number("serial", m.serial),
        on: fields.day("on", &m.on),
    }
});

command!(case, "cases", ServeDocumentRequest, |m, fields, id, app| {
    ServeDocument {
        document: fields.number("document", m.document),
        on: fields.day("on", &m.on),
        mode: fields
            .choice("mode", m.mode, &ServiceMode::ALL)
            .unwrap_or(ServiceMode::Hand),
        signed: m.signed,
    }
});
