//! `waystation events list` and `waystation events show`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use waystation_app::{AppError, AuditEntry, Direction, LogName, Recorded, RecordedEvent};

use crate::lang::say;

/// Rows of one list.
const ROWS_MAX: usize = 1_000;

#[derive(Args)]
pub(crate) struct Events {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List events, oldest first
    List(List),
    /// Show one event whole
    Show(Show),
}

#[derive(Args)]
struct List {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Only this stream, such as case-xiaolin
    #[arg(long)]
    stream: Option<String>,
    /// First position (or, with --stream, first revision)
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Newest first, from the end
    #[arg(long)]
    backwards: bool,
    /// How many, at most 1000
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Show {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Position in the log
    position: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Events {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Show(show) => show.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = crate::open(&self.database, false).await?;
        let log = store.log(LogName::Main);
        let limit = usize::from(self.limit).min(ROWS_MAX);
        let (direction, from) = match (self.backwards, self.from) {
            (false, from) => (Direction::Forwards, from),
            (true, 0) => (Direction::Backwards, u64::MAX),
            (true, from) => (Direction::Backwards, from),
        };
        let events = match &self.stream {
            Some(stream) => log.read_stream(stream, from, direction, limit).await?,
            None => log.read_all(from, direction, limit).await?,
        };
        if self.json {
            for event in &events {
                println!("{}", json(event));
            }
        } else {
            let mut table = Table::new();
            table.set_header([
                say("position", "位置"),
                say("stream", "流"),
                say("revision", "序号"),
                say("type", "类型"),
                say("recorded", "记录时间"),
            ]);
            for event in &events {
                let recorded = jiff::Timestamp::from_microsecond(event.recorded_us)?;
                table.add_row([
                    event.position.to_string(),
                    event.stream().to_owned(),
                    event.revision.to_string(),
                    event.event_type().to_owned(),
                    recorded.to_string(),
                ]);
            }
            println!("{table}");
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn json(event: &RecordedEvent) -> serde_json::Value {
    let text = |bytes: &[u8]| {
        serde_json::from_slice::<serde_json::Value>(bytes)
            .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
    };
    serde_json::json!({
        "position": event.position,
        "stream": event.stream(),
        "revision": event.revision,
        "type": event.event_type(),
        "event_id": uuid::Uuid::from_bytes(event.event_id).to_string(),
        "recorded_us": event.recorded_us,
        "content_type": String::from_utf8_lossy(event.content_type()),
        "metadata": text(event.metadata()),
        "data": text(event.data()),
        "leaf": event.leaf().map(|leaf| leaf.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    })
}

impl Show {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = crate::open(&self.database, false).await?;
        let event = store.log(LogName::Main).event_at(self.position).await?;
        store.close().await;
        let Some(event) = event else {
            return Err(AppError::NotFound { kind: "event" }.into());
        };
        let whole = json(&event);
        if self.json {
            println!("{whole}");
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        if let Ok(Some(recorded)) = Recorded::decode(event) {
            let entry = AuditEntry::from(&recorded);
            table.add_row([say("what", "事项"), say(entry.label.0, entry.label.1)]);
            let occurred = entry.occurred_on.map_or_else(String::new, |day| day.to_string());
            table.add_row([say("occurred", "发生"), &occurred]);
        }
        if let Some(fields) = whole.as_object() {
            for (name, value) in fields {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                table.add_row([name.as_str(), &text]);
            }
        }
        println!("{table}");
        Ok(ExitCode::SUCCESS)
    }
}
