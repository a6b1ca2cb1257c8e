//! The points account against an obvious model, and its rules as examples.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::kernel::{Aggregate, Command, Context, Principal, Role};
use crate::policy::Policy;
use crate::rejection::Reason;
use crate::spec::{Given, given};

fn manual(on: Date, amount: i64) -> AwardManually {
    let approved_by = (amount > 20).then(|| "leader-1".to_owned());
    AwardManually {
        person: "p-1".into(),
        on,
        amount,
        reason: "HELPED_OUT".into(),
        approved_by,
    }
}

fn spend(on: Date, points: i64) -> RedeemPoints {
    let line = ItemLine {
        sku: "detergent".into(),
        kind: "HOUSEHOLD".into(),
        quantity: 1,
        points,
    };
    RedeemPoints { on, lines: vec![line] }
}

fn check_in_award() -> AwardPoints {
    let basis = Basis {
        event: "case-1/5".into(),
        event_type: "case.check_in_recorded.v1".into(),
        person: "p-1".into(),
        on: date(2026, 3, 2),
    };
    AwardPoints {
        person: "p-1".into(),
        rule: "check_in".into(),
        basis,
    }
}

fn holding(amount: i64) -> Given<PointsAccount> {
    given::<PointsAccount>([])
        .then(&manual(date(2026, 3, 2), amount))
        .by("store-1", Role::StoreKeeper)
}

#[test]
fn an_event_is_rewarded_once_by_its_rule() {
    let awarded = given::<PointsAccount>([]).then(&check_in_award());
    assert_eq!(awarded.state().balance(), 3);
    assert_eq!(awarded.reason(&check_in_award()), Reason::AlreadyAwarded);
    let wrong = AwardPoints {
        rule: "talk".into(),
        ..check_in_award()
    };
    assert_eq!(awarded.reason(&wrong), Reason::BasisWrongKind);
    let other = AwardPoints {
        person: "p-2".into(),
        ..check_in_award()
    };
    assert_eq!(awarded.reason(&other), Reason::BasisOfAnother);
    let unknown = AwardPoints {
        rule: "smile".into(),
        ..check_in_award()
    };
    assert_eq!(awarded.reason(&unknown), Reason::RuleUnknown);
}

#[test]
fn a_large_manual_award_needs_somebody_else() {
    let account = given::<PointsAccount>([]);
    let alone = AwardManually {
        approved_by: None,
        ..manual(date(2026, 3, 2), 21)
    };
    assert_eq!(account.reason(&alone), Reason::SecondPersonRequired);
    let oneself = AwardManually {
        approved_by: Some("worker-1".into()),
        ..alone
    };
    assert_eq!(account.reason(&oneself), Reason::SamePersonForbidden);
    assert!(account.when(&manual(date(2026, 3, 2), 21)).is_ok());
    assert_eq!(account.reason(&manual(date(2026, 3, 2), 121)), Reason::CapReached);
    for amount in [0, -5, i64::MIN, i64::MAX, 100_001] {
        assert_eq!(
            account.reason(&manual(date(2026, 3, 2), amount)),
            Reason::AmountOutOfRange
        );
    }
}

#[test]
fn nobody_spends_more_than_there_is_or_on_what_is_banned() {
    assert_eq!(holding(10).reason(&spend(date(2026, 3, 2), 11)), Reason::BalanceTooLow);
    let mut tobacco = spend(date(2026, 3, 2), 5);
    tobacco.lines[0].kind = "TOBACCO".into();
    assert_eq!(holding(10).reason(&tobacco), Reason::ItemBanned);
    let empty = given::<PointsAccount>([]).by("store-1", Role::StoreKeeper);
    assert_eq!(empty.reason(&spend(date(2026, 3, 2), 1)), Reason::AccountNotFound);
}

