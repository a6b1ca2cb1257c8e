//! Personal data in facts: clear on its way into the log, sealed once it is there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A personal field of a fact. It is never written with the fact: whoever appends the fact seals it beside. A fact that is
/// read back therefore holds none, unless it was stored before fields were sealed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(Option<String>);

impl Personal {
    /// The text, if it is here in clear.
    pub fn clear(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Personal")
    }
}

impl From<&str> for Personal {
    fn from(text: &str) -> Self {
        Personal(Some(text.to_owned()))
    }
}

impl From<&String> for Personal {
    fn from(text: &String) -> Self {
        Personal(Some(text.clone()))
    }
}

impl From<&Option<String>> for Personal {
    fn from(text: &Option<String>) -> Self {
        Personal(text.clone())
    }
}

/// What kind of personal data a field is: what permissions and access records speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldClass {
    /// Status and obligations under a random id.
    Status,
    /// Name and identity number.
    Identity,
    /// Telephone and address.
    Contact,
    /// Numbers of documents.
    Document,
    /// Reasons and notes in somebody's own words.
    Note,
}

impl FieldClass {
    /// All classes.
    pub const ALL: [FieldClass; 5] = [
        FieldClass::Status,
        FieldClass::Identity,
        FieldClass::Contact,
        FieldClass::Document,
        FieldClass::Note,
    ];

    /// The stored and transported name.
    pub fn as_str(self) -> &'static str {
        match self {
            FieldClass::Status => "STATUS",
            FieldClass::Identity => "IDENTITY",
            FieldClass::Contact => "CONTACT",
            FieldClass::Document => "DOCUMENT",
            FieldClass::Note => "NOTE",
        }
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $class:ident $name:literal,)+) => {
        /// Every personal field there is, by the number it has in envelopes and headers, for good.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[repr(u16)]
        pub enum Field { $($(#[$doc])* $variant = $number,)+ }

        impl Field {
            /// All fields.
            pub const ALL: &'static [Field] = &[$(Field::$variant),+];

            /// The transported name.
            pub fn as_str(self) -> &'static str {
                match self { $(Field::$variant => $name,)+ }
            }

            /// What kind of data it is.
            pub fn class(self) -> FieldClass {
                match self { $(Field::$variant => FieldClass::$class,)+ }
            }
        }
    };
}

fields! {
    /// Name.
    Name = 1 Identity "NAME",
    /// 18-digit identity number.
    IdNumber = 2 Identity "ID_NUMBER",
    /// Telephone number.
    Phone = 3 Contact "PHONE",
    /// Address.
    Address = 4 Contact "ADDRESS",
    /// Number of the order.
    OrderNo = 5 Document "ORDER_NO",
    /// Number of the release certificate.
    ReleaseNo = 6 Document "RELEASE_NO",
    /// Number of the agreement.
    AgreementNo = 7 Document "AGREEMENT_NO",
    /// Number of the file.
    FileNo = 8 Document "FILE_NO",
    /// Number of another document.
    DocumentNo = 9 Document "DOCUMENT_NO",
    /// Number of the discharge notice.
    NoticeNo = 10 Document "NOTICE_NO",
    /// Why somebody was late, as a supervisor accepted it.
    Justification = 11 Note "JUSTIFICATION",
    /// Why something was recorded or decided as it was.
    Reason = 12 Note "REASON",
    /// What was talked about.
    Note = 13 Note "NOTE",
    /// What the law protects somebody for.
    Protected = 14 Note "PROTECTED",
}

impl Field {
    /// The number in envelopes and headers.
    pub fn number(self) -> u16 {
        self as u16
    }
}

/// The fields that hold something in clear.
pub(crate) fn present<'a>(fields: &[(Field, &'a Personal)]) -> Vec<(Field, &'a str)> {
    let clear = fields
        .iter()
        .filter_map(|(field, personal)| Some((*field, personal.clear()?)));
    clear.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_shown_by_nothing_and_numbers_are_unique() {
        let name = Personal::from("王小明");
        assert!(!format!("{name:?}").contains('王'));
        let mut numbers: Vec<u16> = Field::ALL.iter().map(|field| field.number()).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), Field::ALL.len());
    }
}
