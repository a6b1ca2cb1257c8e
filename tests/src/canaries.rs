//! People with unmistakable values, who go through every command and every reading, and the search for these values in
//! every usual encoding.

mod conduct;
mod further;
mod moves;
mod support;

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use conduct::conduct;
use moves::moves;
use support::support;
use waystation_api::v1;

use crate::{STATION, Server, after, base64, check_in, today};
pub use further::{figures, go_further};

/// A name.
pub const NAME: &str = "哨兵金丝雀";
/// Seventeen digits of a number, and one that is to be computed.
pub const ID: &str = "520181198807071234";
const PHONE: &str = "13977665544";
const NEW_PHONE: &str = "13966554433";
const FULL_NAME: &str = "金丝雀工作人员";
const PASSWORD: &str = "金丝雀口令金丝雀口令金丝雀";
const ADDRESS: &str = "金丝雀路七十七号哨所";
/// Numbers of documents, reasons, notes.
pub const NOTES: [&str; 28] = [
    "金丝雀决字第7788号",
    "金丝雀协议第7789号",
    "金丝雀档案第7790号",
    "金丝雀补录原因",
    "金丝雀谈话记录",
    "金丝雀拘留第7791号",
    "金丝雀释放第7792号",
    "金丝雀奖励原因",
    "金丝雀撤销原因",
    "金丝雀判决第7793号",
    "金丝雀保护第7794号",
    "金丝雀死亡第7795号",
    "金丝雀提议原因",
    "金丝雀答复内容",
    "金丝雀紧急原因：站内昏迷急需联系",
    "金丝雀新址八十八号",
    "金丝雀解除第7796号",
    "金丝雀外出事由",
    "金丝雀知悉经过",
    "金丝雀拒检经过",
    "金丝雀撤销认定原因",
    "金丝雀回执第7797号",
    "金丝雀处理第7798号",
    "金丝雀帮扶措施",
    "金丝雀计划评估",
    "金丝雀半年小结",
    "金丝雀不予准假原因",
    "金丝雀强检第7799号",
];

/// Every value that goes through, with this identity number.
pub fn values(number: &str) -> Vec<String> {
    let fixed = [NAME, PHONE, NEW_PHONE, ADDRESS, FULL_NAME, PASSWORD];
    let all = fixed.iter().chain(&NOTES).chain([&number]);
    all.map(|value| (*value).to_owned()).collect()
}

/// The last digit that makes a number of 17 digits right (GB 11643-1999).
///
/// # Panics
/// When they are not digits.
pub fn checked(number: &str) -> String {
    let digit = waystation_domain::person::check_digit(&number[..17]).expect("are 17 digits");
    format!("{}{digit}", &number[..17])
}

/// A value in every encoding in which it might be lying about.
fn encodings(value: &str) -> Vec<Vec<u8>> {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| value.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let escaped: String = value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let mut all = vec![
        value.as_bytes().to_vec(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        escaped.into_bytes(),
    ];
    // Base64 depends on where in the text a value begins; its ends depend on the neighbours.
    for offset in 0..3 {
        let shifted = [&vec![b'x'; offset], value.as_bytes()].concat();
        let encoded = base64(&shifted);
        let inner = &encoded[if offset == 0 { 0 } else { 4 }..encoded.len() - 4];
        all.push(inner.as_bytes().to_vec());
    }
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        for separator in [" ", "-"] {
            let spaced: Vec<String> = value.chars().map(String::from).collect();
            all.push(spaced.join(separator).into_bytes());
        }
    }
    all
}

/// All canaries in all encodings, searched for at once.
pub struct Canaries {
    search: AhoCorasick,
    /// The value of each needle.
    values: Vec<String>,
}

impl Canaries {
    /// Looks for these values.
    ///
    /// # Panics
    /// When there are too many.
    pub fn of(values: impl IntoIterator<Item = String>) -> Self {
        let each = values.into_iter().map(|value| (encodings(&value), value));
        let (needles, values): (Vec<_>, Vec<_>) = each
            .flat_map(|(needles, value)| needles.into_iter().map(move |needle| (needle, value.clone())))
            .unzip();
        let search = AhoCorasick::new(needles).expect("are few enough");
        Self { search, values }
    }
}

