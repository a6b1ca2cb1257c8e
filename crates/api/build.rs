//! Generates code from `/proto` without a system protoc.

use std::error::Error;
use std::path::PathBuf;

const FILES: [&str; 24] = [
    "waystation/v1/types",
    "waystation/v1/case",
    "waystation/v1/compliance",
    "waystation/v1/inspection",
    "waystation/v1/points",
    "waystation/v1/policy",
    "waystation/v1/org",
    "waystation/v1/person",
    "waystation/v1/audit",
    "waystation/v1/admin",
    "waystation/v1/command",
    "waystation/v1/register",
    "waystation/v1/session",
    "waystation/v1/transfer",
    "event_store/client/shared",
    "event_store/client/streams",
    "event_store/client/persistent",
    "event_store/client/gossip",
    "event_store/client/server_features",
    "event_store/client/monitoring",
    "event_store/client/operations",
    "event_store/client/users",
    "kurrentdb/protocol/v2/streams",
    "kurrentdb/protocol/v2/errors",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = FILES.map(|name| root.join(format!("{name}.proto")));
    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(files)?;
    let descriptors = PathBuf::from(std::env::var("OUT_DIR")?).join("descriptors.bin");
    std::fs::write(&descriptors, compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .build_transport(true)
        // Event bytes go from the database to the wire without being copied.
        .bytes(".event_store")
        .bytes(".kurrentdb")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
