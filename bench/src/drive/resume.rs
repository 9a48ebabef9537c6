//! `resume`: goes on with a run that was broken off. What is missing is its plan less its records; what comes after the
//! plan is decided by the verb that began it, from the command line that the plan holds. Under other conditions there is
//! no going on: half of the figures would be of something else.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{Args, Parser};
use measure::{Bench, Contestant};
use record::{Entrant, Host, Pass, Planned, Results, Resumption, Suite, Writer};

use super::failure::{Failure, note};
use super::hosts::HostsArgs;
use super::turn::TurnArgs;
use super::{capacity, choose, duel, entrants, folder, lesson, papers, run, session, suites};
use crate::{Cli, Verb, Who};

/// Which run.
#[derive(Args, Clone)]
pub struct ResumeArgs {
    /// The results folder of a run that was broken off [default: the newest below ./results]
    dir: Option<PathBuf>,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    there: HostsArgs,
    #[command(flatten)]
    turn: TurnArgs,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When the folder holds no run, or one that cannot be gone on with here.
pub fn resume(args: &ResumeArgs) -> Result<ExitCode, Failure> {
    let folder = match &args.dir {
        Some(dir) => dir.clone(),
        None => folder::newest()?,
    };
    let results = folder::read_to_go_on(&folder)?;
    let resumed = Resumed { folder, results };
    let verb = resumed.verb()?;
    let (turn, json) = (args.turn, args.json);
    let who = |recorded: &Who| Who {
        contenders: typed_or(&args.who.contenders, &recorded.contenders),
        with: typed_or(&args.who.with, &recorded.with),
    };
    let there = |recorded: HostsArgs| HostsArgs {
        hosts: args.there.hosts.clone().or(recorded.hosts),
    };
    match verb {
        Verb::Run(mut asked) => {
            (asked.who, asked.turn, asked.json) = (who(&asked.who), turn, json);
            asked.there = there(asked.there);
            run::run(&asked, Some(resumed))
        }
        Verb::Duel(mut asked) => {
            (asked.who, asked.turn, asked.json) = (who(&asked.who), turn, json);
            asked.there = there(asked.there);
            duel::duel(&asked, Some(resumed))
        }
        Verb::Capacity(mut asked) => {
            (asked.who, asked.turn, asked.json) = (who(&asked.who), turn, json);
            asked.there = there(asked.there);
            capacity::capacity(&asked, Some(resumed))
        }
        Verb::Choose(mut asked) => {
            (asked.who, asked.turn, asked.json) = (who(&asked.who), turn, json);
            asked.there = there(asked.there);
            choose::choose(&asked, Some(resumed))
        }
        Verb::Lesson(mut asked) => {
            (asked.turn, asked.json) = (turn, json);
            asked.there = there(asked.there);
            lesson::lesson(&asked, Some(resumed))
        }
        Verb::Papers(mut asked) => {
            (asked.turn, asked.json) = (turn, json);
            asked.there = there(asked.there);
            papers::papers(&asked, Some(resumed))
        }
        _ => Err(resumed.refused("the verb that its run.json names measures nothing")),
    }
}

/// What is typed now goes before what was typed then: of absolute paths a plan keeps only the last part.
fn typed_or<T: Clone>(typed: &[T], recorded: &[T]) -> Vec<T> {
    match typed {
        [] => recorded.to_vec(),
        typed => typed.to_vec(),
    }
}

/// A run that is gone on with.
pub struct Resumed {
    /// Its folder.
    pub folder: PathBuf,
    /// Its plan, and what was recorded of it.
    pub results: Results,
}

impl Resumed {
    /// Says why not.
    fn refused(&self, cause: impl Into<String>) -> Failure {
        let folder = self.folder.display();
        Failure::usage(format!("{folder} cannot be gone on with here"), cause)
            .hint("the same run anew, with another --out; what is recorded stays")
    }

