//! What a station, or a unit that it belongs to, may set, above what is shipped.

use super::{CALENDAR, Entry, Layer, Pack, Policy, TRIED, Value, shipped};
use crate::case::TeamPlace;
use crate::case::rules::check_code;
use crate::policy_book::PolicyPackDrafted;
use crate::rejection::{Reason, Rejection};

/// What keys of test plans begin with.
const TEST_PLANS: &str = "tests.urine.per_year.";
/// Tests that a year can hold in windows of whole months.
const TESTS_A_YEAR: [i64; 7] = [0, 1, 2, 3, 4, 6, 12];
/// What keys of team templates begin with.
const TEAM_TEMPLATES: &str = "team.template.";
/// Most codes of a rule.
const CODES_MAX: usize = 50;
/// Largest number of a rule.
const NUMBER_MAX: i64 = 10_000;

impl Policy {
    /// What a statute that binds gives: shipped, above the station, and read in full.
    fn statute(&self, key: &str) -> Option<&Entry> {
        let above = self.packs.iter().filter(|pack| pack.layer < Layer::Station);
        let given = above.filter(|pack| Policy::is_shipped(&pack.pack));
        let mut given = given.filter_map(|pack| pack.values.get(key));
        given.find(|entry| entry.certainty == "A")
    }

    /// A value for a key that a pack has, and the entry of the newest such pack. What only another station has a value for may be
    /// set too.
    pub(super) fn read(&self, field: &'static str, key: &str, text: &str) -> Result<(&Entry, Value), Rejection> {
        let known = self.packs.iter().rev().chain(shipped());
        let mut known = known.filter_map(|pack| pack.values.get(key));
        let wrong = |expected: &str| {
            let no = Rejection::of(Reason::FieldInvalid, field);
            no.with("key", key).with("expected", expected)
        };
        let known = known.next().ok_or_else(|| wrong("a key that a pack has"))?;
        let value = known.value.like(text);
        let value = value.ok_or_else(|| wrong("a value of the kind that the key has"))?;
        let expected = if key.starts_with(TEST_PLANS) {
            let Value::Numbers(numbers) = &value else {
                return Err(wrong("numbers"));
            };
            let fits = numbers.iter().all(|number| TESTS_A_YEAR.contains(number));
            (!fits).then_some("0, 1, 2, 3, 4, 6 or 12 tests a year, with commas between the years")
        } else if key.starts_with(TEAM_TEMPLATES) {
            let place = |code: &String| TeamPlace::ALL.iter().any(|place| place.as_str() == code);
            let fits = matches!(&value, Value::List(codes) if codes.iter().all(place));
            (!fits).then_some("places of a support team, with commas between them")
        } else {
            match &value {
                Value::Number(number) if !(0..=NUMBER_MAX).contains(number) => Some("a number from 0 to 10000"),
                Value::Numbers(numbers) if !numbers.iter().all(|number| (0..=NUMBER_MAX).contains(number)) => {
                    Some("numbers from 0 to 10000")
                }
                Value::List(codes)
                    if codes.len() > CODES_MAX || codes.iter().any(|code| check_code("", code).is_err()) =>
                {
                    Some("at most 50 codes, with commas between them")
                }
                _ => None,
            }
        };
        expected.map_or(Ok((known, value)), |expected| Err(wrong(expected)))
    }

    /// Whether a station may set a value for itself: of a rule that no statute gives, now or at any time.
    ///
    /// # Errors
    /// [`Reason::FieldInvalid`] names a key that no pack has, or a value that is not of its kind; [`Reason::NotOverridable`].
    pub fn check_own(&self, key: &str, text: &str) -> Result<(), Rejection> {
        if key.starts_with(CALENDAR) {
            let no = Rejection::of(Reason::FieldInvalid, "values").with("key", key);
            return Err(no.with("expected", "a rule; calendars are shipped"));
        }
        self.read("values", key, text)?;
        match self.statute(key) {
            Some(entry) => {
                let no = Rejection::of(Reason::NotOverridable, "values").with("key", key);
                Err(no.with("source", &entry.source))
            }
            None => Ok(()),
        }
    }

    /// Whether a name is that of a shipped pack, or of one that is tried.
    pub fn is_shipped(name: &str) -> bool {
        name == TRIED || shipped().iter().any(|pack| pack.pack == name)
    }

    /// The same policy with packs that a unit of a layer has published, in this order, above what is shipped.
    #[must_use]
    pub fn with_packs<'a>(&self, layer: Layer, published: impl Iterator<Item = &'a PolicyPackDrafted>) -> Self {
        let mut policy = self.clone();
        for draft in published {
            let values = draft.values.iter().filter_map(|value| {
                // It was read when it was drafted; what a later release does not know any more, or knows from a statute,
                // binds nobody.
                self.check_own(&value.key, &value.value).ok()?;
                let (_, read) = self.read("values", &value.key, &value.value).ok()?;
                let entry = Entry {
                    value: read,
                    source: value.source.clone(),
                    certainty: value.certainty.clone(),
                };
                Some((value.key.clone(), entry))
            });
            policy.packs.push(Pack {
                pack: draft.pack.clone(),
                layer,
                valid_from: draft.valid_from,
                valid_to: draft.valid_to,
                unit: None,
                values: values.collect(),
            });
        }
        // One that holds later is above one that holds earlier, and of two the one that was drafted last.
        policy.packs.sort_by_key(|pack| (pack.layer, pack.valid_from));
        policy
    }
}
