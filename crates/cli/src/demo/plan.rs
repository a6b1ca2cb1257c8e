//! Who lives in the made-up year, from a seed. Shares follow published figures of a station of this kind: programme
//! mix, monthly contact, talks, late records, suspensions and early ends.

use waystation_domain::Date;
use waystation_domain::calendar::add_days;

use super::person::{Person, Plan};

/// SplitMix64: small, seeded, good enough for a made-up year.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `below - 1`.
    pub(super) fn below(&mut self, below: i32) -> i32 {
        (self.next() % u64::from(below.unsigned_abs().max(1))) as i32
    }

    /// True so many times in a thousand.
    pub(super) fn permille(&mut self, share: i32) -> bool {
        self.below(1_000) < share
    }
}

/// Most are on file when the year begins; the rest come in over the year.
pub(super) fn population(seed: u64, count: u32, first: Date) -> Vec<Person> {
    let mut dice = Dice::new(seed);
    (0..count)
        .map(|number| {
            let newcomer = dice.permille(270);
            let registered = add_days(first, if newcomer { 10 + dice.below(330) } else { dice.below(10) });
            let rehab = dice.permille(550);
            let months = if rehab { 12 + 12 * dice.below(3) } else { 36 };
            // Those on file have up to two years behind them.
            let behind = if newcomer {
                0
            } else {
                30 + dice.below(if months > 12 { 700 } else { 300 })
            };
            let plan = Plan {
                number,
                registered,
                rehab,
                months,
                behind,
                late_report: newcomer && dice.permille(30),
                suspended: dice.permille(30).then(|| add_days(registered, 60 + dice.below(200))),
                ends: dice.permille(60).then(|| add_days(registered, 90 + dice.below(250))),
            };
            Person::new(
                plan,
                Dice::new(seed ^ (u64::from(number) + 1).wrapping_mul(0x9e37_79b9)),
            )
        })
        .collect()
}
