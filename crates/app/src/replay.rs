//! Replay: the proof. Folding the log from nothing, in memory, must give what the views hold.

use std::collections::{BTreeMap, HashMap};

use waystation_storage::{Direction, Log, PAGE_EVENTS_MAX, RecordedEvent};

use crate::app::App;
use crate::error::AppError;
use crate::ids;
use crate::projection::{Entry, Fold, Step, decode_page};
use crate::query::{AuditEntry, PATIENCE, ReadOptions};
use crate::recorded::Recorded;
use crate::view::{OnUnreadable, View};
use crate::views::{self, CaseSummary, Caseload};

/// Rows compared at a time.
const BATCH: usize = 1_000;
/// Differences that are named; more are only counted.
const NAMED_MAX: usize = 50;

/// Something a view holds that the log does not say, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// View.
    pub view: &'static str,
    /// Document.
    pub id: String,
    /// What differs; never document contents.
    pub what: &'static str,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Events folded.
    pub events: u64,
    /// Documents (or, for [`App::verify_views`], document versions and keys) compared.
    pub compared: u64,
    /// How many differ.
    pub different: u64,
    /// The first of them by name.
    pub differences: Vec<Difference>,
}

impl ReplayReport {
    fn differs(&mut self, view: &'static str, id: &str, what: &'static str) {
        self.different += 1;
        if self.differences.len() < NAMED_MAX {
            self.differences.push(Difference {
                view,
                id: id.to_owned(),
                what,
            });
        }
    }
}

/// One step of a case's replay.
#[derive(Clone, Debug)]
pub struct ReplayStep {
    /// The event.
    pub entry: AuditEntry,
    /// The case after it; `None` for an event before its registration.
    pub case: Option<CaseSummary>,
    /// The stored view says the same for this position.
    pub equals_view: bool,
}

/// A case being replayed; see [`App::replay_case`].
pub struct CaseReplay {
    id: String,
    at: u64,
    generation: i64,
    revision: u64,
    case: Option<CaseSummary>,
    page: std::collections::VecDeque<RecordedEvent>,
}

impl CaseReplay {
    /// The next step; `None` at the end.
    ///
    /// # Errors
    /// As [`App::replay`].
    pub async fn next(&mut self, app: &App) -> Result<Option<ReplayStep>, AppError> {
        if self.page.is_empty() {
            let stream = format!("case-{}", self.id);
            self.page = app
                .main()
                .read_stream(&stream, self.revision, Direction::Forwards, BATCH)
                .await?
                .into();
        }
        let Some(event) = self.page.pop_front().filter(|event| event.position <= self.at) else {
            return Ok(None);
        };
        self.revision = event.revision + 1;
        let position = event.position;
        let Some(recorded) = Recorded::decode(event)? else {
            return Ok(None);
        };
        self.case = Caseload::apply(&self.id, self.case.take(), &recorded);
        let stored = app
            .views()
            .documents(self.generation, std::slice::from_ref(&self.id), position)
            .await?;
        let stored: Option<CaseSummary> = stored
            .first()
            .and_then(|stored| serde_json::from_slice(&stored.body).ok());
        let (entry, case) = (AuditEntry::from(&recorded), self.case.clone());
        Ok(Some(ReplayStep {
            entry,
            equals_view: stored == case,
            case,
        }))
    }
}

impl App {
    /// Begins to replay a case from nothing, event by event.
    ///
    /// # Errors
    /// As [`App::get_case`].
    pub async fn replay_case(&self, id: &str, options: ReadOptions) -> Result<CaseReplay, AppError> {
        let (_, at) = self.get_case(id, options).await?;
        let (generation, _) = self.board().wait(Caseload::NAME, at, PATIENCE).await?;
        let page = std::collections::VecDeque::new();
        Ok(CaseReplay {
            id: id.to_owned(),
            at,
            generation,
            revision: 0,
            case: None,
            page,
        })
    }

