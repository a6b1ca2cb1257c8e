//! The two languages people read; keys, codes and JSON stay English.

use std::sync::OnceLock;

static CHINESE: OnceLock<bool> = OnceLock::new();

/// Chosen by `--lang`, else by the environment (`LC_ALL`, `LC_MESSAGES`, `LANG`).
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// 中文
    Zh,
}

pub(crate) fn choose(language: Option<Language>) {
    let from_environment = || {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| set(name))
            .is_some_and(|value| value.starts_with("zh"))
    };
    let chinese = language.map_or_else(from_environment, |language| matches!(language, Language::Zh));
    let _ = CHINESE.set(chinese);
}

/// The text in the chosen language.
pub(crate) fn say<'a>(english: &'a str, chinese: &'a str) -> &'a str {
    if *CHINESE.get().unwrap_or(&false) {
        chinese
    } else {
        english
    }
}
