//! Page tokens: where a list goes on, bound to the query that it belongs to.

use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::ids;

/// Longest token in bytes; keys hold ids and codes only.
const TOKEN_BYTES_MAX: usize = 4_096;

/// Where a list goes on.
#[derive(Serialize, Deserialize)]
pub(super) struct Token {
    /// The moment the list is for.
    pub(super) at: u64,
    /// The last key looked at.
    pub(super) value: String,
    /// Its document.
    pub(super) id: String,
}

#[derive(Serialize, Deserialize)]
struct Bound {
    query: [u8; 16],
    token: Token,
}

fn digest(query: &[&str]) -> [u8; 16] {
    let parts: Vec<&[u8]> = query.iter().map(|part| part.as_bytes()).collect();
    ids::digest(&parts)
}

impl Token {
    pub(super) fn write(self, query: &[&str]) -> String {
        let bound = Bound {
            query: digest(query),
            token: self,
        };
        ids::hex(&serde_json::to_vec(&bound).unwrap_or_default())
    }

    /// `None` for an empty token.
    pub(super) fn read(text: &str, query: &[&str]) -> Result<Option<Token>, AppError> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > TOKEN_BYTES_MAX || !text.is_ascii() || !text.len().is_multiple_of(2) {
            return Err(AppError::PageTokenMismatch);
        }
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16);
        let bytes: Result<Vec<u8>, _> = (0..text.len()).step_by(2).map(byte).collect();
        let bytes = bytes.map_err(|_| AppError::PageTokenMismatch)?;
        let bound: Bound = serde_json::from_slice(&bytes).map_err(|_| AppError::PageTokenMismatch)?;
        if bound.query == digest(query) {
            Ok(Some(bound.token))
        } else {
            Err(AppError::PageTokenMismatch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_on_with_its_own_query_only() {
        let text = Token {
            at: 7,
            value: "v".into(),
            id: "i".into(),
        }
        .write(&["caseload", "station-a"]);
        let same = Token::read(&text, &["caseload", "station-a"])
            .expect("is its own")
            .expect("is there");
        assert_eq!((same.at, same.value.as_str(), same.id.as_str()), (7, "v", "i"));
        assert!(matches!(
            Token::read(&text, &["caseload", "station-b"]),
            Err(AppError::PageTokenMismatch)
        ));
        for nonsense in ["zz", "a", "\u{4e2d}\u{6587}", "7b7d"] {
            assert!(
                matches!(Token::read(nonsense, &["x"]), Err(AppError::PageTokenMismatch)),
                "{nonsense}"
            );
        }
    }
}
