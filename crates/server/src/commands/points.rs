//! Commands of a points account.

use tonic::Status;
use waystation_api::v1;
use waystation_app::{App, Envelope, Receipt};
use waystation_domain::points::{AwardManually, AwardPoints, CancelRedemption, ItemLine, RedeemPoints, ReverseAward};

use super::{CommandMessage, command};
use crate::fields::{Fields, optional};
use crate::status::status;

/// Needs the log for the event that is rewarded.
#[tonic::async_trait]
impl CommandMessage for v1::AwardPointsRequest {
    fn conditions(&self) -> (&str, &str, bool) {
        (&self.request_id, &self.etag, self.validate_only)
    }

    async fn carry_out(self, app: &App, mut fields: Fields, envelope: Envelope) -> Result<(String, Receipt), Status> {
        let person = fields.name("name", "pointsAccounts", &self.name);
        let (case, revision) = fields.event("basis", &self.basis);
        fields.finish()?;
        let failed = |error| status(&error, &self.name);
        let basis = app.basis(&case, revision).await.map_err(failed)?;
        let command = AwardPoints {
            person: person.clone(),
            rule: self.rule.clone(),
            basis,
        };
        let receipt = app.points(&person, &command, &envelope).await.map_err(failed)?;
        Ok((self.name, receipt))
    }
}

command!(
    points,
    "pointsAccounts",
    AwardPointsManuallyRequest,
    |m, fields, id, app| AwardManually {
        person: id.clone(),
        on: fields.day("on", &m.on),
        amount: m.amount,
        reason: m.reason,
        approved_by: optional(m.approved_by),
    }
);

command!(points, "pointsAccounts", ReverseAwardRequest, |m, fields, id, app| {
    ReverseAward {
        award: fields.number("award", m.award),
        on: fields.day("on", &m.on),
        reason: m.reason,
    }
});

command!(points, "pointsAccounts", RedeemPointsRequest, |m, fields, id, app| {
    RedeemPoints {
        on: fields.day("on", &m.on),
        lines: m
            .lines
            .into_iter()
            .map(|line| ItemLine {
                sku: line.sku,
                kind: line.kind,
                quantity: line.quantity,
                points: line.points,
            })
            .collect(),
    }
});

command!(
    points,
    "pointsAccounts",
    CancelRedemptionRequest,
    |m, fields, id, app| CancelRedemption {
        redemption: fields.number("redemption", m.redemption),
        on: fields.day("on", &m.on),
    }
);
