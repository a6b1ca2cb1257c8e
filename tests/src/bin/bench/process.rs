//! The servers that are measured, each a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tonic::transport::Channel;

/// Killed when dropped.
pub(crate) struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start(program: &std::path::Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("is piped"))
            .read_line(&mut line)
            .expect("says where");
        let address = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        assert!(address.contains(':'), "{program:?} did not start");
        Self { child, address }
    }

    pub(crate) fn floor(what: &str) -> Self {
        Self::start(&std::env::current_exe().expect("has a path"), &["floor", what])
    }

    pub(crate) fn waystation(url: &str) -> Self {
        let program = std::env::current_exe()
            .expect("has a path")
            .with_file_name("waystation");
        let serve = [
            "serve",
            "--insecure",
            "--lang",
            "en",
            "--listen",
            "127.0.0.1:0",
            "--database",
            url,
        ];
        Self::start(&program, &serve)
    }

    pub(crate) async fn connect(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address))
            .expect("is a URL")
            .connect()
            .await
            .expect("connects")
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in MiB.
    pub(crate) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1_024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of a process so far. The kernel counts in hundredths of a second.
pub(crate) fn processor_ms(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    ticks(fields, &[11, 12])
}

/// Time that all processors together were idle, and that they had.
fn machine_ms() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().trim_start_matches("cpu");
    (ticks(fields, &[3, 4]), ticks(fields, &[0, 1, 2, 3, 4, 5, 6, 7]))
}

fn ticks(fields: &str, at: &[usize]) -> f64 {
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let tick = |at: &usize| fields.get(*at).and_then(|field| field.parse::<f64>().ok());
    at.iter().map(|at| tick(at).unwrap_or(f64::NAN)).sum::<f64>() * 10.0
}

/// Who has the processors.
pub(crate) struct Spent {
    server: u32,
    before: [f64; 4],
}

impl Spent {
    /// From now on, by a server and by everybody else.
    pub(crate) fn from_now(server: u32) -> Self {
        Self {
            server,
            before: Self::now(server),
        }
    }

    fn now(server: u32) -> [f64; 4] {
        let (idle, all) = machine_ms();
        [processor_ms(server), processor_ms(std::process::id()), idle, all]
    }

    /// Processor time of each of so many calls, in microseconds: it moves less with the hour than their rate does.
    pub(crate) fn each(&self, calls: usize) -> String {
        let now = Self::now(self.server);
        let [server, client, idle, all] =
            std::array::from_fn(|at| (now[at] - self.before[at]) * 1_000.0 / calls as f64);
        let rest = all - server - client - idle;
        format!("µs each: server {server:.1}, client {client:.1}, rest {rest:.1}, idle {idle:.1}")
    }
}
