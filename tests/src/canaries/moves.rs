//! Transfers and dual control, with what is said about them.

use waystation_api::v1;

use super::NOTES;
use crate::{Clients, today};

/// Goes through them; the case stays where it was.
///
/// # Panics
/// When something is not as expected.
pub(super) async fn moves(worker: &mut Clients, case: &str) {
    let (name, day) = (case.to_owned(), today());
    let propose = v1::ProposeTransferRequest {
        name: name.clone(),
        on: day.clone(),
        to_station: "station-weicheng".into(),
        reason: NOTES[20].into(),
        ..Default::default()
    };
    worker.transfers.propose_transfer(propose).await.expect("is proposed");
    let withdraw = v1::WithdrawTransferRequest {
        name: name.clone(),
        reason: NOTES[12].into(),
        ..Default::default()
    };
    worker
        .transfers
        .withdraw_transfer(withdraw)
        .await
        .expect("is withdrawn");
    let start = v1::StartDualControlRequest {
        name,
        on: day,
        residence_station: "station-weicheng".into(),
        letter_no: NOTES[21].into(),
        ..Default::default()
    };
    worker.transfers.start_dual_control(start).await.expect("is started");
}
