//! `PersonService`.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::find_people_request::By;
use waystation_api::v1::person_service_server::PersonService;
use waystation_app::views::{ErasureState, PersonSummary};
use waystation_app::{AccessReceipt, Action, FieldValue, LogName, Target, TokenKind};
use waystation_domain::person::Gender;
use waystation_domain::{Field, FieldClass};

use crate::commands::person::{ACTS, PROTECTIVE_KINDS, REQUEST_KINDS};
use crate::convert::{self, number, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;
use crate::{Api, mask};

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

fn person(id: &str, person: &PersonSummary) -> v1::Person {
    let gender = match person.gender {
        Gender::Female => "FEMALE",
        Gender::Male => "MALE",
    };
    v1::Person {
        name: format!("people/{id}"),
        station: person.station.clone(),
        gender: gender.to_owned(),
        birth_year: i32::from(person.birth_year),
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
                kind: number(&PROTECTIVE_KINDS, &fact.kind),
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

/// A field for the answer: whole, or masked.
fn shown(value: &FieldValue, masked: Option<fn(&str) -> String>) -> v1::PersonalField {
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
        let target = self.app.person_target(&id).await;
        let target = target.map_err(|error| status(&error, &request.name))?;
        let action = if request.reveal {
            Action::Reveal
        } else {
            Action::ReadMasked
        };
        self.allow(&reader, action, &target)?;
        let classes = [FieldClass::Status, FieldClass::Identity, FieldClass::Contact];
        let receipt = self.on_record(&reader, vec![id.clone()], &classes, position).await?;
        let masked = |mask: fn(&str) -> String| (!request.reveal).then_some(mask);
        let about = (id.as_str(), &summary);
        Ok(Response::new(v1::GetPersonResponse {
            full_name: self
                .shown_field(&receipt, about, Field::Name, masked(mask::name))
                .await?,
            id_number: self
                .shown_field(&receipt, about, Field::IdNumber, masked(mask::id_number))
                .await?,
            phone: self
                .shown_field(&receipt, about, Field::Phone, masked(mask::phone))
                .await?,
            address: self
                .shown_field(&receipt, about, Field::Address, masked(mask::address))
                .await?,
            person: Some(person(&id, &summary)),
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
        let page = found.map_err(|error| status(&error, "people"))?;
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
        let reader = Reader::of(&request, "PersonService/FindPeople")?;
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
        let found = self.app.find_person(kind, &value).await;
        let found = found.map_err(|error| status(&error, "people"))?;
        self.allow(&reader, Action::FindPeople, &Target::station(&reader.principal.station))?;
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
        let target = self.app.person_target(&id).await;
        let target = target.map_err(|error| status(&error, &request.name))?;
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
