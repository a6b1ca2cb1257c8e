//! The page for inspectors shows what the commands print: each is run on the made-up year and compared, in both languages.

use std::path::Path;
use std::process::Command;

use crate::binary;

/// The commands of a page, each with what it shows for it.
fn shown(page: &str) -> Vec<(String, String)> {
    let mut blocks = page.split("```sh\n").skip(1);
    let mut all = Vec::new();
    for block in &mut blocks {
        let (command, rest) = block.split_once("\n```").expect("a command ends");
        let rest = rest
            .trim_start()
            .strip_prefix("```text\n")
            .expect("is followed by what it prints");
        let (output, _) = rest.split_once("\n```").expect("output ends");
        all.push((command.to_owned(), output.to_owned()));
    }
    all
}

/// Positions differ a little from one made-up year to the next, because a day's events are recorded at the same time.
fn without_positions(text: &str) -> Vec<String> {
    let digits = |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_digit());
    let line = |line: &str| {
        let words = line.split_whitespace().enumerate();
        // The first cell of a list of events, the events of a counter, and the position at the end.
        let shown = words.map(|(at, word)| {
            if digits(word) && (at == 1 || word.len() >= 4) {
                "N"
            } else {
                word
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    text.trim_end().lines().map(line).collect()
}

/// Runs every command of the pages on the made-up year in a directory, each page on a copy of its own: one process at a time holds
/// a database.
///
/// # Panics
/// When one prints something else than the page shows.
pub fn hold(directory: &Path) {
    std::thread::scope(|scope| {
        let pages = ["inspection.md", "inspection.zh-CN.md"].map(|page| {
            let copy = tempfile::tempdir().expect("makes a directory");
            for file in std::fs::read_dir(directory).expect("is there") {
                let file = file.expect("is there");
                std::fs::copy(file.path(), copy.path().join(file.file_name())).expect("is copied");
            }
            scope.spawn(move || hold_page(page, &format!("sqlite:{}", copy.path().join("demo.db").display())))
        });
        for page in pages {
            if let Err(failed) = page.join() {
                std::panic::resume_unwind(failed);
            }
        }
    });
}

fn hold_page(page: &str, database: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let shown = shown(&std::fs::read_to_string(path).expect("is there"));
    assert!(shown.len() >= 43, "{page} shows {}", shown.len());
    for (command, output) in shown {
        let words: Vec<&str> = command
            .split(' ')
            .skip(1)
            .map(|word| if word == "sqlite:demo.db" { database } else { word })
            .collect();
        let language = if command.contains("--lang") {
            &[][..]
        } else {
            &["--lang", "en"]
        };
        let printed = Command::new(binary())
            .args(&words)
            .args(language)
            .output()
            .expect("runs");
        assert!(
            printed.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert_eq!(
            without_positions(&printed),
            without_positions(&output),
            "{page}: {command}"
        );
    }
}