/// Which canaries, in whichever encoding, are in there.
pub fn found(haystack: &[u8], canaries: &Canaries) -> Vec<String> {
    let hits = canaries.search.find_overlapping_iter(haystack);
    let values: BTreeSet<&String> = hits.map(|hit| &canaries.values[hit.pattern().as_usize()]).collect();
    values.into_iter().cloned().collect()
}

/// Goes through commands, refusals and readings; returns everything that was answered to those who are not entitled.
///
/// # Panics
/// When something is not as expected.
pub async fn go_through(server: &Server, number: &str) -> String {
    let mut said = String::new();
    let mut worker = server.clients("worker-1", "CASE_WORKER").await;
    let mut leader = server.clients("leader-1", "SUPERVISOR").await;
    let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
    let day = today();
    let registration = v1::RegisterPersonRequest {
        person_id: "p-1".into(),
        name: NAME.into(),
        id_number: number.into(),
        phone: PHONE.into(),
        address: ADDRESS.into(),
        household_org: "QINGZHEN".into(),
        ..Default::default()
    };
    let registered = worker.people.register_person(registration.clone()).await;
    let registered = registered.expect("is registered").into_inner();
    for wrong in [
        v1::RegisterPersonRequest {
            person_id: "p-2".into(),
            ..registration.clone()
        },
        v1::RegisterPersonRequest {
            person_id: NAME.into(),
            ..registration.clone()
        },
        v1::RegisterPersonRequest {
            id_number: format!("{}9", &number[..17]),
            ..registration.clone()
        },
        v1::RegisterPersonRequest {
            name: NAME.repeat(50),
            ..registration.clone()
        },
        v1::RegisterPersonRequest {
            phone: format!("{PHONE}x"),
            person_id: "p-3".into(),
            ..registration.clone()
        },
        v1::RegisterPersonRequest {
            household_org: ADDRESS.into(),
            person_id: "p-3".into(),
            ..registration
        },
    ] {
        let refused = worker.people.register_person(wrong).await.expect_err("is refused");
        said += &format!("{refused:?}");
    }
    let order = v1::RegisterOrderRequest {
        person: "p-1".into(),
        order_no: NOTES[0].into(),
        ..crate::order("c1", &day)
    };
    worker.cases.register_order(order.clone()).await.expect("is registered");
    let again = v1::RegisterOrderRequest {
        case_id: "c2".into(),
        ..order
    };
    said += &format!(
        "{:?}",
        worker
            .cases
            .register_order(again)
            .await
            .expect_err("the number is taken")
    );
    let name = || "cases/c1".to_owned();
    let served = v1::RecordServiceRequest {
        name: name(),
        on: day.clone(),
        ..Default::default()
    };
    worker.cases.record_service(served).await.expect("is served");
    let report = v1::ReportInRequest {
        name: name(),
        on: day.clone(),
        identity_checked: true,
        ..Default::default()
    };
    worker.cases.report_in(report).await.expect("reports");
    let agreement = v1::SignAgreementRequest {
        name: name(),
        on: day.clone(),
        agreement_no: NOTES[1].into(),
        clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
        ..Default::default()
    };
    let unsound = v1::SignAgreementRequest {
        clauses: vec![NOTES[4].into()],
        ..agreement.clone()
    };
    said += &format!(
        "{:?}",
        worker.cases.sign_agreement(unsound).await.expect_err("no such clause")
    );
    worker.cases.sign_agreement(agreement).await.expect("is signed");
    let file = v1::OpenCaseFileRequest {
        name: name(),
        on: day.clone(),
        file_no: NOTES[2].into(),
        ..Default::default()
    };
    worker.cases.open_case_file(file).await.expect("is opened");
    let late = v1::RecordCheckInRequest {
        late_reason: NOTES[3].into(),
        ..check_in("c1", &day)
    };
    worker.cases.record_check_in(late).await.expect("is recorded");
    let talk = v1::RecordTalkRequest {
        name: name(),
        on: day.clone(),
        topics: vec![1],
        note: NOTES[4].into(),
        ..Default::default()
    };
    worker.cases.record_talk(talk).await.expect("is recorded");
    let suspend = v1::SuspendRequest {
        name: name(),
        from: day.clone(),
        cause: 1,
        document_no: NOTES[5].into(),
        ..Default::default()
    };
    worker.cases.suspend(suspend).await.expect("is suspended");
    let resume = v1::ResumeRequest {
        name: name(),
        on: day.clone(),
        document_no: NOTES[6].into(),
        ..Default::default()
    };
    worker.cases.resume(resume).await.expect("is resumed");
    let account = || "pointsAccounts/p-1".to_owned();
    let award = v1::AwardPointsManuallyRequest {
        name: account(),
        on: day.clone(),
        amount: 5,
        reason: NOTES[7].into(),
        ..Default::default()
    };
    worker.points.award_points_manually(award).await.expect("is awarded");
    let reverse = v1::ReverseAwardRequest {
        name: account(),
        award: 1,
        on: day.clone(),
        reason: NOTES[8].into(),
        ..Default::default()
    };
    leader.points.reverse_award(reverse).await.expect("is reversed");
    said += &conduct(&mut worker, &mut leader, &mut inspector, &name()).await;
    moves(&mut worker, &mut leader, &name()).await;
    support(server, &mut worker, &mut leader, &name()).await;
    let end = v1::TerminateRequest {
        name: name(),
        on: day,
        reason: 2,
        document_no: NOTES[9].into(),
        ..Default::default()
    };
    let last = leader.cases.terminate(end).await.expect("is terminated").into_inner();

    // Entitled replies have them.
    let get = v1::GetPersonRequest {
        name: "people/p-1".into(),
        reveal: true,
        read: after(&registered),
    };
    let revealed = format!("{:?}", worker.people.get_person(get).await.expect("is entitled"));
    assert!(revealed.contains(NAME) && revealed.contains(number), "{revealed}");
    let get = v1::GetCaseRequest {
        name: name(),
        reveal: true,
        read: after(&last),
    };
    let revealed = format!("{:?}", worker.cases.get_case(get).await.expect("is entitled"));
    assert!(NOTES[..3].iter().all(|note| revealed.contains(note)), "{revealed}");

    // Nobody else's have.
    let read = after(&last);
    let masked = v1::GetPersonRequest {
        name: "people/p-1".into(),
        reveal: false,
        read,
    };
    said += &format!("{:?}", inspector.people.get_person(masked).await.expect("is masked"));
    let list = v1::ListCasesRequest {
        station: STATION.into(),
        read,
        ..Default::default()
    };
    said += &format!("{:?}", inspector.cases.list_cases(list).await.expect("is listed"));
    let people = v1::ListPeopleRequest {
        station: STATION.into(),
        read,
        ..Default::default()
    };
    said += &format!("{:?}", inspector.people.list_people(people).await.expect("is listed"));
    for record in ["cases/c1", "pointsAccounts/p-1", "people/p-1"] {
        let by = Some(v1::list_audit_entries_request::By::Record(record.into()));
        let entries = v1::ListAuditEntriesRequest {
            by,
            ..Default::default()
        };
        said += &format!(
            "{:?}",
            inspector.audit.list_audit_entries(entries).await.expect("is listed")
        );
    }
    let access = v1::ListAccessRequest {
        name: "people/p-1".into(),
        ..Default::default()
    };
    said += &format!("{:?}", inspector.people.list_access(access).await.expect("is listed"));
    let replay = v1::ReplayCaseRequest { name: name(), read };
    let mut steps = inspector.audit.replay_case(replay).await.expect("replays").into_inner();
    while let Some(step) = steps.message().await.expect("goes on") {
        said += &format!("{step:?}");
    }
    said
}
