//! Whose signatures make a checkpoint worth believing: a C2SP tlog-policy file.

use std::collections::{HashMap, HashSet};

use crate::cosign::CosignatureVerifier;
use crate::note::{Checkpoint, Note, NoteError, Verifier};

/// Longest policy that is read, in bytes.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;
/// Most logs, witnesses and groups, each.
const ENTRIES_MAX: usize = 256;
/// The name that asks for no witness.
const NONE: &str = "none";

/// Why a policy is not accepted: the line, and what it should have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}")]
pub struct PolicyError {
    /// From 1; 0 for the file as a whole.
    pub line: usize,
    /// What would have been right.
    pub expected: &'static str,
}

/// A witness and where it is.
#[derive(Clone, Debug)]
pub struct WitnessEntry {
    /// Its name within the policy.
    pub name: String,
    /// Its key.
    pub verifier: CosignatureVerifier,
    /// Prefix of its submission URL.
    pub url: Option<String>,
}

/// How many of which members make a group count as a witness.
#[derive(Clone, Debug)]
struct Group {
    threshold: usize,
    members: Vec<String>,
}

/// Known logs, known witnesses, and how many of them it takes.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    logs: Vec<Verifier>,
    witnesses: Vec<WitnessEntry>,
    groups: HashMap<String, Group>,
    quorum: String,
}

/// A checkpoint that the policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// When witnesses cosigned it, in seconds since 1970 UTC; oldest first.
    pub witnessed: Vec<u64>,
}

/// What reading a policy has seen so far.
struct Reading {
    policy: TrustPolicy,
    names: HashSet<String>,
    members: HashSet<String>,
}

impl Reading {
    fn log(&mut self, key: &str) -> Result<(), &'static str> {
        let verifier = Verifier::parse(key).map_err(|_| "log and a key of a log")?;
        let logs = &mut self.policy.logs;
        if logs.len() >= ENTRIES_MAX || logs.iter().any(|log| log.public_key() == verifier.public_key()) {
            return Err("each log once, and at most 256");
        }
        logs.push(verifier);
        Ok(())
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&str>) -> Result<(), &'static str> {
        let verifier = CosignatureVerifier::parse(key).map_err(|_| "witness, a name and a key of a witness")?;
        let witnesses = &mut self.policy.witnesses;
        let known = witnesses.iter().any(|found| found.verifier == verifier);
        if known || witnesses.len() >= ENTRIES_MAX || !self.names.insert(name.to_owned()) {
            return Err("each witness and name once, and at most 256");
        }
        witnesses.push(WitnessEntry {
            name: name.to_owned(),
            verifier,
            url: url.map(str::to_owned),
        });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), &'static str> {
        let threshold = match threshold {
            "all" => members.len(),
            "any" => 1,
            number => number.parse().unwrap_or(0),
        };
        if !(1..=members.len()).contains(&threshold) {
            return Err("all, any or a number from 1 to that of the members");
        }
        for member in members {
            if *member == NONE || !self.names.contains(*member) || !self.members.insert((*member).to_owned()) {
                return Err("members that are named above and are in no other group");
            }
        }
        if self.policy.groups.len() >= ENTRIES_MAX || !self.names.insert(name.to_owned()) {
            return Err("each name once, and at most 256 groups");
        }
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.policy.groups.insert(name.to_owned(), Group { threshold, members });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), &'static str> {
        if !self.policy.quorum.is_empty() {
            return Err("one quorum line");
        }
        if !self.names.contains(name) {
            return Err("a witness or group that is named above, or none");
        }
        name.clone_into(&mut self.policy.quorum);
        Ok(())
    }
}

impl TrustPolicy {
    fn empty() -> Self {
        Self {
            logs: Vec::new(),
            witnesses: Vec::new(),
            groups: HashMap::new(),
            quorum: String::new(),
        }
    }

    /// One log, and no witnesses asked for.
    pub fn of_log(verifier: Verifier) -> Self {
        Self {
            logs: vec![verifier],
            quorum: NONE.to_owned(),
            ..Self::empty()
        }
    }