    /// The verb that began it, as it was typed.
    fn verb(&self) -> Result<Verb, Failure> {
        let run = &self.results.run;
        if run.version != env!("CARGO_PKG_VERSION") {
            return Err(self.refused(format!(
                "fiveways {} began it, this is {}",
                run.version,
                env!("CARGO_PKG_VERSION")
            )));
        }
        let root = entrants::workspace().display().to_string();
        let words = run.command.iter().map(|word| word.replace("{root}", &root));
        let parsed = Cli::try_parse_from(words);
        parsed.map(|cli| cli.verb).map_err(|error| {
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default();
            self.refused(format!("its command line is not understood: {first}"))
        })
    }

    /// The suite that it began with, and what it has grown to since; its text.
    ///
    /// # Errors
    /// When the suite that its command line names says something else today.
    pub fn suite(&self, name: &str) -> Result<(Suite, String), Failure> {
        let run = &self.results.run;
        let mut suite = run.suite.clone();
        // A file that is gone has not changed: the plan holds its text.
        if let Ok((today, text)) = suites::find(name) {
            if text != run.suite_text {
                return Err(self.refused(format!(
                    "the suite {name} is another one since it began: its text in run.json differs"
                )));
            }
            // Where they stand is in no plan.
            suite.contenders = today.contenders;
        }
        Ok((suite, run.suite_text.clone()))
    }

    /// Whether those who were to be measured are the same.
    ///
    /// # Errors
    /// With the first who is not.
    pub fn same_contestants(&self, today: &[Contestant]) -> Result<(), Failure> {
        let entrants = self.results.run.entrants.iter();
        for then in entrants.filter(|it| it.skipped.is_none()) {
            let mut all = today.iter().map(|it| &it.entrant);
            let Some(now) = all.find(|it| it.name == then.name) else {
                let name = &then.name;
                let cause = format!("the contender {name} is not among those there are now");
                return Err(self.refused(cause).hint(format!(
                    "fiveways resume {} --contenders FILE, with the file that has it (a plan keeps no paths)",
                    self.folder.display()
                )));
            };
            if let Some(cause) = differs(then, now) {
                return Err(self.refused(cause));
            }
        }
        Ok(())
    }

    /// Whether servers and load are on the same machines.
    fn same_hosts(&self, bench: &Bench) -> Result<(), Failure> {
        let run = &self.results.run;
        self.same_host("", &run.host, &bench.host)?;
        let loads = bench.load_hosts();
        if run.load_hosts.len() != loads.len() {
            let (then, now) = (run.load_hosts.len(), loads.len());
            return Err(self.refused(format!(
                "its load came from {then} hosts of a file, and would now come from {now}"
            )));
        }
        for (then, now) in run.load_hosts.iter().zip(&loads) {
            self.same_host(&format!("{}: ", then.name), &then.host, &now.host)?;
            if then.cpus != now.cpus {
                return Err(self.refused(format!(
                    "{}: its load came from CPUs {:?}, and would now come from {:?}",
                    then.name, then.cpus, now.cpus
                )));
            }
        }
        Ok(())
    }

    /// Whether it is the same machine.
    fn same_host(&self, whose: &str, then: &Host, today: &Host) -> Result<(), Failure> {
        let what = [
            ("CPU", then.cpu.clone(), today.cpu.clone()),
            ("kernel", then.kernel.clone(), today.kernel.clone()),
            (
                "number of CPUs",
                then.cpus.to_string(),
                today.cpus.to_string(),
            ),
        ];
        let mut other = what.iter().filter(|(_, then, now)| then != now);
        match other.next() {
            None => Ok(()),
            Some((what, then, now)) => Err(self.refused(format!(
                "{whose}it was measured on another machine, or this one has changed: its {what} was {then}, and is {now}"
            ))),
        }
    }

