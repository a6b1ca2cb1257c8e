//! `waystation export`: what an inspector takes home.

mod access;
mod bundle;
mod certificate;
mod for_person;
mod open;

use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The whole log as files, with a signed checkpoint and a verifier that needs nothing of ours
    Bundle(bundle::Bundle),
    /// Who has read about a person, with proofs, for the person to keep
    Access(access::Report),
    /// Proofs that the keys to everything about an erased person are gone, for the person to keep
    Certificate(certificate::Certificate),
    /// Show what the keys in a bundle open, with the identity they were encrypted to
    Open(open::Open),
}

impl Export {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Bundle(bundle) => bundle.run().await,
            What::Access(report) => report.run().await,
            What::Certificate(certificate) => certificate.run().await,
            What::Open(open) => open.run(),
        }
    }
}