    /// Folds the log, or one case of it, up to a position and compares every document with the stored view there.
    ///
    /// # Errors
    /// [`AppError::Undecodable`], [`AppError::ProjectionBehind`], [`AppError::Storage`].
    pub async fn replay(
        &self,
        case: Option<&str>,
        at: u64,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ReplayReport, AppError> {
        let mut folds = unbounded();
        let mut report = ReplayReport::default();
        let stream = case.map(|case| format!("case-{case}"));
        let mut from = 0;
        loop {
            let page = match &stream {
                Some(stream) => {
                    self.main()
                        .page_stream(stream, from, Direction::Forwards, PAGE_EVENTS_MAX)
                        .await?
                }
                None => {
                    self.main()
                        .page_all(from + 1, Direction::Forwards, PAGE_EVENTS_MAX)
                        .await?
                }
            };
            let done = page.last().is_none_or(|last| last.position >= at);
            from = match (&stream, page.last()) {
                (Some(_), Some(last)) => last.revision + 1,
                (None, Some(last)) => last.position,
                (_, None) => from,
            };
            let page: Vec<_> = page.into_iter().filter(|event| event.position <= at).collect();
            report.events += page.len() as u64;
            for entry in decode_page(page) {
                fold(&mut folds, &entry, &mut |_, _, _| {})?;
            }
            progress(report.events, at);
            if done {
                break;
            }
        }
        for fold in &folds {
            // A case's own documents; those that several records share need the whole log.
            if case.is_some() && !["caseload", "agenda"].contains(&fold.name()) {
                continue;
            }
            self.compare(fold.as_ref(), at, case.is_none(), &mut report).await?;
        }
        Ok(report)
    }

    /// Compares a fold with its stored view at a position; `both_ways` also finds what the fold does not know.
    async fn compare(
        &self,
        fold: &dyn Fold,
        at: u64,
        both_ways: bool,
        report: &mut ReplayReport,
    ) -> Result<(), AppError> {
        let (generation, _) = self.board().wait(fold.name(), at, PATIENCE).await?;
        let documents = fold.documents();
        let mut known: HashMap<String, _> = documents.into_iter().collect();
        let mut ids: Vec<String> = known.keys().cloned().collect();
        ids.sort_unstable();
        for chunk in ids.chunks(BATCH) {
            let mut stored: HashMap<String, _> = HashMap::new();
            for version in self.views().documents(generation, chunk, at).await? {
                stored.insert(version.id, version.body);
            }
            for id in chunk {
                report.compared += 1;
                match stored.get(id) {
                    None => report.differs(fold.name(), id, "the view does not have the document"),
                    Some(body) if Some(body) != known.get(id) => {
                        report.differs(fold.name(), id, "the stored document differs from its replay");
                    }
                    Some(_) => {}
                }
            }
        }
        if both_ways {
            let mut after = (String::new(), 0);
            loop {
                let page = self.views().scan(generation, (&after.0, after.1), BATCH).await?;
                for version in page
                    .iter()
                    .filter(|version| version.from_position <= at && !version.body.is_empty())
                {
                    if !known.contains_key(&version.id) {
                        report.differs(fold.name(), &version.id, "the log does not make this document");
                        known.insert(version.id.clone(), version.body.clone());
                    }
                }
                match page.last() {
                    Some(last) => after = (last.id.clone(), last.from_position),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Refolds the whole log and compares every version of every document and every key that the views hold.
    ///
    /// # Errors
    /// As [`App::replay`].
    pub async fn verify_views(&self, progress: impl FnMut(u64, u64) + Send) -> Result<ReplayReport, AppError> {
        verify_views(self, progress).await
    }
}

fn unbounded() -> Vec<Box<dyn Fold>> {
    let mut folds = views::all();
    folds.iter_mut().for_each(|fold| fold.unbounded());
    folds
}

/// Folds one entry into all views and hands each step to `seen`.
fn fold(
    folds: &mut [Box<dyn Fold>],
    entry: &Entry,
    seen: &mut dyn FnMut(&'static str, u64, Step),
) -> Result<(), AppError> {
    match entry {
        Entry::Foreign => Ok(()),
        Entry::Ours(recorded) => {
            for fold in folds {
                let mut step = Step::default();
                fold.apply(recorded, &mut step);
                seen(fold.name(), recorded.position(), step);
            }
            Ok(())
        }
        Entry::Unreadable { position, what } => {
            if folds.iter().all(|fold| fold.on_unreadable() == OnUnreadable::Park) {
                return Ok(());
            }
            Err(AppError::Undecodable {
                position: *position,
                what: what.clone(),
            })
        }
    }
}

/// Sums of digests by document: equal sets of rows have equal sums, whatever their order.
type Sums = BTreeMap<(&'static str, String), u128>;

fn add(sums: &mut Sums, view: &'static str, id: &str, parts: &[&[u8]]) {
    let digest = u128::from_le_bytes(ids::digest(parts));
    let sum = sums.entry((view, id.to_owned())).or_default();
    *sum = sum.wrapping_add(digest);
}

async fn verify_views(app: &App, mut progress: impl FnMut(u64, u64) + Send) -> Result<ReplayReport, AppError> {
    let mut report = ReplayReport::default();
    // The views may be anywhere up to the head; each is compared as far as it is.
    let log: &Log = app.main();
    let head = log.head().size;
    let mut generations = HashMap::new();
    for fold in views::all() {
        let (generation, upto) = match app.board().wait(fold.name(), head, PATIENCE).await {
            Ok((generation, _)) => (generation, head),
            Err(AppError::ProjectionHalted { view, .. }) => {
                report.differs(view, "-", "the view has halted");
                let live = app
                    .projections()
                    .into_iter()
                    .find(|status| status.view == view)
                    .and_then(|one| one.live);
                let Some(live) = live else { continue };
                (live.generation, live.position)
            }
            Err(error) => return Err(error),
        };
        generations.insert(fold.name(), (generation, upto));
    }
    let mut folds = unbounded();
    let mut sums = Sums::new();
    let mut from = 0;
    while from < head {
        let page = log
            .page_all(
                from + 1,
                Direction::Forwards,
                PAGE_EVENTS_MAX.min((head - from) as usize),
            )
            .await?;
        report.events += page.len() as u64;
        from = page.last().map_or(head, |last| last.position);
        for entry in decode_page(page) {
            fold(&mut folds, &entry, &mut |view, position, step| {
                if generations.get(view).is_none_or(|(_, upto)| position > *upto) {
                    return;
                }
                for version in &step.batch.documents {
                    let position = version.from_position.to_le_bytes();
                    add(&mut sums, view, &version.id, &[b"version", &position, &version.body]);
                }
                for key in &step.batch.opened {
                    let (name, position) = (key.name.to_le_bytes(), key.from_position.to_le_bytes());
                    add(
                        &mut sums,
                        view,
                        &key.id,
                        &[b"open", &name, key.value.as_bytes(), &position],
                    );
                }
                for key in &step.batch.closed {
                    let (name, position) = (key.name.to_le_bytes(), key.to_position.to_le_bytes());
                    add(
                        &mut sums,
                        view,
                        &key.id,
                        &[b"close", &name, key.value.as_bytes(), &position],
                    );
                }
            })?;
        }
        progress(from, head);
    }
    let mut stored = Sums::new();
    for (view, (generation, upto)) in &generations {
        let (mut after, mut last_key) = ((String::new(), 0), None);
        loop {
            let page = app.views().scan(*generation, (&after.0, after.1), BATCH).await?;
            for version in page.iter().filter(|version| version.from_position <= *upto) {
                report.compared += 1;
                let position = version.from_position.to_le_bytes();
                add(&mut stored, view, &version.id, &[b"version", &position, &version.body]);
            }
            match page.last() {
                Some(last) => after = (last.id.clone(), last.from_position),
                None => break,
            }
        }
        loop {
            let page = app.views().scan_keys(*generation, last_key.as_ref(), BATCH).await?;
            for key in page.iter().filter(|key| key.from_position <= *upto) {
                report.compared += 1;
                let (name, position) = (key.name.to_le_bytes(), key.from_position.to_le_bytes());
                add(
                    &mut stored,
                    view,
                    &key.id,
                    &[b"open", &name, key.value.as_bytes(), &position],
                );
                if key.to_position <= *upto {
                    let position = key.to_position.to_le_bytes();
                    add(
                        &mut stored,
                        view,
                        &key.id,
                        &[b"close", &name, key.value.as_bytes(), &position],
                    );
                }
            }
            let full = page.len() == BATCH;
            last_key = page.into_iter().next_back();
            if !full {
                break;
            }
        }
    }
    for status in app.projections() {
        let used = generations.get(status.view).map(|(generation, _)| *generation);
        if used.is_some() && status.live.map(|live| live.generation) != used {
            // What was compared is being dropped; a difference would mean nothing.
            return Err(AppError::InProgress("a rebuild"));
        }
    }
    for ((view, id), sum) in &sums {
        match stored.get(&(*view, id.clone())) {
            None => report.differs(view, id, "the view does not have the document"),
            Some(found) if found != sum => {
                report.differs(view, id, "a stored version or key differs from its replay");
            }
            Some(_) => {}
        }
    }
    for (view, id) in stored.keys().filter(|key| !sums.contains_key(key)) {
        report.differs(view, id, "the log does not make this document");
    }
    Ok(report)
}
