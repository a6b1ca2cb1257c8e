// Takes the Rust snippet out of the documentation, so that what people read is what is compiled and run. Only the place
// of the server is replaced, by the first argument.

use std::path::PathBuf;

fn main() {
    let page = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where"))
        .join("../../../docs/eventstore-clients.md");
    println!("cargo:rerun-if-changed={}", page.display());
    let page = std::fs::read_to_string(page).expect("the page is there");
    let snippet = page.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    let snippet = snippet.expect("the page has a Rust snippet");
    let place = "\"esdb://127.0.0.1:7420?tls=false\"";
    assert!(snippet.contains(place), "the snippet says where it connects");
    let snippet = snippet.replace(place, "std::env::args().nth(1).expect(\"a URI\")");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo says where")).join("snippet.rs");
    std::fs::write(out, snippet).expect("is written");
}
