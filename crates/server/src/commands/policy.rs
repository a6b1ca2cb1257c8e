//! Commands about the rules of a station, or of a unit that stations belong to.

use waystation_domain::policy_book::{DraftPolicyPack, PackValue, PublishPolicyPack, ReviewPolicyPack};

use super::command;

command!(policy_pack, "policies", DraftPolicyPackRequest, |m, fields, id, app| {
    DraftPolicyPack {
        unit: id.clone(),
        pack: m.pack,
        valid_from: fields.day("valid_from", &m.valid_from),
        valid_to: fields.optional_day("valid_to", &m.valid_to),
        retroactive: m.retroactive,
        values: m
            .values
            .into_iter()
            .map(|value| PackValue {
                key: value.key,
                value: value.value,
                source: value.source,
                certainty: value.certainty,
            })
            .collect(),
    }
});

command!(
    policy_pack,
    "policies",
    ReviewPolicyPackRequest,
    |m, fields, id, app| ReviewPolicyPack {
        unit: id.clone(),
        pack: m.pack,
        approved: m.approved,
    }
);

command!(
    policy_pack,
    "policies",
    PublishPolicyPackRequest,
    |m, fields, id, app| PublishPolicyPack {
        unit: id.clone(),
        pack: m.pack,
    }
);
