//! `PersonService`.

use std::collections::HashMap;

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::find_people_request::By;
use waystation_api::v1::person_service_server::PersonService;
use waystation_app::views::{BrokenGlass, ErasureState, PersonSummary};
use waystation_app::{AccessReceipt, Action, Budget, FieldValue, LogName, SEARCH, Target, TokenKind};
use waystation_domain::person::{Gender, IdNumber, ProtectiveKind};
use waystation_domain::{Field, FieldClass, Role};

use crate::commands::person::{ACTS, EMERGENCIES, REQUEST_KINDS};
use crate::convert::{self, number, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;
use crate::{Api, mask};

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

fn person(id: &str, person: &PersonSummary) -> v1::Person {
    v1::Person {
        gender: String::new(),
        birth_year: 0,
        name: format!("people/{id}"),
        station: person.station.clone(),
        household_org: person.household_org.clone(),
        dead: person.dead,
        restricted: person.restricted,
        sealed: person.sealed,
        erased: person.erasure != ErasureState::None,
        merged_into: person
            .merged_into
            .as_ref()
            .map_or_else(String::new, |other| format!("people/{other}")),
        protective_facts: person
            .protective
            .iter()
            .map(|fact| v1::ProtectiveFact {
                kind: v1::ProtectiveKind::Unspecified.into(),
                from: fact.from.to_string(),
                to: fact.to.map_or_else(String::new, |to| to.to_string()),
            })
            .collect(),
        proposals: person
            .proposals
            .iter()
            .map(|open| v1::Proposal {
                number: open.number as i32,
                act: number(&ACTS, &open.act),
                by: open.by.clone(),
                basis: open.basis.clone(),
            })
            .collect(),
        requests: person
            .requests
            .iter()
            .map(|open| v1::SubjectRequest {
                number: open.number as i32,
                kind: number(&REQUEST_KINDS, &open.kind),
                on: open.on.to_string(),
            })
            .collect(),
        etag: person.revision.to_string(),
    }
}

fn emergency(id: &str, glass: &BrokenGlass, overdue: bool) -> v1::Emergency {
    v1::Emergency {
        name: format!("people/{id}"),
        glass: glass.number as i32,
        kind: number(&EMERGENCIES, &glass.emergency),
        by: glass.by.clone(),
        by_station: glass.station.clone(),
        from_time: Some(convert::time(glass.from_us)),
        until_time: Some(convert::time(glass.until_us)),
        overdue,
    }
}

/// A field for the answer: whole, or masked.
pub(crate) fn shown(value: &FieldValue, masked: Option<fn(&str) -> String>) -> v1::PersonalField {
    let (text, state) = match (value, masked) {
        (FieldValue::Open(text), None) => (text.to_string(), v1::FieldState::Open),
        (FieldValue::Open(text), Some(mask)) => (mask(text), v1::FieldState::Masked),
        (FieldValue::Sealed, _) => (String::new(), v1::FieldState::Sealed),
        (FieldValue::Erased, _) => (String::new(), v1::FieldState::Erased),
        (FieldValue::Absent, _) => (String::new(), v1::FieldState::Absent),
    };
    v1::PersonalField {
        text,
        state: state.into(),
    }
}

impl Api {
    async fn shown_field(
        &self,
        receipt: &AccessReceipt,
        (id, summary): (&str, &PersonSummary),
        field: Field,
        mask: Option<fn(&str) -> String>,
    ) -> Result<Option<v1::PersonalField>, Status> {
        let value = match summary.erasure {
            ErasureState::None => self.field(receipt, id, &summary.places, field).await?,
            ErasureState::Committed | ErasureState::Done => FieldValue::Erased,
        };
        Ok(Some(shown(&value, mask)))
    }
}

impl Api {
    /// What is told of a person besides the fields: gender and year of birth, which the identity number says, and, revealed,
    /// what the law protects them for.
    async fn reveal_into(
        &self,
        known: &mut v1::Person,
        receipt: &AccessReceipt,
        (id, summary): (&str, &PersonSummary),
        reveal: bool,
    ) -> Result<(), Status> {
        let number_of = self.field(receipt, id, &summary.places, Field::IdNumber).await?;
        if let FieldValue::Open(text) = number_of
            && let Ok(id_number) = IdNumber::parse("id_number", &text)
        {
            known.gender = match id_number.gender() {
                Gender::Female => "FEMALE".to_owned(),
                Gender::Male => "MALE".to_owned(),
            };
            known.birth_year = i32::from(id_number.birth_year());
        }
        for (fact, shown) in summary
            .protective
            .iter()
            .zip(&mut known.protective_facts)
            .filter(|_| reveal)
        {
            let opened = self.app.open_field(receipt, id, fact.position, Field::Protected).await;
            if let FieldValue::Open(text) = opened.map_err(|error| status(&error, id))?
                && let Some(kind) = ProtectiveKind::parse(&text)
            {
                shown.kind = number(&ProtectiveKind::ALL, &kind);
            }
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl PersonService for Api {
    async fn register_person(&self, request: Request<v1::RegisterPersonRequest>) -> Receipt {
        self.command(request).await
    }

    async fn update_contact(&self, request: Request<v1::UpdateContactRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_protective_fact(&self, request: Request<v1::RecordProtectiveFactRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_death(&self, request: Request<v1::RecordDeathRequest>) -> Receipt {
        self.command(request).await
    }

    async fn declare_conflict(&self, request: Request<v1::DeclareConflictRequest>) -> Receipt {
        self.command(request).await
    }

    async fn withdraw_conflict(&self, request: Request<v1::WithdrawConflictRequest>) -> Receipt {
        self.command(request).await
    }

    async fn restrict_person(&self, request: Request<v1::RestrictPersonRequest>) -> Receipt {
        self.command(request).await
    }

    async fn lift_restriction(&self, request: Request<v1::LiftRestrictionRequest>) -> Receipt {
        self.command(request).await
    }

    async fn propose_act(&self, request: Request<v1::ProposeActRequest>) -> Receipt {
        self.command(request).await
    }

    async fn decide_act(&self, request: Request<v1::DecideActRequest>) -> Receipt {
        self.command(request).await
    }

    async fn register_subject_request(&self, request: Request<v1::RegisterSubjectRequestRequest>) -> Receipt {
        self.command(request).await
    }

    async fn answer_subject_request(&self, request: Request<v1::AnswerSubjectRequestRequest>) -> Receipt {
        self.command(request).await
    }

    async fn break_glass(&self, request: Request<v1::BreakGlassRequest>) -> Receipt {
        self.command(request).await
    }

    async fn review_glass(&self, request: Request<v1::ReviewGlassRequest>) -> Receipt {
        self.command(request).await
    }

    async fn list_emergencies(
        &self,
        request: Request<v1::ListEmergenciesRequest>,
    ) -> Result<Response<v1::ListEmergenciesResponse>, Status> {
        let reader = Reader::of(&request, "PersonService/ListEmergencies")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        fields.finish()?;
        let target = match request.station.as_str() {
            "" => Target::whole(),
            station => Target::station(station),
        };
        self.allow(&reader, Action::ReviewGlass, &target)?;
        let found = self.app.list_emergencies(&request.station, &page, read).await;
        let mut page = found.map_err(|error| status(&error, "people"))?;
        let conflicts = self.conflicts(&reader).await?;
        page.rows.retain(|(person, _)| !conflicts.contains(person));
        let to_district = reader.principal.role == Role::DistrictOfficer;
        let mut emergencies = Vec::new();
        for (id, person) in &page.rows {
            for glass in person.glasses.iter().filter(|glass| glass.justified.is_none()) {
                let overdue = self.app.is_overdue(glass);
                if overdue || !to_district {
                    emergencies.push(emergency(id, glass, overdue));
                }
            }
        }
        let persons = page.rows.iter().map(|(id, _)| id.clone()).collect();
        self.on_record(&reader, persons, &[FieldClass::Status], page.position)
            .await?;
        Ok(Response::new(v1::ListEmergenciesResponse {
            emergencies,
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }

    async fn get_person(
        &self,
        request: Request<v1::GetPersonRequest>,
    ) -> Result<Response<v1::GetPersonResponse>, Status> {
        let reader = Reader::of(&request, "PersonService/GetPerson")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.name("name", "people", &request.name);
        let read = fields.read(request.read);
        fields.finish()?;
        let found = self.app.get_person(&id, read).await;
        let (summary, position) = found.map_err(|error| status(&error, &request.name))?;
        let target = self.person_target(&reader, &id).await?;
        let target = self.in_emergency(&reader, &id, target).await?;
        let action = if request.reveal {
            Action::Reveal
        } else {
            Action::ReadMasked
        };
        self.allow(&reader, action, &target)?;
        if request.reveal {
            self.within_budget(&reader, &[Budget::Reveals], std::slice::from_ref(&id))
                .await?;
        }
        let mut classes = vec![FieldClass::Status, FieldClass::Identity, FieldClass::Contact];
        classes.extend(Some(FieldClass::Note).filter(|_| request.reveal));
        let receipt = self.on_record(&reader, vec![id.clone()], &classes, position).await?;
        let masked = |mask: fn(&str) -> String| (!request.reveal).then_some(mask);
        // An emergency needs a name and a telephone, never the number of the identity card.
        let number_masked = if reader.in_emergency() {
            Some(mask::id_number as fn(&str) -> String)
        } else {
            masked(mask::id_number)
        };
        let about = (id.as_str(), &summary);
        let mut known = person(&id, &summary);
        if summary.erasure == ErasureState::None {
            self.reveal_into(&mut known, &receipt, about, request.reveal).await?;
        }
        Ok(Response::new(v1::GetPersonResponse {
            full_name: self
                .shown_field(&receipt, about, Field::Name, masked(mask::name))
                .await?,
            id_number: self
                .shown_field(&receipt, about, Field::IdNumber, number_masked)
                .await?,
            phone: self
                .shown_field(&receipt, about, Field::Phone, masked(mask::phone))
                .await?,
            address: self
                .shown_field(&receipt, about, Field::Address, masked(mask::address))
                .await?,
            person: Some(known),
            position: signed(position),
        }))
    }

    async fn list_people(
        &self,
        request: Request<v1::ListPeopleRequest>,
    ) -> Result<Response<v1::ListPeopleResponse>, Status> {
        let reader = Reader::of(&request, "PersonService/ListPeople")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        fields.finish()?;
        self.allow(&reader, Action::ReadStatus, &Target::station(&station))?;
        let found = self.app.list_people(&station, &page, read).await;
        let mut page = found.map_err(|error| status(&error, "people"))?;
        // The page may be of a moment before the seal.
        let named: Vec<String> = page.rows.iter().map(|(id, _)| id.clone()).collect();
        let sealed = self.app.sealed_among(&named).await;
        let sealed = sealed.map_err(|error| status(&error, "people"))?;
        let conflicts = self.conflicts(&reader).await?;
        let now = match read.as_of {
            Some(_) => self.app.people_now(&named).await,
            None => Ok(HashMap::new()),
        };
        let now = now.map_err(|error| status(&error, "people"))?;
        let everywhere = self.allows(&reader, Action::ReadStatus, &Target::station("-"))?;
        let elsewhere = |id: &String| now.get(id).is_some_and(|now| now.station != station) && !everywhere;
        page.rows
            .retain(|(id, _)| !sealed.contains(id) && !conflicts.contains(id) && !elsewhere(id));
        let persons = page.rows.iter().map(|(id, _)| id.clone()).collect();
        self.on_record(&reader, persons, &[FieldClass::Status], page.position)
            .await?;
        Ok(Response::new(v1::ListPeopleResponse {
            people: page.rows.iter().map(|(id, summary)| person(id, summary)).collect(),
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }

    async fn find_people(
        &self,
        request: Request<v1::FindPeopleRequest>,
    ) -> Result<Response<v1::FindPeopleResponse>, Status> {
        let reader = Reader::of(&request, SEARCH)?;
        let (kind, value) = match request.into_inner().by {
            Some(By::IdNumber(number)) => (TokenKind::IdNumber, number),
            Some(By::Phone(phone)) => (TokenKind::Phone, phone),
            None => {
                let mut fields = Fields::default();
                fields.wrong("by", "one of id_number and phone");
                fields.finish()?;
                return Err(Status::internal("an internal failure"));
            }
        };
        self.allow(&reader, Action::FindPeople, &Target::station(&reader.principal.station))?;
        self.within_budget(&reader, &[Budget::Searches, Budget::Misses], &[])
            .await?;
        let found = self.app.find_person(kind, &value).await;
        let mut found = found.map_err(|error| status(&error, "people"))?;
        let conflicts = self.conflicts(&reader).await?;
        found.retain(|person| !conflicts.contains(person));
        // A miss is on record too, without the value that was asked for.
        let head = self.app.store().log(LogName::Main).head().size;
        self.on_record(&reader, found.clone(), &[FieldClass::Status], head)
            .await?;
        Ok(Response::new(v1::FindPeopleResponse {
            names: found.iter().map(|id| format!("people/{id}")).collect(),
        }))
    }

    async fn list_access(
        &self,
        request: Request<v1::ListAccessRequest>,
    ) -> Result<Response<v1::ListAccessResponse>, Status> {
        let reader = Reader::of(&request, "PersonService/ListAccess")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.name("name", "people", &request.name);
        let page = fields.page(request.page_size, request.page_token);
        fields.finish()?;
        let target = self.person_target(&reader, &id).await?;
        self.allow(&reader, Action::ReadAccess, &target)?;
        let head = self.app.store().log(LogName::Main).head().size;
        self.on_record(&reader, vec![id.clone()], &[FieldClass::Status], head)
            .await?;
        let found = self.app.list_access(&id, &page).await;
        let page = found.map_err(|error| status(&error, &request.name))?;
        let records = page.rows.into_iter().map(|line| v1::AccessRecord {
            position: signed(line.position),
            record_time: Some(convert::time(line.recorded_us)),
            principal: line.record.principal,
            role: line.record.role.as_str().to_owned(),
            station: line.record.station,
            rpc: line.record.rpc,
            purpose: line.record.purpose.as_str().to_owned(),
            classes: line
                .record
                .classes
                .iter()
                .map(|class| class.as_str().to_owned())
                .collect(),
            at_position: signed(line.record.at),
        });
        Ok(Response::new(v1::ListAccessResponse {
            records: records.collect(),
            next_page_token: page.next,
        }))
    }
}
