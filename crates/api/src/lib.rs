//! Speaks: code generated from `/proto`, nothing else. The `.proto` files are the documentation.

/// `waystation.v1`.
pub mod v1 {
    tonic::include_proto!("waystation.v1");
}

/// Descriptors of all services, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
