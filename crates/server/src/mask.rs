//! Masking, as people in Chinese offices expect it: enough to tell persons apart, not enough to know who they are.

/// `王*`, `王*明`: the first character, and the last of three or more.
pub(crate) fn name(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    match letters[..] {
        [] => String::new(),
        [_] => "*".to_owned(),
        [first, _] => format!("{first}*"),
        [first, .., last] => format!("{first}{}{last}", "*".repeat(letters.len() - 2)),
    }
}

/// The first and last few characters.
fn ends(text: &str, first: usize, last: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= first + last {
        return "*".repeat(letters.len());
    }
    let hidden = letters.len() - first - last;
    letters[..first]
        .iter()
        .copied()
        .chain(std::iter::repeat_n('*', hidden))
        .chain(letters[letters.len() - last..].iter().copied())
        .collect()
}

/// `110************02X`
pub(crate) fn id_number(text: &str) -> String {
    ends(text, 3, 3)
}

/// `138****8000`
pub(crate) fn phone(text: &str) -> String {
    ends(text, 3, 4)
}

/// `青龙山***`
pub(crate) fn address(text: &str) -> String {
    ends(text, 3, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_is_hidden() {
        assert_eq!(name("王明"), "王*");
        assert_eq!(name("王小明"), "王*明");
        assert_eq!(name("欧"), "*");
        assert_eq!(id_number("11010519491231002X"), "110************02X");
        assert_eq!(phone("13800138000"), "138****8000");
        assert_eq!(phone("12345"), "*****");
        assert_eq!(address("青龙山街道1号"), "青龙山****");
    }
}
