//! The place of compulsory isolation hands a person over to the station (戒毒条例 37).

use jiff::civil::Date;
use serde::Serialize;

use super::event::CaseEvent;
use super::order::{Programme, ReleaseHandoverReceived};
use super::rules::{check_actor, check_code, check_day, check_open};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most papers of one handover.
const PAPERS_MAX: usize = 50;

/// Records the handover of somebody under community rehabilitation, once.
#[derive(Clone, Debug, Serialize)]
pub struct RecordReleaseHandover {
    /// Day of the release.
    pub released_on: Date,
    /// Day of the handover.
    pub received_on: Date,
    /// Place of compulsory isolation, as a code.
    pub facility: String,
    /// Papers that came along, as codes; at most 50.
    pub papers: Vec<String>,
}

impl Command for RecordReleaseHandover {
    type Aggregate = Case;
    const NAME: &'static str = "RecordReleaseHandover";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_open(case)?;
        if case.programme != Some(Programme::CommunityRehab) {
            return Err(Reason::NotARelease.into());
        }
        if case.handed_over {
            return Err(Reason::HandedOverAlready.into());
        }
        check_day("released_on", self.released_on, context)?;
        check_day("received_on", self.received_on, context)?;
        if self.received_on < self.released_on {
            return Err(Rejection::of(Reason::OccurredBeforeCase, "received_on").with("earliest", self.released_on));
        }
        check_code("facility", &self.facility)?;
        if self.papers.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "papers"));
        }
        if self.papers.len() > PAPERS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "papers").with("expected", "at most 50"));
        }
        for paper in &self.papers {
            check_code("papers", paper)?;
        }
        Ok(vec![
            ReleaseHandoverReceived {
                released_on: self.released_on,
                received_on: self.received_on,
                facility: self.facility.clone(),
                papers: self.papers.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::RegisterOrder;
    use crate::case::tests::{active, order};
    use crate::spec::given;

    #[test]
    fn who_comes_from_compulsory_isolation_is_handed_over_once() {
        let handover = RecordReleaseHandover {
            released_on: date(2026, 2, 26),
            received_on: date(2026, 2, 27),
            facility: "GUIYANG_ISOLATION_1".into(),
            papers: vec!["RELEASE_CERTIFICATE".into(), "HEALTH_RECORD".into()],
        };
        assert_eq!(active().reason(&handover), Reason::NotARelease);
        let rehab = RegisterOrder {
            programme: Programme::CommunityRehab,
            release_no: Some("解戒-1".into()),
            ..order()
        };
        let case = given::<Case>([]).then(&rehab);
        let none = RecordReleaseHandover {
            papers: Vec::new(),
            ..handover.clone()
        };
        assert_eq!(case.reason(&none), Reason::ListEmpty);
        let earlier = RecordReleaseHandover {
            received_on: date(2026, 2, 25),
            ..handover.clone()
        };
        assert_eq!(case.reason(&earlier), Reason::OccurredBeforeCase);
        assert_eq!(case.then(&handover).reason(&handover), Reason::HandedOverAlready);
    }
}
