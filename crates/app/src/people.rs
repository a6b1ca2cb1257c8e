//! Commands on a person's record that need more than deciding: nobody is on file twice, a death ends cases, and what two
//! people decided is done.

use waystation_domain::case::{Case, Stage, Terminate, TerminationReason};
use waystation_domain::person::{
    Act, ConfirmErasure, DecideAct, IdNumber, Person, ProposeAct, RecordDeath, RegisterPerson, UpdateContact,
    check_retention, normalise_phone,
};
use waystation_domain::{Command, Principal, Reason, Rejection, Role};
use waystation_storage::{Direction, ExpectedRevision, StorageError};
use waystation_trust::TokenKind;

use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::ids;
use crate::ids::subject;
use crate::permission::Target;
use crate::query::{CaseQuery, PageRequest, ReadOptions};
use crate::vault::{KEYS_SHREDDED, key_append, key_event, key_stream};
use crate::views::{ErasureState, PeopleKey};

/// Principal id of what Waystation does by itself.
const SYSTEM_ID: &str = "system-erasure";
/// Cases of one person that a death ends.
const CASES_MAX: usize = 1_000;
/// How long a claim on an identity number is left to somebody who is not on file yet: longer than any append can take.
const CLAIM_HELD_US: i64 = 120 * 1_000_000;
/// Tries to take an identity number that others take and give back.
const CLAIM_ATTEMPTS_MAX: usize = 3;
/// Erasures finished in one go.
const ERASURES_MAX: usize = 100;

