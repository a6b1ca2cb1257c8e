//! Commands about transfers and dual control.

use waystation_domain::case::{
    AcceptTransfer, AnswerDualControl, EndDualControl, ProposeTransfer, RejectTransfer, ReportInAfterTransfer,
    SendTransferMaterials, StartDualControl, WithdrawTransfer,
};

use super::command;
use crate::fields::optional;

command!(case, "cases", ProposeTransferRequest, |m, fields, id, app| {
    ProposeTransfer {
        on: fields.day("on", &m.on),
        to_station: m.to_station,
        reason: m.reason,
    }
});

command!(case, "cases", SendTransferMaterialsRequest, |m, fields, id, app| {
    SendTransferMaterials {
        on: fields.day("on", &m.on),
        documents: m.documents,
    }
});

command!(case, "cases", AcceptTransferRequest, |m, fields, id, app| {
    AcceptTransfer {
        on: fields.day("on", &m.on),
        effective_on: fields.day("effective_on", &m.effective_on),
    }
});

command!(case, "cases", RejectTransferRequest, |m, fields, id, app| {
    RejectTransfer { reason: m.reason }
});

command!(case, "cases", WithdrawTransferRequest, |m, fields, id, app| {
    WithdrawTransfer { reason: m.reason }
});

command!(case, "cases", ReportInAfterTransferRequest, |m, fields, id, app| {
    ReportInAfterTransfer {
        on: fields.day("on", &m.on),
        identity_checked: m.identity_checked,
        justification: optional(m.justification),
    }
});

command!(case, "cases", StartDualControlRequest, |m, fields, id, app| {
    StartDualControl {
        on: fields.day("on", &m.on),
        residence_station: m.residence_station,
        letter_no: m.letter_no,
    }
});

command!(case, "cases", AnswerDualControlRequest, |m, fields, id, app| {
    AnswerDualControl {
        on: fields.day("on", &m.on),
        letter_no: m.letter_no,
    }
});

command!(case, "cases", EndDualControlRequest, |m, fields, id, app| {
    EndDualControl {
        on: fields.day("on", &m.on),
    }
});
