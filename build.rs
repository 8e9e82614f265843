//! Makes Rust of `proto/*.proto`, without protoc, and the descriptors that reflection serves.

use std::error::Error;
use std::path::PathBuf;

const FOLDER: &str = "proto";

/// What is served on port 14250.
const JAEGER: &str = "jaeger/api_v2/collector.proto";

const FILES: [&str; 3] = [JAEGER, "zipkin/zipkin.proto", "google/rpc/status.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    let files = protox::compile(FILES, [FOLDER])?;
    // Services take spans as bytes: only messages are made here.
    tonic_prost_build::configure().build_client(false).build_server(false).compile_fds(files)?;
    let jaeger = protox::Compiler::new([FOLDER])?.include_imports(true).open_file(JAEGER)?.encode_file_descriptor_set();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("jaeger.bin"), jaeger)?;
    Ok(())
}
