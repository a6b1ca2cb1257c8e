//! Papers that a station issues about a case: each has a number of its kind and year in the register of the station, and reaches
//! whom it is for in some way, or not.

mod issue_document;
mod serve_document;

pub use issue_document::IssueDocument;
pub use serve_document::ServeDocument;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::state::{Case, index};

/// What a paper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentKind {
    /// 报到通知书.
    ReportNotice,
    /// 检测通知书.
    TestNotice,
    /// 劝诫书.
    Admonition,
    /// 告诫书.
    Warning,
    /// 严重违反协议证明.
    BreachCertificate,
    /// 提请公安机关处理的函.
    ReferralLetter,
    /// 变更执行地的函.
    TransferLetter,
    /// Another.
    Other,
}

impl DocumentKind {
    /// All kinds, in the order of their numbers in the API.
    pub const ALL: [DocumentKind; 8] = [
        DocumentKind::ReportNotice,
        DocumentKind::TestNotice,
        DocumentKind::Admonition,
        DocumentKind::Warning,
        DocumentKind::BreachCertificate,
        DocumentKind::ReferralLetter,
        DocumentKind::TransferLetter,
        DocumentKind::Other,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::ReportNotice => "REPORT_NOTICE",
            DocumentKind::TestNotice => "TEST_NOTICE",
            DocumentKind::Admonition => "ADMONITION",
            DocumentKind::Warning => "WARNING",
            DocumentKind::BreachCertificate => "BREACH_CERTIFICATE",
            DocumentKind::ReferralLetter => "REFERRAL_LETTER",
            DocumentKind::TransferLetter => "TRANSFER_LETTER",
            DocumentKind::Other => "OTHER",
        }
    }
}

/// How a paper reached whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceMode {
    /// Handed over.
    Hand,
    /// By post.
    Post,
    /// Left with a grown member of the family.
    Family,
    /// By public notice.
    Notice,
}

impl ServiceMode {
    /// All modes, in the order of their numbers in the API.
    pub const ALL: [ServiceMode; 4] = [
        ServiceMode::Hand,
        ServiceMode::Post,
        ServiceMode::Family,
        ServiceMode::Notice,
    ];
}

/// A paper was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentIssued {
    /// Number within the case, from 1.
    pub document: u32,
    /// What.
    pub kind: DocumentKind,
    /// Number within the kind and the year of `on`, in the register of the station.
    pub serial: u32,
    /// Day.
    pub on: Date,
    /// The station that issued it.
    pub station: String,
}

/// It reached whom it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentServed {
    /// Which.
    pub document: u32,
    /// Day.
    pub on: Date,
    /// How.
    pub mode: ServiceMode,
    /// A receipt was signed.
    pub signed: bool,
}

/// A paper of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What.
    pub kind: DocumentKind,
    /// Number within the kind and year.
    pub serial: u32,
    /// Day of issue.
    pub issued_on: Date,
    /// The station that issued it.
    pub station: String,
    /// Day of service, how, and whether a receipt was signed.
    pub served: Option<(Date, ServiceMode, bool)>,
}

impl Case {
    /// Papers after an event.
    pub(super) fn documented(&mut self, event: &CaseEvent) {
        match event {
            CaseEvent::DocumentIssued(fact) => self.documents.push(Document {
                kind: fact.kind,
                serial: fact.serial,
                issued_on: fact.on,
                station: fact.station.clone(),
                served: None,
            }),
            CaseEvent::DocumentServed(fact) => {
                if let Some(document) = index(fact.document).and_then(|at| self.documents.get_mut(at)) {
                    document.served = Some((fact.on, fact.mode, fact.signed));
                }
            }
            _ => {}
        }
    }
}

/// Numbers of a register that nobody has used, up to the largest that somebody has.
pub fn gaps(serials: &[u32]) -> Vec<u32> {
    let used: std::collections::BTreeSet<u32> = serials.iter().copied().collect();
    let largest = used.last().copied().unwrap_or(0);
    (1..largest).filter(|serial| !used.contains(serial)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::kernel::Command;
    use crate::rejection::Reason;

    fn issue(serial: u32) -> IssueDocument {
        IssueDocument {
            kind: DocumentKind::Admonition,
            serial,
            on: date(2026, 3, 2),
        }
    }

    fn serve(on: Date) -> ServeDocument {
        ServeDocument {
            document: 1,
            on,
            mode: ServiceMode::Hand,
            signed: true,
        }
    }

    #[test]
    fn a_paper_is_served_once_and_not_before_it_was_issued() {
        assert_eq!(active().reason(&serve(date(2026, 3, 2))), Reason::DocumentNotFound);
        let issued = active().then(&issue(1));
        assert_eq!(issued.reason(&serve(date(2026, 3, 1))), Reason::OccurredBeforeCase);
        let served = issued.then(&serve(date(2026, 3, 2)));
        assert_eq!(served.reason(&serve(date(2026, 3, 2))), Reason::DocumentServed);
    }

    #[test]
    fn a_number_is_claimed_for_its_station_kind_and_year() {
        let claim = |command: &IssueDocument| command.claims(active().state())[0].value.clone();
        assert_eq!(claim(&issue(7)), "station-qinglongshan/ADMONITION/2026/7");
        let next_year = IssueDocument {
            on: date(2027, 1, 1),
            ..issue(7)
        };
        assert_ne!(claim(&issue(7)), claim(&next_year));
        assert_eq!(active().reason(&issue(0)), Reason::FieldInvalid);
        assert_eq!(active().reason(&issue(100_000)), Reason::FieldInvalid);
    }

    #[test]
    fn gaps_are_what_lies_between_the_numbers() {
        assert_eq!(gaps(&[]), Vec::<u32>::new());
        assert_eq!(gaps(&[1, 2, 3]), Vec::<u32>::new());
        assert_eq!(gaps(&[5, 2]), [1, 3, 4]);
    }
}
