//! Rules that a station sets for itself, for tests.

use waystation_api::v1;

use crate::{Clients, STATION, Server, today};

/// Sets values from today on: drafted by one, reviewed by another, published. They bind this server at once.
///
/// # Panics
/// When somebody does not agree.
pub async fn set(server: &Server, pack: &str, values: &[(&str, &str)]) {
    let channel = server.connect().await;
    let mut leader = Clients::at(&channel, "leader-2", "SUPERVISOR", STATION);
    let mut officer = Clients::at(&channel, "officer-1", "DISTRICT_OFFICER", "district");
    let name = format!("policies/{STATION}");
    let value = |(key, value): &(&str, &str)| v1::PackValue {
        key: (*key).into(),
        value: (*value).into(),
        source: "站务会议纪要".into(),
        certainty: "A".into(),
    };
    let draft = v1::DraftPolicyPackRequest {
        name: name.clone(),
        pack: pack.into(),
        valid_from: today(),
        values: values.iter().map(value).collect(),
        ..Default::default()
    };
    leader.policies.draft_policy_pack(draft).await.expect("is drafted");
    let review = v1::ReviewPolicyPackRequest {
        name: name.clone(),
        pack: pack.into(),
        approved: true,
        ..Default::default()
    };
    officer.policies.review_policy_pack(review).await.expect("is reviewed");
    let publish = v1::PublishPolicyPackRequest {
        name,
        pack: pack.into(),
        ..Default::default()
    };
    leader
        .policies
        .publish_policy_pack(publish)
        .await
        .expect("is published");
}
