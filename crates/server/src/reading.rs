//! Who reads, what for, and the record of it that must be there before anything leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use tonic::{Request, Status};
use waystation_app::views::CaseSummary;
use waystation_app::{Access, AccessReceipt, Action, AppError, Budget, FieldValue, Purpose, Target};
use waystation_domain::{Field, FieldClass, Principal, Role};

use crate::Api;
use crate::fields::Fields;
use crate::identity::denied;
use crate::principal::principal;
use crate::status::status;

/// Request metadata that says what somebody reads for; without it, what their role is there for.
const PURPOSE: &str = "waystation-purpose";

/// Id of whoever said nothing on an insecure server. No account can have it: it is longer than ids may be.
const UNNAMED: &str = "unnamed-caller-of-a-server-that-was-started-with-the-option-insecure";

/// A caller who is about to read.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) principal: Arc<Principal>,
    purpose: Purpose,
    rpc: &'static str,
}

impl Reader {
    /// The caller that request metadata names.
    pub(crate) fn of<T>(request: &Request<T>, rpc: &'static str) -> Result<Self, Status> {
        let principal = principal(request)?;
        let mut fields = Fields::default();
        let purpose = match request.metadata().get(PURPOSE) {
            None => Purpose::of(principal.role),
            Some(value) => {
                let named = value.to_str().unwrap_or_default();
                let found = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == named);
                found.unwrap_or_else(|| {
                    fields.wrong(PURPOSE, "CARE, SUPERVISION, INSPECTION, SUBJECT_REQUEST or BREAK_GLASS");
                    Purpose::of(principal.role)
                })
            }
        };
        fields.finish()?;
        Ok(Self {
            principal,
            purpose,
            rpc,
        })
    }

    /// Somebody about whom an insecure server knows nothing. What they may do there is what an inspector may.
    pub(crate) fn unnamed(rpc: &'static str) -> Self {
        Self {
            principal: Arc::new(Principal {
                id: UNNAMED.to_owned(),
                role: Role::Inspector,
                station: "-".to_owned(),
            }),
            purpose: Purpose::Inspection,
            rpc,
        }
    }

    /// Somebody the server knows.
    pub(crate) fn is_named(&self) -> bool {
        self.principal.id != UNNAMED
    }

    /// Says that an emergency is why.
    pub(crate) fn in_emergency(&self) -> bool {
        self.purpose == Purpose::BreakGlass
    }
}

impl Api {
    /// Refuses a reading that is not permitted, whenever the moment is that it asks about.
    pub(crate) fn allow(&self, reader: &Reader, action: Action, target: &Target) -> Result<(), Status> {
        if self.allows(reader, action, target)? {
            Ok(())
        } else {
            Err(denied())
        }
    }

    pub(crate) fn allows(&self, reader: &Reader, action: Action, target: &Target) -> Result<bool, Status> {
        let allowed = self
            .app
            .permissions()
            .allows(&reader.principal, action, target, reader.purpose);
        allowed.map_err(|error| status(&error, reader.rpc))
    }

    /// Those of some cases whose status this reader may read, as everybody's records are now, also when `past` says that they are
    /// of a moment before; `about`: the id of one, the person it is about, and what it was to permissions then.
    pub(crate) async fn readable<T: Send>(
        &self,
        reader: &Reader,
        (cases, past): (Vec<T>, bool),
        about: impl Fn(&T) -> (String, String, Target) + Send,
    ) -> Result<Vec<T>, Status> {
        let failed = |error| status(&error, "cases");
        let mut ids = Vec::with_capacity(cases.len());
        let mut persons = Vec::with_capacity(cases.len());
        let mut targets = Vec::with_capacity(cases.len());
        for case in &cases {
            let (id, person, target) = about(case);
            ids.push(id);
            persons.push(person);
            targets.push(target);
        }
        if past {
            // Whose it was is no permission: a case that has moved is another station's.
            let now = self.app.cases_now(&ids).await.map_err(failed)?;
            for (id, target) in ids.iter().zip(&mut targets) {
                if let Some(case) = now.get(id) {
                    target.worker = case.worker.clone().unwrap_or_default();
                    target.station.clone_from(&case.station);
                }
            }
        }
        let sealed = self.app.sealed_among(&persons).await.map_err(failed)?;
        let conflicts = self.conflicts(reader).await?;
        let mut readable = Vec::with_capacity(cases.len());
        for ((case, person), target) in cases.into_iter().zip(persons).zip(targets) {
            let target = Target {
                sealed: sealed.contains(&person),
                conflict: conflicts.contains(&person),
                ..target
            };
            if self.allows(reader, Action::ReadStatus, &target)? {
                readable.push(case);
            }
        }
        Ok(readable)
    }

    /// Persons whose records are not for this reader.
    pub(crate) async fn conflicts(&self, reader: &Reader) -> Result<BTreeSet<String>, Status> {
        let conflicts = self.app.conflicts(&reader.principal).await;
        conflicts.map_err(|error| status(&error, reader.rpc))
    }

    /// What a person is to permissions, as they are now.
    pub(crate) async fn person_target(&self, reader: &Reader, person: &str) -> Result<Target, Status> {
        let target = self.app.person_target(person).await;
        Ok(Target {
            conflict: self.conflicts(reader).await?.contains(person),
            ..target.map_err(|error| status(&error, person))?
        })
    }

