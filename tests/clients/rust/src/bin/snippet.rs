// The Rust snippet of the documentation, as `build.rs` found it there.

include!(concat!(env!("OUT_DIR"), "/snippet.rs"));