    /// Opens the folder for what is missing, and notes that there was a break.
    ///
    /// # Errors
    /// When a machine is another one, or the folder cannot be written.
    pub fn open(self, bench: &Bench) -> Result<(PathBuf, Results, Writer), Failure> {
        self.same_hosts(bench)?;
        let writer = Writer::resume(&self.folder)?;
        // Somebody whose turn was waited for may have gone on with it, too.
        let mut results = record::read_results(&self.folder)?;
        let folder = self.folder;
        results.run.broken_off = None;
        results.run.resumed.push(Resumption {
            at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            recorded: results.passes.len() as u64,
        });
        writer.write_plan(&results.run)?;
        let missing = missing(&results);
        note(&format!(
            "going on with {}: {} of {} passes are to be made",
            folder.display(),
            missing.len(),
            results.run.passes.len()
        ));
        // What is made again is made once.
        let again: HashSet<Planned> = missing.into_iter().collect();
        let stays = |pass: &Pass| !again.contains(&pass.planned());
        results.passes.retain(stays);
        Ok((folder, results, writer))
    }

    /// How long its passes took, up to the break.
    pub fn spent(&self) -> Duration {
        let mut seen = HashSet::new();
        let passes = self.results.passes.iter();
        // Those of a block were alive together.
        let blocks = passes.filter(|it| seen.insert((&it.scenario, it.round, it.block, it.pass)));
        let spent = blocks.filter_map(|it| {
            let (from, to) = it.host.before.at_ns.zip(it.host.after.at_ns)?;
            Some(Duration::from_nanos(to.saturating_sub(from)))
        });
        spent.sum()
    }
}

/// In what a contender is not the one that it was.
fn differs(then: &Entrant, now: &Entrant) -> Option<String> {
    let name = &now.name;
    if let Some(reason) = &now.skipped {
        return Some(format!("{name} cannot be measured any more: {reason}"));
    }
    if then.version != now.version {
        let (then, now) = (&then.version, &now.version);
        return Some(format!(
            "{name} is another version: it was {then}, and is {now}"
        ));
    }
    (then.command != now.command || then.holds != now.holds)
        .then(|| format!("{name} has another command than when the run began"))
}

/// What of the plan is still to be made. Of contenders that are alive together all are, or none: they are compared slice
/// by slice.
pub fn missing(results: &Results) -> Vec<Planned> {
    let recorded: HashSet<Planned> = results.passes.iter().map(Pass::planned).collect();
    let blocks = results.run.passes.chunk_by(session::same_block);
    let open = blocks.filter(|block| block.iter().any(|it| !recorded.contains(it)));
    open.flatten().cloned().collect()
}

/// What to type to go on with a run in this folder, as long as it is typed in the same place.
pub fn command(folder: &Path) -> String {
    let mut words = vec!["fiveways".to_owned(), "resume".to_owned()];
    words.push(folder.display().to_string());
    words.extend(about_files(std::env::args().skip(1)));
    let quoted = words.iter().map(|word| shlex::try_quote(word));
    let quoted: Result<Vec<_>, _> = quoted.collect();
    quoted.map_or_else(|_| words.join(" "), |words| words.join(" "))
}

/// What a command line says of contenders and hosts: the plan cannot find their files again.
fn about_files(mut words: impl Iterator<Item = String>) -> Vec<String> {
    let mut about = Vec::new();
    while let Some(word) = words.next() {
        let flag = ["--contenders", "--with", "--hosts"]
            .into_iter()
            .find(|flag| word.starts_with(flag));
        match flag {
            Some(flag) if word == flag => {
                about.push(word);
                about.extend(words.next());
            }
            Some(flag) if word[flag.len()..].starts_with('=') => about.push(word),
            _ => {}
        }
    }
    about
}

#[cfg(test)]
mod tests {
    use super::about_files;

    #[test]
    fn what_is_typed_of_contenders_and_hosts_is_typed_again() {
        let words =
            "run s.toml --contenders /a/c.toml --only x --with=m=./m {port} --out o --hosts h";
        let kept = about_files(words.split(' ').map(str::to_owned));
        assert_eq!(
            kept,
            ["--contenders", "/a/c.toml", "--with=m=./m", "--hosts", "h"]
        );
    }
}
