//! Rehearsal: deciding a whole series of commands, each on what the ones before would have made, and writing nothing.

use std::collections::HashMap;

use waystation_domain::case::Case;
use waystation_domain::points::PointsAccount;
use waystation_domain::{Aggregate, Command, Context, calendar};
use waystation_storage::{Direction, Request};

use crate::aggregates::{load, stream_of};
use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, claim_stream, fingerprint};

/// Aggregates one rehearsal may touch.
const AGGREGATES_MAX: usize = 100_000;

/// A series of commands that is only tried.
pub struct Rehearsal<'a> {
    app: &'a App,
    cases: HashMap<String, (Case, Option<u64>)>,
    accounts: HashMap<String, (PointsAccount, Option<u64>)>,
    claims: HashMap<(&'static str, String), String>,
}

/// What a rehearsed command would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// Its request was carried out before; it would change nothing.
    pub known: bool,
    /// Revision of its first event; meaningless when there is none.
    pub first_revision: u64,
}

impl App {
    /// Begins a rehearsal on what the log holds now.
    pub fn rehearse(&self) -> Rehearsal<'_> {
        Rehearsal {
            app: self,
            cases: HashMap::new(),
            accounts: HashMap::new(),
            claims: HashMap::new(),
        }
    }
}

impl Rehearsal<'_> {
    /// Tries a command on a case.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn case<C: Command<Aggregate = Case>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Rehearsed, AppError> {
        let (state, _) = believed(self.app, &mut self.cases, id).await?;
        for claim in command.claims(state) {
            let holder = self
                .claims
                .entry((claim.category, claim.value))
                .or_insert_with(|| id.to_owned());
            if holder != id {
                return Err(AppError::Rejected(claim.rejection));
            }
        }
        try_on(self.app, &mut self.cases, id, command, envelope).await
    }

    /// Tries a command on a points account.
    ///
    /// # Errors
    /// As [`App::points`].
    pub async fn points<C: Command<Aggregate = PointsAccount>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Rehearsed, AppError> {
        try_on(self.app, &mut self.accounts, id, command, envelope).await
    }

    /// The person a case would be about; empty when there would be no such case.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn person_of(&mut self, case: &str) -> Result<String, AppError> {
        match self.cases.get(case) {
            Some((state, _)) => Ok(state.person.clone()),
            None => self.app.person_of(case).await,
        }
    }
}

/// A record as the commands before would have made it; read from the log when none was about it.
async fn believed<'a, A: Aggregate>(
    app: &App,
    known: &'a mut HashMap<String, (A, Option<u64>)>,
    id: &str,
) -> Result<&'a mut (A, Option<u64>), AppError> {
    if !known.contains_key(id) {
        if known.len() >= AGGREGATES_MAX {
            return Err(AppError::Internal("a rehearsal touches too many records".into()));
        }
        known.insert(id.to_owned(), load(&stream_of::<A>(id), app.main()).await?);
    }
    known
        .get_mut(id)
        .ok_or_else(|| AppError::Internal("lost a record".into()))
}

async fn try_on<C: Command>(
    app: &App,
    known: &mut HashMap<String, (C::Aggregate, Option<u64>)>,
    id: &str,
    command: &C,
    envelope: &Envelope,
) -> Result<Rehearsed, AppError> {
    let (state, revision) = believed(app, known, id).await?;
    let first_revision = revision.map_or(0, |last| last + 1);
    if let Some(request) = envelope.request {
        let request = Request {
            id: *request.as_bytes(),
            fingerprint: fingerprint(&*app.vault().ring().await?, id, command, envelope)?,
        };
        if let Some(found) = app.main().find_request(request).await? {
            let count = found.last_position - found.first_position;
            return Ok(Rehearsed {
                known: true,
                first_revision: found.revision.saturating_sub(count),
            });
        }
    }
    let policy = app.policy(&envelope.principal.station).await?;
    let context = Context {
        today: calendar::day_of(app.now_us()),
        actor: &envelope.principal,
        policy: &policy,
    };
    let events = command.decide(state, &context)?;
    let ring = app.vault().ring().await?;
    for claim in command.claims(state) {
        if !app
            .main()
            .read_stream(&claim_stream(&ring, &claim), 0, Direction::Forwards, 1)
            .await?
            .is_empty()
        {
            return Err(AppError::Rejected(claim.rejection));
        }
    }
    for event in &events {
        state.evolve(event);
    }
    if !events.is_empty() {
        *revision = Some(first_revision + events.len() as u64 - 1);
    }
    Ok(Rehearsed {
        known: false,
        first_revision,
    })
}
