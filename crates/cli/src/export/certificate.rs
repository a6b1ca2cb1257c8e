//! Writes what a person who was erased may keep: proofs that the keys to everything about them are gone.

use std::process::ExitCode;

use clap::Args;
use waystation_app::{App, KeptReceipt, LogName, RecordedEvent, Signer};

use super::bundle::write;
use super::for_person::ForPerson;

#[derive(Args)]
pub(super) struct Certificate {
    #[command(flatten)]
    to: ForPerson,
}

impl Certificate {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.to
            .write(async |app, signer| self.write_from(app, signer).await)
            .await?;
        println!("{}", self.to.out.join("README.txt").display());
        Ok(ExitCode::SUCCESS)
    }

    async fn write_from(&self, app: &App, signer: &Signer) -> anyhow::Result<()> {
        let erasure = app.erasure(&self.to.person).await?;
        let log = app.store().log(LogName::Main);
        let head = log.head();
        let note = signer.sign(head.size, head.root);
        let mut steps = vec![("1-keys-destroyed".to_owned(), &erasure.shredded)];
        for (number, epoch) in (2..).zip(&erasure.epochs) {
            steps.push((format!("{number}-wrapping-destroyed"), epoch));
        }
        let (mut english, mut chinese) = (String::new(), String::new());
        for (name, event) in &steps {
            let receipt = KeptReceipt {
                index: event.position - 1,
                hashes: log.inclusion_proof(event.position, head.size).await?,
                note: note.clone(),
            };
            write(&self.to.out, &format!("{name}.receipt"), receipt.text().as_bytes())?;
            write(&self.to.out, &format!("{name}.header"), event.header())?;
            english += &line(event, "event", "at", name, signer);
            chinese += &line(event, "事件", "时间", name, signer);
        }
        let text = format!(
            "Certificate of erasure: the keys to everything sealed about {person} were destroyed, and so were the keys that\n\
             had wrapped them, so that copies in backups open nothing either. Each step is an event of the log; its proof\n\
             holds offline, for ever:\n\n{english}\n\
             删除证明：与 {person} 有关的全部封存内容，其密钥均已销毁，封装该密钥的上级密钥亦已销毁，备份中的副本同样无法打开。\n\
             每一步都是日志中的一个事件，其证明可离线校验，长期有效：\n\n{chinese}",
            person = self.to.person,
        );
        write(&self.to.out, "README.txt", text.as_bytes())
    }
}

fn line(event: &RecordedEvent, what: &str, at: &str, name: &str, signer: &Signer) -> String {
    format!(
        "  {what} {} {} {at} {}\n    waystation verify proof {name}.receipt --header {name}.header --verifier '{}'\n",
        event.position,
        event.event_type(),
        jiff::Timestamp::from_microsecond(event.recorded_us).unwrap_or_default(),
        signer.verifier(),
    )
}
