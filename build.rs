//! Makes Rust of `proto/*.proto`, without protoc, and the descriptors that reflection serves.

use std::error::Error;
use std::path::PathBuf;

const FOLDER: &str = "proto";

/// What is served on port 14250.
const JAEGER: [&str; 2] = ["jaeger/api_v2/collector.proto", "jaeger/api_v2/sampling.proto"];

const OTHERS: [&str; 2] = ["zipkin/zipkin.proto", "google/rpc/status.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    let files = protox::compile(JAEGER.iter().chain(&OTHERS), [FOLDER])?;
    // Services take spans as bytes: only messages are made here.
    tonic_prost_build::configure().build_client(false).build_server(false).compile_fds(files)?;
    let mut jaeger = protox::Compiler::new([FOLDER])?;
    let jaeger = jaeger.include_imports(true).open_files(JAEGER)?.encode_file_descriptor_set();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("jaeger.bin"), jaeger)?;
    Ok(())
}
