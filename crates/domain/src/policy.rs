//! Rule values are data: dated, layered packs, each value with its source and how certain it is.
//!
//! A is a statute or notice read in full, B a secondary source, C a default that a person must confirm.

mod own;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::civil::Weekday;
use serde::Deserialize;

use crate::rejection::{Reason, Rejection};

/// From the whole country down to one station; a lower layer overrides an upper one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Layer {
    /// Statute and State Council regulations.
    National,
    /// Province.
    Province,
    /// City.
    City,
    /// District or county.
    District,
    /// Sub-district or town.
    SubDistrict,
    /// One station.
    Station,
}

impl Layer {
    /// The name in packs.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::National => "NATIONAL",
            Layer::Province => "PROVINCE",
            Layer::City => "CITY",
            Layer::District => "DISTRICT",
            Layer::SubDistrict => "SUB_DISTRICT",
            Layer::Station => "STATION",
        }
    }
}

/// One rule value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: Value,
    source: String,
    certainty: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Value {
    Flag(bool),
    Number(i64),
    Numbers(Vec<i64>),
    List(Vec<String>),
}

impl std::fmt::Display for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Flag(flag) => flag.fmt(out),
            Value::Number(number) => number.fmt(out),
            Value::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
                out.write_str(&numbers.join(","))
            }
            Value::List(codes) => out.write_str(&codes.join(",")),
        }
    }
}

impl Value {
    /// A value of the same kind.
    fn like(&self, text: &str) -> Option<Value> {
        let numbers: Option<Vec<i64>> = text.split(',').map(|one| one.trim().parse().ok()).collect();
        Some(match self {
            Value::Flag(_) => Value::Flag(text.parse().ok()?),
            Value::Number(_) => Value::Number(text.parse().ok()?),
            Value::Numbers(_) => Value::Numbers(numbers?),
            Value::List(_) => Value::List(text.split(',').map(|one| one.trim().to_owned()).collect()),
        })
    }
}

/// A set of values in force for some time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    pack: String,
    layer: Layer,
    valid_from: Date,
    valid_to: Option<Date>,
    /// Unit it is for, with all that belongs to it; everybody when absent.
    unit: Option<String>,
    values: BTreeMap<String, Entry>,
}

impl Pack {
    fn in_force(&self, day: Date) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|to| day <= to)
    }
}

/// The packs that bind one station.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Upper layers first, older packs first within a layer.
    packs: Vec<Pack>,
    holidays: Vec<(Date, Date)>,
    working_days: Vec<Date>,
}

/// Other values for keys that are there, from some day on; for trying out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// First day of the values.
    pub valid_from: Date,
    /// Keys and values: a number, numbers or codes with commas between them, `true` or `false`.
    pub set: Vec<(String, String)>,
}

/// A value in force, with everything that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyValue {
    /// Key.
    pub key: String,
    /// A number, numbers or codes with commas between them, `true` or `false`.
    pub value: String,
    /// Pack that gives it.
    pub pack: String,
    /// How far the pack reaches.
    pub layer: Layer,
    /// First day of the pack.
    pub valid_from: Date,
    /// Last day of the pack.
    pub valid_to: Option<Date>,
    /// Statute, notice or practice behind it.
    pub source: String,
    /// A, B or C; see the module.
    pub certainty: String,
}

/// What keys of calendars begin with.
const CALENDAR: &str = "calendar.";

/// Name of the pack that a [`PolicyChange`] makes.
const TRIED: &str = "tried";

/// A value with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Pack that gave it.
    pub pack: String,
    /// Statute, notice or practice behind it.
    pub source: String,
    /// A, B or C; see the module.
    pub certainty: String,
}

const SHIPPED: [&str; 10] = [
    // First: any pack of the same layer and day overrides a default.
    include_str!("../policy/defaults.json"),
    include_str!("../policy/national-2011-06-26.json"),
    include_str!("../policy/calendar-2025.json"),
    include_str!("../policy/calendar-2026.json"),
    include_str!("../policy/zhejiang-statute.json"),
    include_str!("../policy/shanghai.json"),
    include_str!("../policy/chongqing-2012.json"),
    include_str!("../policy/hunan-huaihua-2020.json"),
    include_str!("../policy/fujian-xianyou-2012.json"),
    include_str!("../policy/qinglongshan.json"),
];