    /// What a case is to permissions, as it is now.
    pub(crate) async fn case_target(&self, reader: &Reader, case: &str) -> Result<Target, Status> {
        let failed = |error| status(&error, case);
        let state = self.app.case_of(case).await.map_err(failed)?;
        let (sealed, restricted) = self.app.is_closed(&state.person).await.map_err(failed)?;
        Ok(Target {
            worker: state.worker.unwrap_or_default(),
            sealed,
            restricted,
            conflict: self.conflicts(reader).await?.contains(&state.person),
            ..Target::station(&state.station)
        })
    }

    /// The same target to somebody who reads because of an emergency, if they announced one.
    pub(crate) async fn in_emergency(&self, reader: &Reader, person: &str, target: Target) -> Result<Target, Status> {
        if !reader.in_emergency() {
            return Ok(target);
        }
        let emergency = self.app.in_emergency(&reader.principal, person).await;
        let emergency = emergency.map_err(|error| status(&error, person))?;
        Ok(Target { emergency, ..target })
    }

    /// Refuses the reading of a stream of a record that is not permitted.
    pub(crate) async fn allow_stream(&self, reader: &Reader, stream: &str) -> Result<(), Status> {
        if self.allows_stream(reader, stream).await? {
            Ok(())
        } else {
            Err(denied())
        }
    }

    /// Whether the reading of a stream of a record is permitted.
    pub(crate) async fn allows_stream(&self, reader: &Reader, stream: &str) -> Result<bool, Status> {
        let (action, target) = match About::stream(stream) {
            About::Case(case) => (Action::ReadStatus, self.case_target(reader, case).await?),
            About::Person(person) => (Action::ReadStatus, self.person_target(reader, person).await?),
            About::Commitment => (Action::ReadStatus, Target::station(&reader.principal.station)),
            About::Nobody => (Action::ReadEvents, Target::whole()),
        };
        self.allows(reader, action, &target)
    }

    /// Refuses more searching and looking than an account may do.
    pub(crate) async fn within_budget(
        &self,
        reader: &Reader,
        budgets: &[Budget],
        persons: &[String],
    ) -> Result<(), Status> {
        if self.insecure {
            return Ok(());
        }
        let within = self.app.within_budget(&reader.principal, budgets, persons).await;
        within.map_err(|error| status(&error, reader.rpc))
    }

    /// Puts a reading on record. Only what comes after this may be answered.
    pub(crate) async fn on_record(
        &self,
        reader: &Reader,
        persons: Vec<String>,
        classes: &[FieldClass],
        at: u64,
    ) -> Result<AccessReceipt, Status> {
        let access = Access {
            principal: &reader.principal,
            rpc: reader.rpc,
            purpose: reader.purpose,
            persons,
            classes: classes.to_vec(),
            at,
        };
        self.app
            .record_access(access)
            .await
            .map_err(|error| status(&error, reader.rpc))
    }

    /// Puts the reading of case data on record, by the persons the cases are about.
    pub(crate) async fn on_record_by_case(
        &self,
        reader: &Reader,
        mut cases: Vec<String>,
        at: u64,
    ) -> Result<(), Status> {
        cases.sort_unstable();
        cases.dedup();
        let mut persons = Vec::with_capacity(cases.len());
        for case in &cases {
            let person = self.app.person_of(case).await.map_err(|error| status(&error, case))?;
            persons.extend(Some(person).filter(|person| !person.is_empty()));
        }
        self.on_record(reader, persons, &[FieldClass::Status], at)
            .await
            .map(drop)
    }

    /// The personal field of an event, as far as it can be read now; `places` says which event.
    pub(crate) async fn field(
        &self,
        receipt: &AccessReceipt,
        person: &str,
        places: &std::collections::BTreeMap<Field, u64>,
        field: Field,
    ) -> Result<FieldValue, Status> {
        let Some(position) = places.get(&field) else {
            return Ok(FieldValue::Absent);
        };
        let opened = self.app.open_field(receipt, person, *position, field).await;
        opened.map_err(|error: AppError| status(&error, person))
    }
}

/// Of a case in a view: its id, the person it is about, and what it is to permissions.
pub(crate) fn case_of((id, case): &(String, CaseSummary)) -> (String, String, Target) {
    let target = Target {
        worker: case.worker.clone().unwrap_or_default(),
        ..Target::station(&case.station)
    };
    (id.clone(), case.person.clone(), target)
}

/// The person whose record a stream is, when the name says it; otherwise the case.
pub(crate) enum About<'a> {
    Person(&'a str),
    Case(&'a str),
    /// A claim on a number, or a key: digests that tell nothing.
    Commitment,
    Nobody,
}

impl<'a> About<'a> {
    /// What a stream of the log is about.
    pub(crate) fn stream(stream: &'a str) -> Self {
        match stream.split_once('-') {
            Some(("person" | "points", person)) => About::Person(person),
            Some(("case", case)) => About::Case(case),
            Some(("ordernumber" | "documentnumber" | "key", _)) => About::Commitment,
            _ => About::Nobody,
        }
    }
}

impl Api {
    /// Puts the reading of events on record, by whom their streams are about.
    pub(crate) async fn on_record_by_stream(
        &self,
        reader: &Reader,
        mut streams: Vec<String>,
        at: u64,
    ) -> Result<(), Status> {
        streams.sort_unstable();
        streams.dedup();
        let mut persons = Vec::new();
        for stream in &streams {
            let person = match About::stream(stream) {
                About::Person(person) => person.to_owned(),
                About::Case(case) => self.app.person_of(case).await.map_err(|error| status(&error, case))?,
                About::Commitment | About::Nobody => String::new(),
            };
            persons.extend(Some(person).filter(|person| !person.is_empty()));
        }
        self.on_record(reader, persons, &[FieldClass::Status], at)
            .await
            .map(drop)
    }
}
