//! Something the law protects (禁毒法 39).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{PersonEvent, ProtectiveFactRecorded, ProtectiveKind};
use super::rules::{check_actor, check_open};
use super::state::Person;
use crate::case::rules::{check_day, check_text};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records a protective fact, with the document that shows it.
#[derive(Clone, Debug, Serialize)]
pub struct RecordProtectiveFact {
    /// What.
    pub kind: ProtectiveKind,
    /// First day.
    pub from: Date,
    /// Last day, when known.
    pub to: Option<Date>,
    /// Number of the document.
    pub document_no: String,
}

impl Command for RecordProtectiveFact {
    type Aggregate = Person;
    const NAME: &'static str = "RecordProtectiveFact";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_open(person)?;
        check_day("from", self.from, context)?;
        if self.to.is_some_and(|to| to < self.from) {
            return Err(Rejection::of(Reason::OccurredBeforeCase, "to").with("earliest", self.from));
        }
        if self.document_no.is_empty() {
            return Err(Rejection::of(Reason::EvidenceRequired, "document_no"));
        }
        check_text("document_no", &self.document_no)?;
        Ok(vec![
            ProtectiveFactRecorded {
                kind: self.kind.as_str().into(),
                from: self.from,
                to: self.to,
                document_no: (&self.document_no).into(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::tests::registered;
    use jiff::civil::date;

    #[test]
    fn without_a_document_nothing_is_protected() {
        let fact = RecordProtectiveFact {
            kind: ProtectiveKind::Pregnant,
            from: date(2026, 3, 1),
            to: None,
            document_no: String::new(),
        };
        assert_eq!(registered().reason(&fact), Reason::EvidenceRequired);
        let shown = RecordProtectiveFact {
            document_no: "诊断-1".into(),
            ..fact
        };
        assert_eq!(registered().when(&shown).map(|events| events.len()), Ok(1));
        let backwards = RecordProtectiveFact {
            to: Some(date(2026, 2, 1)),
            ..shown
        };
        assert_eq!(registered().reason(&backwards), Reason::OccurredBeforeCase);
    }
}