/// Every pack of this release.
fn shipped() -> &'static [Pack] {
    static PACKS: OnceLock<Vec<Pack>> = OnceLock::new();
    PACKS.get_or_init(|| {
        let read = |text: &&str| serde_json::from_str::<Pack>(text).expect("shipped packs are read by a test");
        SHIPPED.iter().map(read).collect()
    })
}

impl Policy {
    /// The packs shipped with this release, as they bind a station that belongs to nothing.
    ///
    /// # Panics
    /// Never: a test reads every shipped pack.
    pub fn shipped(station: &str) -> Self {
        Self::shipped_for(&[station])
    }

    /// The packs shipped with this release, as they bind a station: itself, and what it belongs to.
    ///
    /// # Panics
    /// Never: a test reads every shipped pack.
    pub fn shipped_for(units: &[&str]) -> Self {
        let binds = |pack: &&Pack| pack.unit.as_deref().is_none_or(|only| units.contains(&only));
        let mut packs: Vec<Pack> = shipped().iter().filter(binds).cloned().collect();
        packs.sort_by_key(|pack| (pack.layer, pack.valid_from));
        let list = |key: &str| {
            let entries = packs.iter().filter_map(|pack| pack.values.get(key));
            entries
                .filter_map(|entry| {
                    if let Value::List(list) = &entry.value {
                        Some(list.clone())
                    } else {
                        None
                    }
                })
                .flatten()
                .collect::<Vec<_>>()
        };
        let day = |text: &str| text.parse::<Date>().expect("shipped calendars are read by a test");
        let holidays = list("calendar.holidays")
            .iter()
            .filter_map(|span| span.split_once(".."))
            .map(|(from, to)| (day(from), day(to)))
            .collect();
        let working_days = list("calendar.working_days").iter().map(|text| day(text)).collect();
        Self {
            packs,
            holidays,
            working_days,
        }
    }

    /// Every value in force on a day, by key.
    pub fn values(&self, day: Date) -> Vec<PolicyValue> {
        let keys: BTreeSet<&String> = self.packs.iter().flat_map(|pack| pack.values.keys()).collect();
        let rules = keys.into_iter().filter(|key| !key.starts_with(CALENDAR));
        let found = rules.filter_map(|key| {
            let (pack, entry) = self.find(key, day)?;
            Some(PolicyValue {
                key: key.clone(),
                value: entry.value.to_string(),
                pack: pack.pack.clone(),
                layer: pack.layer,
                valid_from: pack.valid_from,
                valid_to: pack.valid_to,
                source: entry.source.clone(),
                certainty: entry.certainty.clone(),
            })
        });
        found.collect()
    }

    /// The same policy with other values, above all packs.
    ///
    /// # Errors
    /// [`Reason::FieldInvalid`] names a key that no pack has, or a value that is not of its kind.
    pub fn with_change(&self, change: &PolicyChange) -> Result<Self, Rejection> {
        let mut values = BTreeMap::new();
        for (key, text) in &change.set {
            let (known, value) = self.read("set", key, text)?;
            let (source, certainty) = (TRIED.to_owned(), known.certainty.clone());
            values.insert(
                key.clone(),
                Entry {
                    value,
                    source,
                    certainty,
                },
            );
        }
        let mut changed = self.clone();
        changed.packs.push(Pack {
            pack: TRIED.to_owned(),
            layer: Layer::Station,
            valid_from: change.valid_from,
            valid_to: None,
            unit: None,
            values,
        });
        Ok(changed)
    }

    /// The same with one more pack.
    #[cfg(test)]
    pub(crate) fn with_pack(mut self, text: &str) -> Self {
        self.packs.push(serde_json::from_str(text).expect("is a pack"));
        self.packs.sort_by_key(|pack| (pack.layer, pack.valid_from));
        self
    }

    fn find(&self, key: &str, day: Date) -> Option<(&Pack, &Entry)> {
        let in_force = self.packs.iter().rev().filter(|pack| pack.in_force(day));
        in_force.filter_map(|pack| Some((pack, pack.values.get(key)?))).next()
    }

