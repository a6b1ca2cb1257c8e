//! Generates code from `/proto` without a system protoc.

use std::error::Error;
use std::path::PathBuf;

const FILES: [&str; 6] = ["types", "case", "points", "audit", "admin", "command"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = FILES.map(|name| root.join(format!("waystation/v1/{name}.proto")));
    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(files)?;
    let descriptors = PathBuf::from(std::env::var("OUT_DIR")?).join("descriptors.bin");
    std::fs::write(&descriptors, compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .build_transport(true)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
