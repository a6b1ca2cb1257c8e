//! A station on a fresh database, and what it does.

use std::sync::Arc;

use waystation_app::{App, AppError, AppOptions, Clock, Envelope, ManualClock, ReadOptions, Receipt};
use waystation_domain::case::{
    CheckInMode, PlaceBasis, Programme, RecordCheckIn, RecordService, RegisterOrder, ReportIn, SignAgreement,
};
use waystation_domain::points::AwardPoints;
use waystation_domain::{Channel, Date, Principal, Role, calendar};
use waystation_storage::testing::TestDatabase;

pub(super) const STATION: &str = "station-a";

pub(super) struct Here {
    pub(super) app: App,
    pub(super) clock: Arc<ManualClock>,
}

pub(super) fn day(text: &str) -> Date {
    text.parse().expect("is a date")
}

pub(super) async fn open(database: &TestDatabase) -> Here {
    let clock = Arc::new(ManualClock::at(calendar::start_of(day("2026-03-02")) + 1));
    let options = AppOptions {
        keys: None,
        keyring: Default::default(),
        database: database.url.clone(),
        migrate: true,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
    };
    Here {
        app: App::open(options).await.expect("opens"),
        clock,
    }
}

pub(super) fn by(role: Role) -> Envelope {
    let principal = Principal {
        id: format!("staff-{}", role.as_str()),
        role,
        station: STATION.into(),
    };
    Envelope::of(principal, Channel::Api)
}

pub(super) fn order(number: &str) -> RegisterOrder {
    RegisterOrder {
        person: format!("p-{number}"),
        programme: Programme::CommunityDetox,
        order_no: number.into(),
        authority: "PSB".into(),
        decided_on: day("2026-02-20"),
        notified_on: day("2026-02-24"),
        term_months: 36,
        offset_days: 0,
        place_basis: PlaceBasis::Household,
        release_no: None,
    }
}

impl Here {
    pub(super) fn today(&self, text: &str) {
        self.clock.set(calendar::start_of(day(text)) + 1);
    }

    pub(super) async fn active_case(&self, id: &str) -> Receipt {
        let (on, worker) = (day("2026-03-02"), by(Role::CaseWorker));
        self.app.case(id, &order(id), &worker).await.expect("registers");
        self.app.case(id, &RecordService { on }, &worker).await.expect("serves");
        let report = ReportIn {
            on,
            identity_checked: true,
            justification: None,
        };
        self.app.case(id, &report, &worker).await.expect("reports");
        let clauses = ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec();
        let agreement = SignAgreement {
            on,
            agreement_no: "1".into(),
            clauses,
        };
        self.app.case(id, &agreement, &worker).await.expect("signs")
    }

    pub(super) async fn check_in(&self, id: &str, on: &str) -> Result<Receipt, AppError> {
        let command = RecordCheckIn {
            on: day(on),
            mode: CheckInMode::InPerson,
            late_reason: None,
            evidence: Vec::new(),
        };
        self.app.case(id, &command, &by(Role::CaseWorker)).await
    }

    pub(super) async fn award(&self, case: &str, revision: u64) -> Result<Receipt, AppError> {
        let basis = self.app.basis(case, revision).await?;
        let command = AwardPoints {
            person: format!("p-{case}"),
            rule: "check_in".into(),
            basis,
        };
        self.app
            .points(&command.person.clone(), &command, &by(Role::CaseWorker))
            .await
    }
}

pub(super) fn after(receipt: &Receipt) -> ReadOptions {
    ReadOptions {
        min_position: Some(receipt.position),
        as_of: None,
    }
}
