//! Speaks: code generated from `/proto`, nothing else. The `.proto` files are the documentation.

/// `waystation.v1`.
pub mod v1 {
    tonic::include_proto!("waystation.v1");
}

/// `event_store.client`: the EventStoreDB protocol. Modules nest as the packages do.
#[expect(
    clippy::large_enum_variant,
    reason = "generated; most answers are the large variant, and boxing each would cost more than it saves"
)]
pub mod event_store {
    /// What its services share.
    pub mod client {
        tonic::include_proto!("event_store.client");
        /// Appends, reads, subscriptions, deletes.
        pub mod streams {
            tonic::include_proto!("event_store.client.streams");
        }
        /// Groups of consumers.
        pub mod persistent_subscriptions {
            tonic::include_proto!("event_store.client.persistent_subscriptions");
        }
        /// Who is in the cluster.
        pub mod gossip {
            tonic::include_proto!("event_store.client.gossip");
        }
        /// What the server can do.
        pub mod server_features {
            tonic::include_proto!("event_store.client.server_features");
        }
        /// Figures.
        pub mod monitoring {
            tonic::include_proto!("event_store.client.monitoring");
        }
        /// Accounts.
        pub mod users {
            tonic::include_proto!("event_store.client.users");
        }
        /// Chores.
        pub mod operations {
            tonic::include_proto!("event_store.client.operations");
        }
    }
}

/// `kurrentdb.protocol.v2`: the second generation of appends.
pub mod kurrentdb {
    tonic::include_proto!("kurrentdb.protocol.v2.streams");
    /// Details of its failures.
    pub mod errors {
        tonic::include_proto!("kurrentdb.protocol.v2.streams.errors");
    }
}

/// Encoding of messages, for those that travel inside others.
pub use prost::Message;

/// Descriptors of all services, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// All services and messages, as data.
///
/// # Panics
/// When the build wrote descriptors that do not read.
pub fn descriptors() -> prost_types::FileDescriptorSet {
    prost::Message::decode(DESCRIPTORS).expect("the build wrote them")
}
