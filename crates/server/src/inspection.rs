//! What an inspection looks for, over gRPC.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::inspection_service_server::InspectionService;
use waystation_app::views::CaseSummary;
use waystation_app::{Action, Found, Inspected, Target};
use waystation_domain::FieldClass;
use waystation_domain::finding::Check;

use crate::Api;
use crate::convert::signed;
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

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
        let about = |(id, case): &(String, CaseSummary)| {
            let target = Target {
                worker: case.worker.clone().unwrap_or_default(),
                ..Target::station(&case.station)
            };
            (id.clone(), case.person.clone(), target)
        };
        let cases = self.readable(&reader, (cases, read.as_of.is_some()), about).await?;
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
}

fn finding(found: &Found) -> v1::Finding {
    let finding = &found.finding;
    v1::Finding {
        case: format!("cases/{}", found.case),
        from: finding.from.to_string(),
        to: finding.to.map_or_else(String::new, |day| day.to_string()),
        days: finding.days,
        staff: finding.staff.clone().unwrap_or_default(),
        second: finding.second.clone().unwrap_or_default(),
        detail: finding.detail.clone(),
        positions: finding.positions.iter().copied().map(signed).collect(),
    }
}
