//! `waystation accounts`: who may work here, from the command line at the database; the first account is made like this.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use waystation_app::{Envelope, StorageError};
use waystation_domain::account::CreateAccount;
use waystation_domain::{Channel, Principal, Role};

use crate::lang::say;

#[derive(Args)]
pub(crate) struct Accounts {
    #[command(subcommand)]
    command: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Make an account and print its token, once
    Add {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
        #[arg(long)]
        database: String,
        /// Name of the account, pseudonymous, such as worker-3
        #[arg(long)]
        id: String,
        /// CASE_WORKER, SUPERVISOR, DISTRICT_OFFICER, INSPECTOR, STORE_KEEPER, PRIVACY_OFFICER, SYSTEM_ADMIN,
        /// SECURITY_ADMIN, AUDIT_ADMIN or SERVICE
        #[arg(long)]
        role: String,
        /// Station or office
        #[arg(long)]
        station: String,
        /// Last day it opens anything, as 2026-12-31; an inspector's ends after 90 days if none is named
        #[arg(long)]
        until: Option<jiff::civil::Date>,
    },
    /// Print a new token of an account, once; the old one opens nothing any more
    Token {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
        #[arg(long)]
        database: String,
        /// Name of the account
        #[arg(long)]
        id: String,
    },
    /// Take password, second factor and sessions of an account away; its token stays
    Reset {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
        #[arg(long)]
        database: String,
        /// Name of the account
        #[arg(long)]
        id: String,
    },
    /// Close an account
    Disable {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
        #[arg(long)]
        database: String,
        /// Name of the account
        #[arg(long)]
        id: String,
    },
}

/// Whoever has the database is the system.
pub(crate) fn at_the_database() -> Envelope {
    let principal = Principal {
        id: "command-line".into(),
        role: Role::System,
        station: "-".into(),
    };
    Envelope::of(principal, Channel::Import)
}

impl Accounts {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Chore::Add {
                database,
                id,
                role,
                station,
                until,
            } => {
                let role = Role::parse(&role)
                    .ok_or_else(|| StorageError::Url("--role: expected one of the roles in --help".into()))?;
                let app = crate::open_app_as_it_is(&database).await?;
                let command = CreateAccount { role, station, until };
                let token = app.create_account(&id, &command, &at_the_database()).await;
                app.close().await;
                print_token(&token?);
            }
            Chore::Token { database, id } => {
                let app = crate::open_app_as_it_is(&database).await?;
                let token = app.renew_token(&id, &at_the_database()).await;
                app.close().await;
                print_token(&token?);
            }
            Chore::Reset { database, id } => {
                let app = crate::open_app_as_it_is(&database).await?;
                let reset = app.reset_login(&id, &at_the_database()).await;
                app.close().await;
                reset?;
            }
            Chore::Disable { database, id } => {
                let app = crate::open_app_as_it_is(&database).await?;
                let disabled = app.disable_account(&id, &at_the_database()).await;
                app.close().await;
                disabled?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_token(token: &str) {
    println!("{token}");
    eprintln!(
        "{}",
        say(
            "This token is shown once. Send it as `authorization: Bearer TOKEN`.",
            "令牌仅显示这一次。调用时以 `authorization: Bearer 令牌` 提供。"
        )
    );
}
