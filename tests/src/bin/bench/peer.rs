//! A library that does a command's work, in a process of its own: no gRPC between, its callers are inside.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::load::For;

/// Killed when dropped.
pub(crate) struct Peer {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the program and has it fill a table of its own in a PostgreSQL database with so many aggregates of so many
    /// events.
    pub(crate) fn filled(program: &str, url: &str, aggregates: u64, events: u64) -> Self {
        let mut child = Command::new(program)
            .args([url, &aggregates.to_string(), &events.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut peer = Self {
            orders: child.stdin.take().expect("is piped"),
            answers: BufReader::new(child.stdout.take().expect("is piped")),
            child,
        };
        assert_eq!(peer.answer(), "ready");
        peer
    }

    /// Commands a second, so many at once.
    pub(crate) fn rate(&mut self, count: usize, time: For) -> f64 {
        writeln!(self.orders, "{} {count}", time.0.as_secs_f64()).expect("takes orders");
        self.answer().parse().expect("is a rate")
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).expect("answers");
        assert!(read > 0, "the peer has ended");
        line.trim().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
