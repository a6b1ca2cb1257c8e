//! Registers of a station over gRPC.

mod lines;

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::register_service_server::RegisterService;
use waystation_app::{Action, Asked, ReadOptions, Register, Target};
use waystation_domain::FieldClass;
use waystation_domain::case::{ObligationKind, RiskClass};
use waystation_domain::register::{
    AbsenceFilter, AbsenceStanding, BreachFilter, BreachStanding, ContactFilter, ContactKind, CounterFilter, Entry,
    RiskFilter, TestFilter, TestStanding, YearFilter,
};

use crate::Api;
use crate::convert::signed;
use crate::fields::Fields;
use crate::reading::{Reader, case_of};
use crate::status::status;

/// What every register is asked.
struct Ask {
    asked: Asked,
    /// Only this case.
    case: Option<String>,
    read: ReadOptions,
}

/// Reads what every register is asked from a request; what else it says belongs to the page token.
macro_rules! ask {
    ($fields:ident, $request:ident, $from:expr, $to:expr) => {{
        let (page_size, page_token) = ($request.page_size, std::mem::take(&mut $request.page_token));
        let read = $request.read.take();
        $request.page_size = 0;
        let query = format!("{:?}", $request);
        let case = (!$request.case.is_empty()).then(|| $fields.name("case", "cases", &$request.case));
        let (from, to) = ($fields.optional_day("from", $from), $fields.optional_day("to", $to));
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            $fields.wrong("to", "a day that is not before `from`");
        }
        Ask {
            asked: Asked {
                station: $fields.id("station", &$request.station),
                from,
                to,
                page: $fields.page(page_size, page_token),
                query,
            },
            case,
            read: $fields.read(read),
        }
    }};
}

impl Api {
    /// A page of a register, of the cases that the reader may read, put on record.
    async fn lines<E: Entry>(&self, reader: &Reader, ask: Ask, filter: &E::Filter) -> Result<Register<E>, Status> {
        let failed = |error| status(&error, "cases");
        let station = &ask.asked.station;
        self.allow(reader, Action::ReadStatus, &Target::station(station))?;
        let read = ask.asked.moment(ask.read).map_err(failed)?;
        let found = self.app.cases_of_register(station, ask.case.as_deref(), read).await;
        let (cases, position) = found.map_err(failed)?;
        // Before anything is counted: a number tells about everybody in it.
        let cases = self.readable(reader, (cases, read.as_of.is_some()), case_of).await?;
        let found = self.app.register(&ask.asked, &cases, (read, position), filter);
        let found = found.await.map_err(failed)?;
        let mut persons: Vec<String> = found.page.rows.iter().map(|line| line.person.clone()).collect();
        if ask.case.is_some() {
            // That there is no line tells about them, too.
            persons.extend(cases.into_iter().map(|(_, case)| case.person));
        }
        self.on_record(reader, persons, &[FieldClass::Status], position).await?;
        Ok(found)
    }
}

#[tonic::async_trait]
impl RegisterService for Api {
    async fn list_tests(
        &self,
        request: Request<v1::ListTestsRequest>,
    ) -> Result<Response<v1::ListTestsResponse>, Status> {
        let reader = Reader::of(&request, "RegisterService/ListTests")?;
        let mut request = request.into_inner();
        let mut fields = Fields::default();
        let standing = fields.optional_choice("standing", request.standing, &TestStanding::ALL);
        let ask = ask!(fields, request, &request.from, &request.to);
        fields.finish()?;
        let filter = TestFilter {
            positive: request.positive,
            entrusted: request.entrusted,
            standing,
        };
        let found = self.lines(&reader, ask, &filter).await?;
        Ok(Response::new(v1::ListTestsResponse {
            tests: found.page.rows.iter().map(lines::test).collect(),
            next_page_token: found.page.next,
            total: signed(found.total),
            position: signed(found.page.position),
        }))
    }

    async fn list_contacts(
        &self,
        request: Request<v1::ListContactsRequest>,
    ) -> Result<Response<v1::ListContactsResponse>, Status> {
        let reader = Reader::of(&request, "RegisterService/ListContacts")?;
        let mut request = request.into_inner();
        let mut fields = Fields::default();
        let kind = fields.optional_choice("kind", request.kind, &ContactKind::ALL);
        let ask = ask!(fields, request, &request.from, &request.to);
        fields.finish()?;
        let filter = ContactFilter { kind };
        let found = self.lines(&reader, ask, &filter).await?;
        Ok(Response::new(v1::ListContactsResponse {
            contacts: found.page.rows.iter().map(lines::contact).collect(),
            next_page_token: found.page.next,
            total: signed(found.total),
            position: signed(found.page.position),
        }))
    }

