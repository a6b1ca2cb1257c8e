//! A talk about life, thoughts and health.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseEvent, TalkRecorded, TalkTopic};
use super::obligation::ObligationKind;
use super::rules::{
    LATE, check_actor, check_backdate, check_day_from, check_evidence, check_note, check_stage, fulfilled,
};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most topics of one talk.
const TOPICS_MAX: usize = 6;

/// Records a talk. It fulfils the monthly meeting whose window holds the day.
#[derive(Clone, Debug, Serialize)]
pub struct RecordTalk {
    /// Day of the talk.
    pub on: Date,
    /// What about; 1 to 6.
    pub topics: Vec<TalkTopic>,
    /// The reason when recorded later than policy `backdate.free_days`.
    pub late_reason: Option<String>,
    /// SHA-256 of photographs or papers that are kept elsewhere, in hexadecimal; at most 10.
    pub evidence: Vec<String>,
    /// What was said, in the worker's words; at most 2,000 characters.
    pub note: Option<String>,
}

impl Command for RecordTalk {
    type Aggregate = Case;
    const NAME: &'static str = "RecordTalk";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        check_backdate(self.on, self.late_reason.as_deref(), context)?;
        check_evidence(&self.evidence)?;
        if self.topics.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "topics"));
        }
        if self.topics.len() > TOPICS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "topics").with("expected", "at most 6 topics"));
        }
        if let Some(note) = &self.note {
            check_note("note", note)?;
        }
        let fact = TalkRecorded {
            on: self.on,
            topics: self.topics.clone(),
            late_reason: (&self.late_reason).into(),
            evidence: self.evidence.clone(),
            note: (&self.note).into(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        events.extend(fulfilled(case, ObligationKind::MonthlyMeeting, self.on, context)?);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::active;
    use jiff::civil::date;

    #[test]
    fn a_talk_is_a_meeting_and_has_a_topic() {
        let talk = RecordTalk {
            on: date(2026, 3, 2),
            topics: vec![TalkTopic::Life],
            late_reason: None,
            evidence: Vec::new(),
            note: None,
        };
        let events = active().when(&talk).expect("is recorded");
        assert!(
            events
                .iter()
                .any(|event| matches!(event, CaseEvent::ObligationFulfilled(_)))
        );
        assert_eq!(
            active().reason(&RecordTalk { topics: vec![], ..talk }),
            Reason::ListEmpty
        );
    }
}