impl App {
    /// Asks something of a person's record.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn person<C: Command<Aggregate = Person>>(
        &self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        self.run(self.people(), id, command, envelope).await
    }

    /// Registers a person, unless somebody is on file with the same identity number.
    ///
    /// # Errors
    /// As [`App::case`]; [`Reason::PersonExists`] says nothing about who it is.
    pub async fn register_person(
        &self,
        id: &str,
        command: &RegisterPerson,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        let number = IdNumber::parse("id_number", &command.id_number)?;
        // What is asked twice at once is claimed once.
        let _turn = self.registering().of(id).lock(async || Ok::<_, AppError>(())).await?;
        let token = self.vault().token(TokenKind::IdNumber, number.as_str()).await?;
        if self.person_state(id).await?.registered || envelope.validate_only {
            // Nothing is claimed for what will not be recorded.
            let registered = self.run(self.people(), id, command, envelope).await?;
            self.check_number_is_free(token, id).await?;
            return Ok(registered);
        }
        self.claim_number(token, id).await?;
        let registered = self.run(self.people(), id, command, envelope).await;
        match (&registered, &command.phone) {
            (Ok(_), Some(phone)) => self.make_findable_by_phone(id, phone).await?,
            // It may be recorded yet.
            (Ok(_), None) | (Err(AppError::Storage(StorageError::Unknown)), _) => {}
            (Err(_), _) => {
                let keys = self.vault().keys();
                keys.make_unfindable(TokenKind::IdNumber, token, id).await?;
            }
        }
        registered
    }

    async fn check_number_is_free(&self, token: [u8; 16], id: &str) -> Result<(), AppError> {
        let holder = self.vault().keys().holder(TokenKind::IdNumber, token).await?;
        match holder {
            Some((holder, _)) if holder != id && self.is_on_file(&holder).await? => {
                Err(Rejection::of(Reason::PersonExists, "id_number").into())
            }
            _ => Ok(()),
        }
    }

    /// Takes an identity number for somebody who is about to be on file.
    async fn claim_number(&self, token: [u8; 16], id: &str) -> Result<(), AppError> {
        let (kind, keys) = (TokenKind::IdNumber, self.vault().keys());
        for _ in 0..CLAIM_ATTEMPTS_MAX {
            if keys.make_findable(kind, token, id, self.now_us()).await? {
                return Ok(());
            }
            let Some((holder, since_us)) = keys.holder(kind, token).await? else {
                continue;
            };
            if holder == id {
                // What an earlier attempt left.
                return Ok(());
            }
            self.check_number_is_free(token, id).await?;
            if self.now_us() < since_us + CLAIM_HELD_US {
                // Somebody else may be about to be on file with it.
                return Err(AppError::Contention);
            }
            keys.make_unfindable(kind, token, &holder).await?;
        }
        Err(AppError::Contention)
    }

    /// Records what changed, and makes the person findable by the new number.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn update_contact(
        &self,
        id: &str,
        command: &UpdateContact,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        let receipt = self.person(id, command, envelope).await?;
        // A repeated command's number may not be theirs any more.
        let recorded = !envelope.validate_only && !receipt.replayed;
        if let Some(phone) = command.phone.as_ref().filter(|_| recorded) {
            self.make_findable_by_phone(id, phone).await?;
        }
        Ok(receipt)
    }

    async fn make_findable_by_phone(&self, id: &str, phone: &str) -> Result<(), AppError> {
        let phone = normalise_phone("phone", phone)?;
        let token = self.vault().token(TokenKind::Phone, &phone).await?;
        let keys = self.vault().keys();
        keys.make_findable(TokenKind::Phone, token, id, self.now_us()).await?;
        if self.person_state(id).await?.erasure_committed {
            // Erased meanwhile: what erasing has taken away must not come back.
            keys.forget_tokens(id).await?;
        }
        Ok(())
    }

    /// Records a death and ends the person's open cases.
    ///
    /// # Errors
    /// As [`App::case`]; repeating it goes on where it stopped.
    pub async fn record_death(
        &self,
        id: &str,
        command: &RecordDeath,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        let recorded = self.person(id, command, envelope).await;
        if envelope.validate_only {
            return recorded;
        }
        // Whoever repeats it, with whatever request id, goes on where it stopped.
        match &recorded {
            Ok(_) => {}
            Err(AppError::Rejected(no)) if no.reason == Reason::PersonDead => {}
            Err(_) => return recorded,
        }
        let cases = self.cases_of(id).await?;
        for (case, _) in cases.into_iter().filter(|(_, stage)| !stage.is_closed()) {
            // An order may have been notified after the death that nobody knew of.
            let notified_on = self.case_of(&case).await?.notified_on;
            let end = Terminate {
                on: notified_on.map_or(command.on, |first| first.max(command.on)),
                reason: TerminationReason::Death,
                document_no: command.document_no.clone(),
            };
            let ended = self.case(&case, &end, &self.as_system(envelope)).await;
            match ended {
                Ok(_) => {}
                // Somebody else ended it meanwhile.
                Err(AppError::Rejected(no)) if no.reason == Reason::CaseClosed => {}
                Err(error) => return Err(error),
            }
        }
        recorded
    }

    /// Proposes what needs two people.
    ///
    /// # Errors
    /// As [`App::case`]; nobody is erased while a case is open, because nobody could close it then, nor before a period of
    /// retention is over, and a record is merged into another that is there and as closed.
    pub async fn propose_act(&self, id: &str, command: &ProposeAct, envelope: &Envelope) -> Result<Receipt, AppError> {
        self.check_act(id, (command.act, command.other.as_deref()), &envelope.principal)
            .await?;
        self.person(id, command, envelope).await
    }

    /// Decides what somebody else proposed.
    ///
    /// # Errors
    /// As [`App::propose_act`].
    pub async fn decide_act(&self, id: &str, command: &DecideAct, envelope: &Envelope) -> Result<Receipt, AppError> {
        let state = self.person_state(id).await?;
        let mut waiting = state.proposals.iter();
        let waiting = waiting.find(|open| open.number == command.proposal);
        let waiting = waiting.filter(|_| command.approve);
        let act = waiting.map(|open| open.act);
        if let Some(open) = waiting {
            self.check_act(id, (open.act, open.other.as_deref()), &envelope.principal)
                .await?;
        }
        if act == Some(Act::Seal) && !envelope.validate_only {
            // Before it is decided: if this process ends right after, the clock goes on with it.
            self.vault().keys().intend_to_seal(id, self.now_us()).await?;
        }
        let receipt = self.person(id, command, envelope).await?;
        if envelope.validate_only {
            return Ok(receipt);
        }
        // What the log has, not what is on its way: keys are destroyed for a durable decision only.
        let state = self.person_state(id).await?;
        if state.erasure_committed && !state.erased {
            // The decision is durable; if this fails, the clock goes on with it.
            self.finish_erasure(id).await?;
        }
        if act == Some(Act::Seal) {
            self.finish_sealing(id).await?;
        }
        Ok(receipt)
    }

    /// What an act asks of records beside the person's own. Whoever may not act on the record at all is told nothing by it:
    /// the rules of the record refuse them afterwards.
    async fn check_act(
        &self,
        person: &str,
        (act, other): (Act, Option<&str>),
        principal: &Principal,
    ) -> Result<(), AppError> {
        let (state, conflicts) = (self.person_state(person).await?, self.conflicts(principal).await?);
        let theirs = match principal.role {
            Role::Supervisor => state.station == principal.station,
            Role::PrivacyOfficer => true,
            _ => false,
        };
        if !theirs || conflicts.contains(person) {
            return Ok(());
        }
        if other.is_some_and(|other| conflicts.contains(other)) {
            return Err(Rejection::of(Reason::ConflictOfInterest, "other").into());
        }
        match (act, other) {
            (Act::Erase, _) => self.check_may_be_erased(person).await,
            (Act::Merge, Some(other)) => self.check_survivor(person, other, principal).await,
            _ => Ok(()),
        }
    }

    async fn check_may_be_erased(&self, person: &str) -> Result<(), AppError> {
        let cases = self.cases_of(person).await?;
        if cases.iter().any(|(_, stage)| !stage.is_closed()) {
            return Err(Rejection::from(Reason::CaseStillOpen).into());
        }
        for (case, _) in cases {
            let case = self.case_of(&case).await?;
            if let Some(ended_on) = case.ended_on {
                let policy = self.policy(&case.station).await?;
                check_retention(ended_on, self.today(), &policy)?;
            }
        }
        Ok(())
    }

    fn as_system(&self, envelope: &Envelope) -> Envelope {
        let principal = Principal {
            id: envelope.principal.id.clone(),
            role: Role::System,
            station: envelope.principal.station.clone(),
        };
        Envelope::of(principal, envelope.channel)
    }

    async fn cases_of(&self, person: &str) -> Result<Vec<(String, Stage)>, AppError> {
        let query = CaseQuery {
            person: Some(person.to_owned()),
            ..CaseQuery::default()
        };
        let page = PageRequest {
            size: CASES_MAX,
            token: String::new(),
        };
        let options = ReadOptions {
            min_position: Some(self.main().head().size),
            as_of: None,
        };
        let cases = self.list_cases(&query, &page, options).await?;
        Ok(cases.rows.into_iter().map(|(id, case)| (id, case.stage)).collect())
    }

    async fn is_on_file(&self, person: &str) -> Result<bool, AppError> {
        let stream = format!("person-{person}");
        Ok(self.main().last_revision(&stream).await?.is_some())
    }

    /// The persons with an identity number or telephone number.
    ///
    /// # Errors
    /// [`AppError::Rejected`] when the value is none; [`AppError::Storage`].
    pub async fn find_person(&self, kind: TokenKind, value: &str) -> Result<Vec<String>, AppError> {
        let value = match kind {
            TokenKind::IdNumber => IdNumber::parse("id_number", value)?.as_str().to_owned(),
            TokenKind::Phone => normalise_phone("phone", value)?,
        };
        let token = self.vault().token(kind, &value).await?;
        let mut found = Vec::new();
        for person in self.vault().keys().find(kind, token).await? {
            if self.is_on_file(&person).await? {
                found.push(person);
            }
        }
        Ok(found)
    }

    /// Destroys the keys of a person whose erasure two people have decided, and says so in the log. Doing it again does
    /// nothing more.
    pub(crate) async fn finish_erasure(&self, person: &str) -> Result<(), AppError> {
        if !self.person_state(person).await?.erasure_committed {
            return Err(AppError::Internal("an erasure nobody decided".into()));
        }
        let subject = subject(person);
        self.vault().keys().destroy(subject, person, self.now_us()).await?;
        let gone = self.vault().keys().tombstones(subject).await?;
        let stream = key_stream(subject);
        let last = self
            .main()
            .read_stream(&stream, u64::MAX, Direction::Backwards, 1)
            .await?;
        let told = last.first().is_some_and(|last| last.event_type() == KEYS_SHREDDED);
        if !told && !gone.is_empty() {
            let commitments: Vec<String> = gone.iter().map(|(_, commitment)| ids::hex(commitment)).collect();
            let versions: Vec<u32> = gone.iter().map(|(version, _)| *version).collect();
            let body = serde_json::json!({ "versions": versions, "commitments": commitments });
            let mut event = key_event(KEYS_SHREDDED, &body, ids::digest(&[b"shredded", &subject]));
            event.metadata = self.system_metadata("FinishErasure").into();
            let expected = last.first().map_or(ExpectedRevision::NoStream, |last| {
                ExpectedRevision::Exact(last.revision)
            });
            let append = key_append(stream, expected, event, SYSTEM_ID);
            match self.main().append(append).await {
                // Another process finished it.
                Ok(_) | Err(StorageError::WrongExpectedRevision { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let confirm = ConfirmErasure {
            key_versions: gone.iter().map(|(version, _)| *version).collect(),
        };
        let envelope = Envelope::of(self.system_principal(), waystation_domain::Channel::SystemClock);
        self.run(self.people(), person, &confirm, &envelope).await.map(drop)
    }

    /// Finishes every erasure that was decided and interrupted.
    pub(crate) async fn finish_erasures(&self) -> Result<u64, AppError> {
        let head = self.main().head().size;
        let pending = self.people_by(PeopleKey::Erasing, ERASURES_MAX, head).await?;
        let mut finished = 0;
        for (person, summary) in pending {
            if summary.erasure != ErasureState::Committed {
                continue;
            }
            // One that does not go must not keep the others waiting.
            match self.finish_erasure(&person).await {
                Ok(()) => finished += 1,
                Err(error) => tracing::error!(%error, "an erasure that was decided is not finished; it is tried again"),
            }
        }
        Ok(finished)
    }

    pub(crate) fn system_principal(&self) -> Principal {
        Principal {
            id: SYSTEM_ID.to_owned(),
            role: Role::System,
            station: "-".to_owned(),
        }
    }

    pub(crate) fn system_metadata(&self, command: &str) -> Vec<u8> {
        let principal = self.system_principal();
        let metadata = waystation_domain::Metadata {
            actor: principal.id,
            role: principal.role,
            station: principal.station,
            channel: waystation_domain::Channel::SystemClock,
            command: command.to_owned(),
            policy: Vec::new(),
        };
        serde_json::to_vec(&metadata).expect("metadata holds only strings")
    }

    /// Whether a person's record is sealed now, and whether it is restricted.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Undecodable`].
    pub async fn is_closed(&self, person: &str) -> Result<(bool, bool), AppError> {
        if person.is_empty() {
            return Ok((false, false));
        }
        let state = self.standing(person).await?;
        Ok((state.sealed, state.restricted))
    }

    pub(crate) async fn person_state(&self, person: &str) -> Result<Person, AppError> {
        self.people().durable(person, self.main()).await
    }

    /// Refuses a command about somebody who is another station's, or whose data is only kept.
    pub(crate) async fn check_person(&self, person: &str, principal: &Principal) -> Result<(), AppError> {
        if principal.role == Role::System {
            return Ok(());
        }
        let state = self.standing(person).await?;
        let station = if state.registered {
            state.station
        } else {
            // Known by a case, and not on file as a person.
            self.person_target(person).await?.station
        };
        let reason = match () {
            () if !station.is_empty() && station != principal.station => Reason::StationOutOfScope,
            () if state.restricted => Reason::PersonRestricted,
            () => return Ok(()),
        };
        Err(Rejection::from(reason).into())
    }

    /// What a person is to permissions, as they are now: of the station that has them on file, or else has their case; in the
    /// charge of the worker of their open case.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Undecodable`].
    pub async fn person_target(&self, person: &str) -> Result<Target, AppError> {
        let Person {
            mut station,
            sealed,
            restricted,
            ..
        } = self.standing(person).await?;
        let query = CaseQuery {
            person: Some(person.to_owned()),
            ..CaseQuery::default()
        };
        let cases = self
            .list_cases(&query, &PageRequest::default(), ReadOptions::default())
            .await?;
        let current = cases.rows.iter().find(|(_, case)| !case.stage.is_closed());
        let current = current.or_else(|| cases.rows.last());
        if station.is_empty()
            && let Some((id, _)) = current
        {
            // Known by a case, and not on file as a person: a view may not have seen yet whose it is.
            station = self.case_of(id).await?.station;
        }
        Ok(Target {
            worker: current.and_then(|(_, case)| case.worker.clone()).unwrap_or_default(),
            sealed,
            restricted,
            ..Target::station(&station)
        })
    }

    /// The station a case belongs to and the person it is about.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Undecodable`].
    pub async fn case_of(&self, case: &str) -> Result<Case, AppError> {
        self.cases().durable(case, self.main()).await
    }
}
