//! `PointsService`.

use std::collections::HashMap;

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::points_service_server::PointsService;
use waystation_app::{Action, Target};
use waystation_domain::FieldClass;

use crate::Api;
use crate::convert::{self, signed};
use crate::fields::{Fields, optional};
use crate::identity::denied;
use crate::reading::Reader;
use crate::status::status;

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

impl Api {
    /// Whether the reading of an account is permitted.
    async fn allows_points(&self, reader: &Reader, person: &str, station: &str) -> Result<bool, Status> {
        let closed = self.app.is_closed(person).await;
        let (sealed, restricted) = closed.map_err(|error| status(&error, person))?;
        let target = Target {
            sealed,
            restricted,
            conflict: self.conflicts(reader).await?.contains(person),
            ..Target::station(station)
        };
        self.allows(reader, Action::ReadPoints, &target)
    }
}

#[tonic::async_trait]
impl PointsService for Api {
    async fn award_points(&self, request: Request<v1::AwardPointsRequest>) -> Receipt {
        self.command(request).await
    }

    async fn award_points_manually(&self, request: Request<v1::AwardPointsManuallyRequest>) -> Receipt {
        self.command(request).await
    }

    async fn reverse_award(&self, request: Request<v1::ReverseAwardRequest>) -> Receipt {
        self.command(request).await
    }

    async fn redeem_points(&self, request: Request<v1::RedeemPointsRequest>) -> Receipt {
        self.command(request).await
    }

    async fn cancel_redemption(&self, request: Request<v1::CancelRedemptionRequest>) -> Receipt {
        self.command(request).await
    }

    async fn get_points_account(
        &self,
        request: Request<v1::GetPointsAccountRequest>,
    ) -> Result<Response<v1::GetPointsAccountResponse>, Status> {
        let reader = Reader::of(&request, "PointsService/GetPointsAccount")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let person = fields.name("name", "pointsAccounts", &request.name);
        let read = fields.read(request.read);
        fields.finish()?;
        let found = self.app.get_account(&person, read).await;
        let (account, position) = found.map_err(|error| status(&error, &request.name))?;
        let now = match read.as_of {
            Some(_) => self.app.accounts_now(std::slice::from_ref(&person)).await,
            None => Ok(HashMap::new()),
        };
        let now = now.map_err(|error| status(&error, &request.name))?;
        let station = now
            .get(&person)
            .map_or(account.station.as_str(), |now| now.station.as_str());
        if !self.allows_points(&reader, &person, station).await? {
            return Err(denied());
        }
        self.on_record(&reader, vec![person.clone()], &[FieldClass::Status], position)
            .await?;
        let account = Some(convert::account(&person, &account));
        Ok(Response::new(v1::GetPointsAccountResponse {
            account,
            position: signed(position),
        }))
    }

    async fn list_points_accounts(
        &self,
        request: Request<v1::ListPointsAccountsRequest>,
    ) -> Result<Response<v1::ListPointsAccountsResponse>, Status> {
        let reader = Reader::of(&request, "PointsService/ListPointsAccounts")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        fields.finish()?;
        let station = optional(request.station);
        let found = self.app.list_accounts(station.as_deref(), &page, read).await;
        let mut page = found.map_err(|error| status(&error, "pointsAccounts"))?;
        let persons: Vec<String> = page.rows.iter().map(|(person, _)| person.clone()).collect();
        let now = match read.as_of {
            Some(_) => self.app.accounts_now(&persons).await,
            None => Ok(HashMap::new()),
        };
        let now = now.map_err(|error| status(&error, "pointsAccounts"))?;
        let mut permitted = Vec::with_capacity(page.rows.len());
        for (person, account) in page.rows {
            // Whose it was is no permission.
            let station = now
                .get(&person)
                .map_or(account.station.as_str(), |now| now.station.as_str());
            if self.allows_points(&reader, &person, station).await? {
                permitted.push((person, account));
            }
        }
        page.rows = permitted;
        let persons = page.rows.iter().map(|(person, _)| person.clone()).collect();
        self.on_record(&reader, persons, &[FieldClass::Status], page.position)
            .await?;
        Ok(Response::new(v1::ListPointsAccountsResponse {
            accounts: page
                .rows
                .iter()
                .map(|(person, account)| convert::account(person, account))
                .collect(),
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }

    async fn list_ledger(
        &self,
        request: Request<v1::ListLedgerRequest>,
    ) -> Result<Response<v1::ListLedgerResponse>, Status> {
        let reader = Reader::of(&request, "PointsService/ListLedger")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let person = fields.name("name", "pointsAccounts", &request.name);
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        fields.finish()?;
        let found = self.app.list_ledger(&person, &page, read).await;
        let page = found.map_err(|error| status(&error, &request.name))?;
        let now = self
            .app
            .get_account(&person, waystation_app::ReadOptions::default())
            .await;
        let (account, _) = now.map_err(|error| status(&error, &request.name))?;
        if !self.allows_points(&reader, &person, &account.station).await? {
            return Err(denied());
        }
        self.on_record(&reader, vec![person], &[FieldClass::Status], page.position)
            .await?;
        Ok(Response::new(v1::ListLedgerResponse {
            lines: page.rows.into_iter().map(convert::ledger_line).collect(),
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }
}
