//! The register of papers that a station issued, from the facts of cases: also of those that have moved on since.

use std::collections::BTreeMap;

use waystation_domain::case::document::gaps;
use waystation_domain::case::{Case, CaseEvent, DocumentKind, ServiceMode};
use waystation_domain::{Aggregate, Date, Fact};

use super::ReadOptions;
use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;

/// A paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The case.
    pub case: String,
    /// Number within the case.
    pub document: u32,
    /// What.
    pub kind: DocumentKind,
    /// Number within the kind and year.
    pub serial: u32,
    /// Day of issue.
    pub on: Date,
    /// Day of service, how, and whether a receipt was signed.
    pub served: Option<(Date, ServiceMode, bool)>,
    /// Place in the log of the fact that issued it.
    pub position: u64,
}

/// A register as of a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentRegister {
    /// Every paper, by kind, year and number.
    pub papers: Vec<Issued>,
    /// The moment.
    pub position: u64,
}

impl DocumentRegister {
    /// Numbers that none of the papers has, by kind and year; only where there are any. Whoever may not read every paper asks
    /// about those that they may: a gap that is none would tell of the others.
    pub fn gaps(&self) -> Vec<((DocumentKind, i16), Vec<u32>)> {
        let mut used: BTreeMap<(DocumentKind, i16), Vec<u32>> = BTreeMap::new();
        for paper in &self.papers {
            used.entry((paper.kind, paper.on.year()))
                .or_default()
                .push(paper.serial);
        }
        let gaps = used.into_iter().map(|(register, serials)| (register, gaps(&serials)));
        gaps.filter(|(_, gaps)| !gaps.is_empty()).collect()
    }
}

impl App {
    /// Every paper that a station issued, as far as was known at a moment. Reads the log once from its beginning; one call at a
    /// time, others wait.
    ///
    /// # Errors
    /// As [`App::moment`]; [`AppError::Undecodable`].
    pub async fn documents_of_station(
        &self,
        station: &str,
        options: ReadOptions,
    ) -> Result<DocumentRegister, AppError> {
        let _turn = self.scans().lock().await;
        let position = self.moment(options).await?.unwrap_or(self.main().head().size);
        let mut papers: BTreeMap<(String, u32), Issued> = BTreeMap::new();
        let fold = |case: String, recorded: Recorded| match recorded.fact {
            Fact::Case(CaseEvent::DocumentIssued(fact)) if fact.station == station => {
                let paper = Issued {
                    case: case.clone(),
                    document: fact.document,
                    kind: fact.kind,
                    serial: fact.serial,
                    on: fact.on,
                    served: None,
                    position: recorded.event.position,
                };
                papers.insert((case, fact.document), paper);
            }
            Fact::Case(CaseEvent::DocumentServed(fact)) => {
                if let Some(paper) = papers.get_mut(&(case, fact.document)) {
                    paper.served = Some((fact.on, fact.mode, fact.signed));
                }
            }
            _ => {}
        };
        self.scan(Case::CATEGORY, position, fold).await?;
        let mut papers: Vec<Issued> = papers.into_values().collect();
        papers.sort_by_key(|paper| (paper.kind, paper.on.year(), paper.serial));
        Ok(DocumentRegister { papers, position })
    }
}