    async fn list_absences(
        &self,
        request: Request<v1::ListAbsencesRequest>,
    ) -> Result<Response<v1::ListAbsencesResponse>, Status> {
        let reader = Reader::of(&request, "RegisterService/ListAbsences")?;
        let mut request = request.into_inner();
        let mut fields = Fields::default();
        let standing = fields.optional_choice("standing", request.standing, &AbsenceStanding::ALL);
        let ask = ask!(fields, request, &request.from, &request.to);
        fields.finish()?;
        let filter = AbsenceFilter {
            out: request.out,
            standing,
        };
        let found = self.lines(&reader, ask, &filter).await?;
        Ok(Response::new(v1::ListAbsencesResponse {
            absences: found.page.rows.iter().map(lines::absence).collect(),
            next_page_token: found.page.next,
            total: signed(found.total),
            position: signed(found.page.position),
            days: found.days,
        }))
    }

    async fn list_breaches(
        &self,
        request: Request<v1::ListBreachesRequest>,
    ) -> Result<Response<v1::ListBreachesResponse>, Status> {
        let reader = Reader::of(&request, "RegisterService/ListBreaches")?;
        let mut request = request.into_inner();
        let mut fields = Fields::default();
        let standing = fields.optional_choice("standing", request.standing, &BreachStanding::ALL);
        let ask = ask!(fields, request, &request.from, &request.to);
        fields.finish()?;
        let filter = BreachFilter { standing };
        let found = self.lines(&reader, ask, &filter).await?;
        Ok(Response::new(v1::ListBreachesResponse {
            breaches: found.page.rows.iter().map(lines::breach).collect(),
            next_page_token: found.page.next,
            total: signed(found.total),
            position: signed(found.page.position),
        }))
    }

    async fn list_risks(
        &self,
        request: Request<v1::ListRisksRequest>,
    ) -> Result<Response<v1::ListRisksResponse>, Status> {
        let reader = Reader::of(&request, "RegisterService/ListRisks")?;
        let mut request = request.into_inner();
        let mut fields = Fields::default();
        let class = fields.optional_choice("class", request.class, &RiskClass::ALL);
        let moved_since = fields.optional_day("moved_since", &request.moved_since);
        let ask = ask!(fields, request, &request.from, &request.to);
        fields.finish()?;
        let filter = RiskFilter {
            class,
            undecided: request.undecided,
            overridden: request.overridden,
            contested: request.contested,
            moved_since,
        };
        let found = self.lines(&reader, ask, &filter).await?;
        Ok(Response::new(v1::ListRisksResponse {
            risks: found
                .page
                .rows
                .iter()
                .map(|line| lines::risk(line, moved_since))
                .collect(),
            next_page_token: found.page.next,
            total: signed(found.total),
            position: signed(found.page.position),
        }))
    }

    async fn list_counters(
        &self,
        request: Request<v1::ListCountersRequest>,
    ) -> Result<Response<v1::ListCountersResponse>, Status> {
        let reader = Reader::of(&request, "RegisterService/ListCounters")?;
        let mut request = request.into_inner();
        let mut fields = Fields::default();
        let ask = ask!(fields, request, "", "");
        fields.finish()?;
        let filter = CounterFilter { near: request.near };
        let found = self.lines(&reader, ask, &filter).await?;
        Ok(Response::new(v1::ListCountersResponse {
            counters: found.page.rows.iter().map(lines::counter).collect(),
            next_page_token: found.page.next,
            total: signed(found.total),
            position: signed(found.page.position),
        }))
    }

    async fn list_programme_years(
        &self,
        request: Request<v1::ListProgrammeYearsRequest>,
    ) -> Result<Response<v1::ListProgrammeYearsResponse>, Status> {
        let reader = Reader::of(&request, "RegisterService/ListProgrammeYears")?;
        let mut request = request.into_inner();
        let mut fields = Fields::default();
        let kind = fields.optional_choice("kind", request.kind, &ObligationKind::ALL);
        let ask = ask!(fields, request, &request.from, &request.to);
        fields.finish()?;
        let filter = YearFilter {
            kind,
            behind: request.behind,
        };
        let found = self.lines(&reader, ask, &filter).await?;
        Ok(Response::new(v1::ListProgrammeYearsResponse {
            years: found.page.rows.iter().map(lines::year).collect(),
            next_page_token: found.page.next,
            total: signed(found.total),
            position: signed(found.page.position),
        }))
    }
}