    fn sourced<T>(&self, key: &str, day: Date, read: impl Fn(&Value) -> Option<T>) -> Result<Sourced<T>, Rejection> {
        let missing = || {
            Rejection::from(Reason::PolicyNotInForce)
                .with("key", key)
                .with("day", day)
        };
        let (pack, entry) = self.find(key, day).ok_or_else(missing)?;
        Ok(Sourced {
            value: read(&entry.value).ok_or_else(missing)?,
            pack: pack.pack.clone(),
            source: entry.source.clone(),
            certainty: entry.certainty.clone(),
        })
    }

    /// A number in force on a day.
    ///
    /// # Errors
    /// [`Reason::PolicyNotInForce`].
    pub fn number(&self, key: &str, day: Date) -> Result<Sourced<i64>, Rejection> {
        self.sourced(key, day, |value| {
            if let Value::Number(number) = value {
                Some(*number)
            } else {
                None
            }
        })
    }

    /// A yes or no in force on a day.
    ///
    /// # Errors
    /// [`Reason::PolicyNotInForce`].
    pub fn flag(&self, key: &str, day: Date) -> Result<Sourced<bool>, Rejection> {
        self.sourced(key, day, |value| {
            if let Value::Flag(flag) = value {
                Some(*flag)
            } else {
                None
            }
        })
    }

    /// A list of codes in force on a day.
    ///
    /// # Errors
    /// [`Reason::PolicyNotInForce`].
    pub fn list(&self, key: &str, day: Date) -> Result<Sourced<Vec<String>>, Rejection> {
        self.sourced(key, day, |value| {
            if let Value::List(list) = value {
                Some(list.clone())
            } else {
                None
            }
        })
    }

    /// A list of numbers in force on a day.
    ///
    /// # Errors
    /// [`Reason::PolicyNotInForce`].
    pub fn numbers(&self, key: &str, day: Date) -> Result<Sourced<Vec<i64>>, Rejection> {
        self.sourced(key, day, |value| {
            if let Value::Numbers(numbers) = value {
                Some(numbers.clone())
            } else {
                None
            }
        })
    }

    /// Names of the packs in force on a day, lowest layer last.
    pub fn packs_in_force(&self, day: Date) -> impl Iterator<Item = &str> {
        let in_force = self.packs.iter().filter(move |pack| pack.in_force(day));
        in_force.map(|pack| pack.pack.as_str())
    }

    /// Whether offices work on a day: weekdays that are not holidays, and weekends worked in place of one.
    pub fn is_working_day(&self, day: Date) -> bool {
        if self.working_days.contains(&day) {
            return true;
        }
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        !weekend && !self.holidays.iter().any(|(from, to)| *from <= day && day <= *to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_shipped_value_names_a_source_and_a_certainty() {
        for text in SHIPPED {
            let pack: Pack = serde_json::from_str(text).expect("reads");
            for (key, entry) in &pack.values {
                assert!(!entry.source.is_empty(), "{} {key}", pack.pack);
                assert!(
                    ["A", "B", "C"].contains(&entry.certainty.as_str()),
                    "{} {key}",
                    pack.pack
                );
            }
        }
    }

    #[test]
    fn a_value_comes_with_its_pack_and_is_missing_before_it_was_in_force() {
        let policy = Policy::shipped("station-qinglongshan");
        let days = policy.number("report_in.days.CD", date(2026, 1, 5)).expect("in force");
        assert_eq!(
            (days.value, days.pack.as_str(), days.certainty.as_str()),
            (15, "national/2011-06-26", "A")
        );
        let early = policy.number("report_in.days.CD", date(2011, 6, 25));
        assert_eq!(
            early.map_err(|rejection| rejection.reason),
            Err(Reason::PolicyNotInForce)
        );
    }

    #[test]
    fn the_calendar_knows_holidays_and_the_weekends_worked_for_them() {
        let policy = Policy::shipped("station-qinglongshan");
        assert!(!policy.is_working_day(date(2026, 10, 5)));
        assert!(
            policy.is_working_day(date(2026, 10, 10)),
            "a Saturday worked in place of a holiday"
        );
        assert!(!policy.is_working_day(date(2026, 10, 11)));
    }
}
