//! A pack is written.

use jiff::civil::Date;
use serde::Serialize;

use super::{PackValue, PolicyBook, PolicyEvent, PolicyPackDrafted, check_actor};
use crate::calendar::{FIRST_DAY, LAST_DAY};
use crate::kernel::{Command, Context};
use crate::policy::Policy;
use crate::rejection::{Reason, Rejection};

/// Most values of a pack.
const VALUES_MAX: usize = 50;
/// Most packs of a unit.
const PACKS_MAX: usize = 500;
/// Digits in a row that may be somebody's number.
const PERSONAL_DIGITS_MIN: usize = 11;
/// Longest source in characters.
const SOURCE_CHARS_MAX: usize = 200;

/// Drafts a pack: values for keys that shipped packs have, none of which a statute gives. It binds nobody until another has
/// reviewed it and it is published.
#[derive(Clone, Debug, Serialize)]
pub struct DraftPolicyPack {
    /// The station, or the unit that stations belong to.
    pub unit: String,
    /// Name of the pack, such as `qinglongshan/2026-04`.
    pub pack: String,
    /// First day.
    pub valid_from: Date,
    /// Last day; no end when absent.
    pub valid_to: Option<Date>,
    /// It is meant to hold for days that have passed.
    pub retroactive: bool,
    /// 1 to 50 values.
    pub values: Vec<PackValue>,
}

fn check_name(name: &str) -> Result<(), Rejection> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
        let expected = "1 to 64 letters, digits, `-`, `_`, `.` or `/`";
        return Err(Rejection::of(Reason::FieldInvalid, "pack").with("expected", expected));
    }
    Ok(())
}

/// Whether a text holds what may be a telephone or identity number: a pack is never sealed.
fn has_number(text: &str) -> bool {
    let mut digits = 0;
    text.chars().any(|letter| {
        digits = if letter.is_ascii_digit() { digits + 1 } else { 0 };
        digits >= PERSONAL_DIGITS_MIN
    })
}

impl Command for DraftPolicyPack {
    type Aggregate = PolicyBook;
    const NAME: &'static str = "DraftPolicyPack";

    fn decide(&self, book: &PolicyBook, context: &Context<'_>) -> Result<Vec<PolicyEvent>, Rejection> {
        check_actor(&self.unit, context)?;
        check_name(&self.pack)?;
        // Not the name of a shipped pack either: it would stand for a source that it is not.
        if book.pack(&self.pack).is_some() || Policy::is_shipped(&self.pack) {
            return Err(Rejection::of(Reason::PackExists, "pack"));
        }
        if book.packs.len() >= PACKS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "pack").with("expected", "at most 500 packs of a unit"));
        }
        if self.valid_from < FIRST_DAY || self.valid_from > LAST_DAY {
            return Err(Rejection::of(Reason::DateOutOfRange, "valid_from"));
        }
        if self.valid_to.is_some_and(|to| to < self.valid_from) {
            let expected = format!("{} or later", self.valid_from);
            return Err(Rejection::of(Reason::FieldInvalid, "valid_to").with("expected", expected));
        }
        if self.valid_from < context.today && !self.retroactive {
            return Err(Rejection::of(Reason::Retroactive, "valid_from").with("today", context.today));
        }
        if self.values.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "values"));
        }
        if self.values.len() > VALUES_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "values").with("expected", "at most 50"));
        }
        let mut keys: Vec<&str> = self.values.iter().map(|value| value.key.as_str()).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            let no = Rejection::of(Reason::FieldInvalid, "values").with("key", twice[0]);
            return Err(no.with("expected", "each key once"));
        }
        for value in &self.values {
            let chars = value.source.chars().count();
            let sealed = has_number(&value.source) || value.source.chars().any(char::is_control);
            if chars == 0 || chars > SOURCE_CHARS_MAX || sealed {
                let no = Rejection::of(Reason::FieldInvalid, "values").with("key", &value.key);
                return Err(no.with("expected", "a source of 1 to 200 characters, and nobody's number"));
            }
            if !["A", "B", "C"].contains(&value.certainty.as_str()) {
                let no = Rejection::of(Reason::FieldInvalid, "values").with("key", &value.key);
                return Err(no.with("expected", "a certainty: A, B or C"));
            }
            context.policy.check_own(&value.key, &value.value)?;
        }
        Ok(vec![
            PolicyPackDrafted {
                pack: self.pack.clone(),
                valid_from: self.valid_from,
                valid_to: self.valid_to,
                retroactive: self.retroactive,
                values: self.values.clone(),
                by: context.actor.id.clone(),
            }
            .into(),
        ])
    }
}
