//! Writes who has read about a person, for the person: every reading with its proof.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use waystation_app::{
    Access, AccessLine, App, EVERYBODY, KeptCheckpoint, KeptReceipt, LogName, PageRequest, Purpose, Signer,
    StorageError,
};
use waystation_domain::FieldClass;

use super::bundle::write;
use super::for_person::ForPerson;
use crate::accounts::at_the_database;

/// Readings of one page.
const PAGE: usize = 1_000;

#[derive(Args)]
pub(super) struct Report {
    #[command(flatten)]
    to: ForPerson,
}

impl Report {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let written = async |app: &App, signer: &Signer| self.write_from(app, &signer.of_access()?).await;
        let count = self.to.write(written).await?;
        println!("{} ({count})", self.to.out.join("README.txt").display());
        Ok(ExitCode::SUCCESS)
    }

    async fn write_from(&self, app: &App, signer: &Signer) -> anyhow::Result<usize> {
        // Writing it is a reading too, and stands in it.
        let main = app.store().log(LogName::Main).head().size;
        app.record_access(Access {
            principal: &at_the_database().principal,
            rpc: "export access",
            purpose: Purpose::SubjectRequest,
            persons: vec![self.to.person.clone()],
            classes: vec![FieldClass::Status],
            at: main,
        })
        .await?;
        let log = app.store().log(LogName::Access);
        let head = log.head();
        let kept = KeptCheckpoint {
            size: head.size,
            witnesses: 0,
            note: signer.sign(head.size, head.root),
        };
        log.keep_checkpoint(&kept).await?;
        let (mut lines, mut count) = (String::new(), 0);
        let mut page = PageRequest {
            size: PAGE,
            token: String::new(),
        };
        loop {
            let found = app.list_access(&self.to.person, &page).await?;
            for line in found.rows.iter().filter(|line| line.position <= head.size) {
                let receipt = KeptReceipt {
                    index: line.position - 1,
                    hashes: log.inclusion_proof(line.position, head.size).await?,
                    note: kept.note.clone(),
                };
                lines += &self.files(app, line, &receipt, signer).await?;
                count += 1;
            }
            if found.next.is_empty() {
                break;
            }
            page.token = found.next;
        }
        let text = format!(
            "Who has read about {person}, {count} readings. Each is an event of the log of readings; its proof holds\n\
             offline, for ever. A reading that was about others too is proved by its header alone: what it says of them is\n\
             theirs. `*` is everybody: whoever read it, read the log as it is.\n\n\
             谁查看过 {person}：共 {count} 次。每次查看都是访问日志中的一个事件，其证明可离线校验，长期有效。同时涉及他人的查看仅以\n\
             事件头证明，其中涉及他人的内容不在此披露。`*` 表示所有人：查看者读取的是整份日志。\n\n{lines}",
            person = self.to.person,
        );
        write(&self.to.out, "README.txt", text.as_bytes())?;
        Ok(count)
    }

    /// The files of one reading, and its line.
    async fn files(
        &self,
        app: &App,
        line: &AccessLine,
        receipt: &KeptReceipt,
        signer: &Signer,
    ) -> anyhow::Result<String> {
        let name = format!("reading-{}", line.position);
        let log = app.store().log(LogName::Access);
        let stored = log.stored(line.position).await?;
        let Some(event) = stored.first().filter(|event| event.position == line.position) else {
            bail!(StorageError::Corrupt {
                position: line.position,
                what: "the reading is missing".into(),
            });
        };
        write(&self.to.out, &format!("{name}.receipt"), receipt.text().as_bytes())?;
        write(&self.to.out, &format!("{name}.header"), &event.header)?;
        let record = &line.record;
        let alone = record
            .persons
            .iter()
            .all(|person| *person == self.to.person || person == EVERYBODY);
        let mut body = String::new();
        if alone {
            write(
                &self.to.out,
                &format!("{name}.body"),
                &[&event.salt[..], &event.body].concat(),
            )?;
            body = format!(" --body {name}.body");
        }
        let classes: Vec<&str> = record.classes.iter().map(|class| class.as_str()).collect();
        Ok(format!(
            "  {} {} {} ({}, {}) {} {} {}{}\n    waystation verify proof {name}.receipt --header {name}.header{body} \
             --verifier '{}'\n",
            line.position,
            jiff::Timestamp::from_microsecond(line.recorded_us).unwrap_or_default(),
            record.principal,
            record.role.as_str(),
            record.station,
            record.rpc,
            record.purpose.as_str(),
            classes.join(" "),
            if record.persons.iter().any(|person| person == EVERYBODY) {
                " *"
            } else {
                ""
            },
            signer.verifier(),
        ))
    }
}
