//! What an inspection looks for, over gRPC.

use std::collections::HashMap;

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::inspection_service_server::InspectionService;
use waystation_app::views::CaseSummary;
use waystation_app::{Action, Found, Inspected, Issued, Load, PAGE_MAX, RoleHeld, Target};
use waystation_domain::FieldClass;
use waystation_domain::case::{DocumentKind, ServiceMode};
use waystation_domain::finding::{Candidate, Check, draw};

use crate::Api;
use crate::convert::{day, number, signed, stages};
use crate::fields::Fields;
use crate::reading::{Reader, case_of};
use crate::status::status;

/// Longest seed in characters.
const SEED_CHARS_MAX: usize = 64;

#[tonic::async_trait]
impl InspectionService for Api {
    async fn list_findings(
        &self,
        request: Request<v1::ListFindingsRequest>,
    ) -> Result<Response<v1::ListFindingsResponse>, Status> {
        let reader = Reader::of(&request, "InspectionService/ListFindings")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let check = fields.choice("check", request.check, Check::ALL);
        let from = fields.optional_day("from", &request.from);
        let to = fields.optional_day("to", &request.to);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            fields.wrong("to", "a day that is not before `from`");
        }
        let page = fields.page(request.page_size, String::new());
        let read = fields.read(request.read);
        fields.finish()?;
        let target = Target::station(&station);
        self.allow(&reader, Action::ReadStatus, &target)?;
        let check = check.unwrap_or(Check::RecordedLate);
        if check == Check::ReadInConflict {
            self.allow(&reader, Action::ReadAccess, &target)?;
        }
        let failed = |error| status(&error, "cases");
        let (cases, position) = self.app.cases_of_station(&station, read).await.map_err(failed)?;
        // Before anything is looked for: a number tells about everybody in it.
        let cases = self.readable(&reader, (cases, read.as_of.is_some()), case_of).await?;
        let inspected = Inspected {
            check,
            from,
            to,
            station: &station,
        };
        let found = self.app.inspect(&inspected, &cases, (read, position)).await;
        let found = found.map_err(failed)?;
        let shown: Vec<&Found> = found.iter().take(page.rows()).collect();
        let persons = shown.iter().map(|one| one.person.clone()).collect();
        self.on_record(&reader, persons, &[FieldClass::Status], position)
            .await?;
        Ok(Response::new(v1::ListFindingsResponse {
            findings: shown.into_iter().map(finding).collect(),
            total: found.len() as i64,
            cases: cases.len() as i64,
            position: signed(position),
        }))
    }

    async fn draw_sample(
        &self,
        request: Request<v1::DrawSampleRequest>,
    ) -> Result<Response<v1::DrawSampleResponse>, Status> {
        let reader = Reader::of(&request, "InspectionService/DrawSample")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let size = usize::try_from(request.size).unwrap_or(0);
        if size == 0 || size > PAGE_MAX {
            fields.wrong("size", "1 to 1000");
        }
        let chars = request.seed.chars().count();
        if chars == 0 || chars > SEED_CHARS_MAX {
            fields.wrong("seed", "1 to 64 characters");
        }
        let read = fields.read(request.read);
        fields.finish()?;
        self.allow(&reader, Action::ReadStatus, &Target::station(&station))?;
        let failed = |error| status(&error, "cases");
        let (cases, position) = self.app.cases_of_station(&station, read).await.map_err(failed)?;
        let cases = self.readable(&reader, (cases, read.as_of.is_some()), case_of).await?;
        let persons: HashMap<&str, &str> = cases
            .iter()
            .map(|(id, case)| (id.as_str(), case.person.as_str()))
            .collect();
        let candidate = |(id, case): &(String, CaseSummary)| Candidate {
            case: id.clone(),
            stage: case.stage,
        };
        let mut drawn = draw(cases.iter().map(candidate).collect(), size, &request.seed);
        drawn.excluded.truncate(PAGE_MAX);
        let named = drawn.sample.iter().chain(&drawn.excluded);
        let named = named.filter_map(|one| persons.get(one.case.as_str()));
        let named = named.map(|person| (*person).to_owned()).collect();
        self.on_record(&reader, named, &[FieldClass::Status], position).await?;
        Ok(Response::new(v1::DrawSampleResponse {
            sample: drawn.sample.iter().map(shown).collect(),
            excluded: drawn.excluded.iter().map(shown).collect(),
            from: drawn.from as i64,
            position: signed(position),
        }))
    }

    async fn list_documents(
        &self,
        request: Request<v1::ListDocumentsRequest>,
    ) -> Result<Response<v1::ListDocumentsResponse>, Status> {
        let reader = Reader::of(&request, "InspectionService/ListDocuments")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let kind = fields.optional_choice("kind", request.kind, &DocumentKind::ALL);
        let year = i16::try_from(request.year).ok().filter(|year| *year >= 0);
        if year.is_none() {
            fields.wrong("year", "a year, or 0 for every year");
        }
        let page = fields.page(request.page_size, String::new());
        let read = fields.read(request.read);
        fields.finish()?;
        self.allow(&reader, Action::ReadStatus, &Target::station(&station))?;
        let found = self.app.documents_of_station(&station, read).await;
        let mut register = found.map_err(|error| status(&error, "documents"))?;
        let year = year.filter(|year| *year > 0);
        let asked = |of: DocumentKind, in_year: i16| {
            kind.is_none_or(|kind| kind == of) && year.is_none_or(|year| year == in_year)
        };
        let (mut papers, mut allowed) = (Vec::new(), HashMap::new());
        for paper in register.papers {
            if !asked(paper.kind, paper.on.year()) {
                continue;
            }
            if !allowed.contains_key(&paper.case) {
                let target = self.case_target(&reader, &paper.case).await?;
                allowed.insert(paper.case.clone(), self.allows(&reader, Action::ReadStatus, &target)?);
            }
            if allowed.get(&paper.case).is_some_and(|allowed| *allowed) {
                papers.push(paper);
            }
        }
        // Of what may be read: a number that is in neither list would tell of somebody.
        register.papers = papers;
        let gaps_found = register.gaps();
        let mut papers = register.papers;
        papers.retain(|paper| !(request.unserved && paper.served.is_some()));
        let shown = &papers[..papers.len().min(page.rows())];
        let cases = shown.iter().map(|paper| paper.case.clone()).collect();
        self.on_record_by_case(&reader, cases, register.position).await?;
        let gaps = |((kind, year), serials): ((DocumentKind, i16), Vec<u32>)| v1::DocumentGaps {
            kind: number(&DocumentKind::ALL, &kind),
            year: year.into(),
            count: serials.len() as i32,
            serials: serials.into_iter().take(PAGE_MAX).map(|serial| serial as i32).collect(),
        };
        Ok(Response::new(v1::ListDocumentsResponse {
            documents: shown.iter().map(document).collect(),
            gaps: gaps_found.into_iter().map(gaps).collect(),
            total: papers.len() as i64,
            position: signed(register.position),
        }))
    }

    async fn list_workload(
        &self,
        request: Request<v1::ListWorkloadRequest>,
    ) -> Result<Response<v1::ListWorkloadResponse>, Status> {
        let reader = Reader::of(&request, "InspectionService/ListWorkload")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let read = fields.read(request.read);
        fields.finish()?;
        // Figures, about staff.
        self.allow(&reader, Action::ReadStatistics, &Target::station(&station))?;
        let found = self.app.workload(&station, read).await;
        let found = found.map_err(|error| status(&error, "cases"))?;
        let load = |load: Load| v1::Workload {
            worker: load.worker,
            cases: load.cases as i32,
            over: load.over,
        };
        Ok(Response::new(v1::ListWorkloadResponse {
            workers: found.workers.into_iter().map(load).collect(),
            limit: found.limit.value,
            source: found.limit.pack,
            legal_source: found.limit.source,
            certainty: found.limit.certainty,
            position: signed(found.position),
        }))
    }

    async fn list_roles(
        &self,
        request: Request<v1::ListRolesRequest>,
    ) -> Result<Response<v1::ListRolesResponse>, Status> {
        let reader = Reader::of(&request, "InspectionService/ListRoles")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let on = fields.optional_day("on", &request.on);
        let read = fields.read(request.read);
        fields.finish()?;
        // Accounts are staff, and no participant.
        self.allow(&reader, Action::ReadStatistics, &Target::station(&station))?;
        let found = self.app.roles_on(on, read).await;
        let (mut roles, position) = found.map_err(|error| status(&error, "accounts"))?;
        roles.retain(|role| role.station == station);
        let role = |held: RoleHeld| v1::RoleHeld {
            account: format!("accounts/{}", held.account),
            role: held.role.as_str().to_owned(),
            from: held.from.to_string(),
            to: day(held.to),
            position: signed(held.position),
        };
        Ok(Response::new(v1::ListRolesResponse {
            roles: roles.into_iter().map(role).collect(),
            position: signed(position),
        }))
    }
}

fn shown(candidate: &Candidate) -> v1::Candidate {
    v1::Candidate {
        case: format!("cases/{}", candidate.case),
        stage: number(stages(), &candidate.stage),
    }
}

fn document(paper: &Issued) -> v1::IssuedDocument {
    let (served_on, mode, signed_for) = paper.served.map_or((String::new(), 0, false), |(on, mode, signed)| {
        (on.to_string(), number(&ServiceMode::ALL, &mode), signed)
    });
    v1::IssuedDocument {
        case: format!("cases/{}", paper.case),
        document: paper.document as i32,
        kind: number(&DocumentKind::ALL, &paper.kind),
        serial: paper.serial as i32,
        issued_on: paper.on.to_string(),
        served_on,
        mode,
        signed: signed_for,
        position: signed(paper.position),
    }
}

fn finding(found: &Found) -> v1::Finding {
    let finding = &found.finding;
    v1::Finding {
        case: format!("cases/{}", found.case),
        from: finding.from.to_string(),
        to: day(finding.to),
        days: finding.days,
        staff: finding.staff.clone().unwrap_or_default(),
        second: finding.second.clone().unwrap_or_default(),
        detail: finding.detail.clone(),
        positions: finding.positions.iter().copied().map(signed).collect(),
    }
}