#[test]
fn points_expire_at_the_end_of_their_last_day() {
    let account = holding(10).by("clock", Role::System);
    assert_eq!(account.on(date(2027, 3, 2)).when(&ExpirePoints {}), Ok(vec![]));
    let expired = holding(10)
        .by("clock", Role::System)
        .on(date(2027, 3, 3))
        .then(&ExpirePoints {});
    assert_eq!(
        (
            expired.state().balance(),
            expired.state().expired,
            expired.state().sum()
        ),
        (0, 10, 0)
    );
}

#[test]
fn what_is_spent_cannot_be_taken_back() {
    let account = holding(10)
        .then(&spend(date(2026, 3, 2), 4))
        .by("leader-1", Role::Supervisor);
    let reverse = ReverseAward {
        award: 1,
        on: date(2026, 3, 2),
        reason: "BASIS_VOID".into(),
    };
    let reversed = account.then(&reverse);
    let state = reversed.state();
    assert_eq!(
        (state.balance(), state.write_off, state.issue, state.sum()),
        (0, -4, 0, 0)
    );
    assert_eq!(reversed.reason(&reverse), Reason::AwardReversed);
}

#[test]
fn a_cancelled_redemption_returns_points_to_their_own_lots() {
    let account = holding(10).then(&spend(date(2026, 3, 2), 10));
    let cancel = CancelRedemption {
        redemption: 1,
        on: date(2026, 3, 2),
    };
    let cancelled = account.then(&cancel);
    assert_eq!(
        (cancelled.state().balance(), cancelled.state().lots[0].expires_on),
        (10, date(2027, 3, 2))
    );
    assert_eq!(cancelled.reason(&cancel), Reason::RedemptionCancelled);
}

/// The obvious account: every unspent point is an entry of its own.
#[derive(Default)]
struct Model {
    /// (expires_on, award) of every unspent point.
    points: Vec<(Date, u32)>,
    awards: u32,
}

fn apply(account: &mut PointsAccount, events: &[PointsEvent]) {
    for event in events {
        account.evolve(event);
    }
}

proptest! {
    #[test]
    fn any_history_keeps_the_sum_at_zero_and_the_balance_equal_to_the_model(
        steps in prop::collection::vec((0..4_u8, 1..30_i64, 0..40_i32, 0..6_u32), 0..60)
    ) {
        let policy = Policy::shipped("station-qinglongshan");
        let mut account = PointsAccount::default();
        let mut model = Model::default();
        let mut today = date(2026, 1, 5);
        let actor = Principal { id: "clock".into(), role: Role::System, station: "s".into() };
        for (kind, amount, days, which) in steps {
            today = crate::calendar::add_days(today, days);
            let context = Context { today, actor: &actor, policy: &policy };
            match kind {
                0 => if let Ok(events) = manual(today, amount).decide(&account, &context) {
                    model.awards += 1;
                    let last = crate::calendar::add_months(today, 12);
                    model.points.extend(std::iter::repeat_n((last, model.awards), amount as usize));
                    apply(&mut account, &events);
                },
                1 => {
                    let result = spend(today, amount).decide(&account, &context);
                    let spendable = model.points.iter().filter(|(last, _)| *last >= today).count();
                    prop_assert_eq!(result.is_ok(), amount as usize <= spendable && model.awards > 0);
                    if let Ok(events) = result {
                        model.points.sort_unstable();
                        let mut left = amount;
                        model.points.retain(|(last, _)| { let keep = *last < today || left == 0; left -= i64::from(!keep); keep });
                        apply(&mut account, &events);
                    }
                }
                2 => {
                    let reverse = ReverseAward { award: which, on: today, reason: "BASIS_VOID".into() };
                    if let Ok(events) = reverse.decide(&account, &context) {
                        model.points.retain(|(_, award)| *award != which);
                        apply(&mut account, &events);
                    }
                }
                _ => {
                    let events = ExpirePoints {}.decide(&account, &context).expect("the clock may");
                    model.points.retain(|(last, _)| *last >= today);
                    apply(&mut account, &events);
                }
            }
            prop_assert_eq!(account.sum(), 0);
            prop_assert_eq!(account.balance(), model.points.len() as i64);
            prop_assert!(account.lots.iter().all(|lot| lot.remaining > 0));
        }
    }
}
