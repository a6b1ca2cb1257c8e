//! Identity numbers, names and telephone numbers as people write them, brought into the one form they are kept in.

use super::event::Gender;
use crate::rejection::{Reason, Rejection};

/// Longest name in characters: 民委发〔2016〕33号 asks for room for at least 50.
const NAME_CHARS_MAX: usize = 100;
/// The separator in names, U+00B7 (民委发〔2016〕33号).
const SEPARATOR: char = '·';
/// What is typed instead of it.
const TYPED_SEPARATORS: [char; 4] = ['•', '・', '．', '‧'];

/// An 18-digit identity number whose check digit is right (GB 11643-1999).
#[derive(Clone, PartialEq, Eq)]
pub struct IdNumber(String);

/// Weights of the first 17 digits, and the check digits of their weighted sum modulo 11 (GB 11643-1999, 4.2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_DIGITS: &[u8; 11] = b"10X98765432";

/// The check digit of the first 17 digits of a number; `None` when they are not that.
pub fn check_digit(first: &str) -> Option<char> {
    let digits: Option<Vec<u32>> = first.chars().map(|digit| digit.to_digit(10)).collect();
    let digits = digits.filter(|digits| digits.len() == WEIGHTS.len())?;
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    Some(CHECK_DIGITS[(sum % 11) as usize] as char)
}

impl IdNumber {
    /// Reads a number; a small x and outer spaces are accepted.
    ///
    /// # Errors
    /// [`Reason::IdNumberInvalid`], which never quotes the number.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Rejection> {
        let wrong = || Rejection::of(Reason::IdNumberInvalid, field);
        let text = text.trim().to_ascii_uppercase();
        let Some((first, last)) = text.split_at_checked(17) else {
            return Err(wrong());
        };
        if check_digit(first).is_none_or(|digit| last.chars().ne([digit])) {
            return Err(wrong());
        }
        let number = Self(text);
        let born = (number.digits(6, 10), number.digits(10, 12), number.digits(12, 14));
        let day = jiff::civil::Date::new(born.0, born.1 as i8, born.2 as i8);
        if day.is_err() || born.0 < 1900 {
            return Err(wrong());
        }
        Ok(number)
    }

    fn digits(&self, from: usize, to: usize) -> i16 {
        self.0[from..to].parse().unwrap_or(0)
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Year of birth.
    pub fn birth_year(&self) -> i16 {
        self.digits(6, 10)
    }

    /// Gender: the 17th digit is odd for men.
    pub fn gender(&self) -> Gender {
        if self.digits(16, 17) % 2 == 1 {
            Gender::Male
        } else {
            Gender::Female
        }
    }
}

/// Whether text holds somebody's identity number, or is a mobile telephone number: no id and no code may.
pub fn is_personal_number(text: &str) -> bool {
    let identity = text
        .as_bytes()
        .windows(18)
        .filter_map(|window| std::str::from_utf8(window).ok())
        .any(|window| IdNumber::parse("", window).is_ok());
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    identity || digits && text.len() == 11 && text.starts_with('1') && !text.starts_with("10")
}

fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// A name as it is kept: without outer spaces, with U+00B7 between its parts whatever was typed. 1 to 100 characters, no
/// control characters.
///
/// # Errors
/// [`Reason::FieldInvalid`], which never quotes the name.
pub fn normalise_name(field: &'static str, text: &str) -> Result<String, Rejection> {
    let typed: Vec<char> = text.trim().chars().collect();
    let wrong = || Rejection::of(Reason::FieldInvalid, field).with("expected", "1 to 100 characters of a name");
    if typed.is_empty() || typed.len() > NAME_CHARS_MAX || typed.iter().any(|one| one.is_control()) {
        return Err(wrong());
    }
    let kept = typed.iter().enumerate().map(|(at, one)| {
        let between = at > 0 && at + 1 < typed.len() && is_han(typed[at - 1]) && is_han(typed[at + 1]);
        if TYPED_SEPARATORS.contains(one) && between {
            SEPARATOR
        } else {
            *one
        }
    });
    Ok(kept.collect())
}

/// A telephone number as it is kept: 5 to 20 digits, a leading plus sign allowed; spaces and hyphens are left out.
///
/// # Errors
/// [`Reason::FieldInvalid`], which never quotes the number.
pub fn normalise_phone(field: &'static str, text: &str) -> Result<String, Rejection> {
    let kept: String = text.chars().filter(|one| !matches!(one, ' ' | '-')).collect();
    let digits = kept.strip_prefix('+').unwrap_or(&kept);
    if (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(kept)
    } else {
        Err(Rejection::of(Reason::FieldInvalid, field).with("expected", "5 to 20 digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_finds_every_single_wrong_digit() {
        // The example of GB 11643-1999, 4.3.
        let number = "11010519491231002X";
        let read = IdNumber::parse("id_number", number).expect("is the standard's own");
        assert_eq!((read.birth_year(), read.gender()), (1949, Gender::Female));
        assert!(IdNumber::parse("id_number", " 11010519491231002x ").is_ok());
        for at in 0..18 {
            for digit in '0'..='9' {
                let mut altered: Vec<char> = number.chars().collect();
                if altered[at] == digit {
                    continue;
                }
                altered[at] = digit;
                let altered: String = altered.into_iter().collect();
                let error = IdNumber::parse("id_number", &altered).err().expect("is refused");
                assert!(!error.to_string().contains(&altered), "a number is never quoted");
            }
        }
        for text in [
            "",
            "1101051949123100",
            "110105194912310021234",
            "１１０１０５１９４９１２３１００２X",
        ] {
            assert!(IdNumber::parse("id_number", text).is_err(), "{text}");
        }
        // A day that does not exist, with a right check digit.
        let impossible = "110105194902300020";
        let sum: u32 = impossible
            .chars()
            .take(17)
            .zip(WEIGHTS)
            .map(|(d, w)| d.to_digit(10).expect("is one") * w)
            .sum();
        let right = format!("{}{}", &impossible[..17], CHECK_DIGITS[(sum % 11) as usize] as char);
        assert!(IdNumber::parse("id_number", &right).is_err());
    }

    #[test]
    fn names_and_numbers_have_one_form() {
        for (typed, kept) in [
            (" 王小明 ", "王小明"),
            ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
            ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
            ("𬱖伟", "𬱖伟"),
            ("Anna Li", "Anna Li"),
        ] {
            assert_eq!(normalise_name("name", typed).as_deref(), Ok(kept));
        }
        let long = "明".repeat(101);
        for wrong in ["", "  ", "王\n明", long.as_str()] {
            assert!(normalise_name("name", wrong).is_err());
        }
        assert_eq!(normalise_phone("phone", "138 0013-8000").as_deref(), Ok("13800138000"));
        assert_eq!(
            normalise_phone("phone", "+8613800138000").as_deref(),
            Ok("+8613800138000")
        );
        for wrong in ["1234", "phone", "１３８００１３８０００"] {
            assert!(normalise_phone("phone", wrong).is_err());
        }
    }
}