    /// The same logs' logs of readings, of which no witness knows.
    pub fn of_access(&self) -> Self {
        Self {
            logs: self.logs.iter().map(Verifier::of_access).collect(),
            quorum: NONE.to_owned(),
            ..Self::empty()
        }
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] names the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let whole = |expected| PolicyError { line: 0, expected };
        if text.len() > POLICY_BYTES_MAX {
            return Err(whole("at most 64 KiB"));
        }
        let mut reading = Reading {
            policy: Self::empty(),
            names: HashSet::from([NONE.to_owned()]),
            members: HashSet::new(),
        };
        for (line, content) in (1..).zip(text.split('\n')) {
            let words: Vec<&str> = content.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            let read = match words[..] {
                [] => Ok(()),
                [first, ..] if first.starts_with('#') => Ok(()),
                ["log", key] | ["log", key, _] => reading.log(key),
                ["witness", name, key] => reading.witness(name, key, None),
                ["witness", name, key, url] => reading.witness(name, key, Some(url)),
                ["group", name, threshold, ref members @ ..] if !members.is_empty() => {
                    reading.group(name, threshold, members)
                }
                ["quorum", name] => reading.quorum(name),
                _ => Err("log, witness, group or quorum with what belongs to it"),
            };
            read.map_err(|expected| PolicyError { line, expected })?;
        }
        if reading.policy.quorum.is_empty() {
            return Err(whole("a quorum line"));
        }
        Ok(reading.policy)
    }

    /// The witnesses.
    pub fn witnesses(&self) -> &[WitnessEntry] {
        &self.witnesses
    }

    /// Whether there is a log of this origin.
    pub fn knows(&self, origin: &str) -> bool {
        self.logs.iter().any(|log| log.origin() == origin)
    }

    /// Whether anybody must have cosigned.
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum != NONE
    }

    /// The checkpoint of a note that a known log has signed and enough witnesses have cosigned.
    ///
    /// # Errors
    /// [`NoteError`]; [`NoteError::Unwitnessed`] when the quorum is missed.
    pub fn accept(&self, note: &str) -> Result<Accepted, NoteError> {
        let accepted = self.accept_unwitnessed(note)?;
        let parsed = Note::parse(note)?;
        let times: HashMap<&str, u64> = self
            .witnesses
            .iter()
            .filter_map(|witness| Some((witness.name.as_str(), witness.verifier.time_of(&parsed).ok()?)))
            .collect();
        if self.asks_for_witnesses() && !self.is_enough(|name| times.contains_key(name)) {
            return Err(NoteError::Unwitnessed);
        }
        let mut witnessed: Vec<u64> = times.into_values().collect();
        witnessed.sort_unstable();
        Ok(Accepted {
            checkpoint: accepted,
            witnessed,
        })
    }

    /// The checkpoint of a note that a known log has signed, whoever cosigned it.
    ///
    /// # Errors
    /// [`NoteError`], by what is wrong.
    pub fn accept_unwitnessed(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let opened = self.logs.iter().map(|log| log.open(note));
        let mut signed = opened.filter(|opened| *opened != Err(NoteError::Unsigned));
        signed.next().unwrap_or(Err(NoteError::Unsigned))
    }

    /// Whether the witnesses of these names are as many as the quorum takes.
    pub fn is_enough(&self, named: impl Fn(&str) -> bool) -> bool {
        self.counts(&self.quorum, &named)
    }

    fn counts(&self, name: &str, named: &dyn Fn(&str) -> bool) -> bool {
        match self.groups.get(name) {
            Some(group) => {
                let counted = group.members.iter().filter(|member| self.counts(member, named));
                counted.count() >= group.threshold
            }
            None => named(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosign::Cosigner;
    use crate::note::Signer;

    fn witness(seed: u8) -> Cosigner {
        Cosigner::new(&format!("witness.test/{seed}"), &[seed; 32]).expect("is a name")
    }

    fn policy(rule: &str) -> String {
        let log = Signer::new("waystation.test/1", &[7; 32]).expect("is a name");
        let mut text = format!("# the logs\nlog {}\n\n", log.verifier());
        for seed in 1..=3 {
            text += &format!("witness w{seed} {} http://w{seed}\n", witness(seed).verifier());
        }
        text + rule
    }

    fn note(witnesses: &[u8]) -> String {
        let log = Signer::new("waystation.test/1", &[7; 32]).expect("is a name");
        let mut note = log.sign(5, [1; 32]);
        let text = Note::parse(&note).expect("is a note").text;
        for seed in witnesses {
            note += &witness(*seed).cosign(&text, 1_000 + u64::from(*seed));
        }
        note
    }

    #[test]
    fn a_quorum_is_reached_by_those_it_names() {
        for (rule, witnesses, reached) in [
            ("quorum none\n", &[] as &[u8], true),
            ("quorum w2\n", &[2], true),
            ("quorum w2\n", &[1, 3], false),
            ("group g 2 w1 w2 w3\nquorum g\n", &[1, 3], true),
            ("group g 2 w1 w2 w3\nquorum g\n", &[3], false),
            ("group g any w1 w2\ngroup h all g w3\nquorum h\n", &[2, 3], true),
            ("group g any w1 w2\ngroup h all g w3\nquorum h\n", &[1, 2], false),
        ] {
            let policy = TrustPolicy::parse(&policy(rule)).expect("reads");
            let accepted = policy.accept(&note(witnesses));
            assert_eq!(accepted.is_ok(), reached, "{rule} {witnesses:?}");
            if let Ok(accepted) = accepted {
                assert_eq!(accepted.witnessed.len(), witnesses.len());
            }
        }
        let policy = TrustPolicy::parse(&policy("quorum w2\n")).expect("reads");
        let other = Signer::new("waystation.test/1", &[8; 32]).expect("is a name");
        assert_eq!(policy.accept(&other.sign(5, [1; 32])), Err(NoteError::Unsigned));
    }

    #[test]
    fn a_policy_that_does_not_add_up_names_its_line() {
        let key = witness(1).verifier();
        for (rule, line) in [
            (String::new(), 0),
            ("quorum w9\n".into(), 7),
            ("quorum w1\nquorum w2\n".into(), 8),
            ("group g 4 w1 w2 w3\nquorum g\n".into(), 7),
            ("group g all none\nquorum g\n".into(), 7),
            ("group g all w1\ngroup h all w1\nquorum h\n".into(), 8),
            (format!("witness again {key}\nquorum w1\n"), 7),
            ("nonsense\n".into(), 7),
            ("log nonsense\n".into(), 7),
        ] {
            let error = TrustPolicy::parse(&policy(&rule)).expect_err("is refused");
            assert_eq!(error.line, line, "{rule}");
        }
    }
}
