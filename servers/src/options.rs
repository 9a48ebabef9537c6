//! The command line, parsed by hand: the binary's size and start-up are results.
//!
//! Every mistake comes back as a sentence that says what to type instead.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::models::{MODELS, Model};
use crate::work::{Share, WorkKind, WorkSpec};

/// What the user wants.
#[derive(Debug)]
pub enum Command {
    /// A server.
    Serve(Options),
    /// Whether a model can serve here.
    Check(&'static Model),
    /// A text on standard output.
    Print(String),
}

/// How to serve.
#[derive(Debug)]
pub struct Options {
    /// In which way.
    pub model: &'static Model,
    /// Where to listen.
    pub address: SocketAddr,
    /// Processes or threads of models that have a number of them.
    pub workers: usize,
    /// Connections after which a worker process leaves and is replaced.
    pub recycle: usize,
    /// Bytes of a thread's stack.
    pub stack: usize,
    /// Bytes of a message, for `work`.
    pub message: usize,
    /// What a message costs beside the echo.
    pub work: Vec<WorkSpec>,
    /// Bytes held before listening.
    pub state: usize,
    /// The share of the state's pages that a connection writes to.
    pub touch: Option<Share>,
}

const USAGE: &str = "\
Usage: echo-server MODEL --port N [options]

  --port N         where to listen; 0 takes a free port (printed once it listens)
  --listen ADDR    on which address [127.0.0.1]
  --workers N      processes or threads of the models that have a number of them [4]
  --recycle K      a worker process leaves after K connections, and another takes its place [never]
  --stack SIZE     the stack of a thread that serves a connection, 64KiB or more [2MiB]
  --work SPEC      what a message costs beside the echo [none]: cpu:50ns, sleep:2ms or read:64KiB,
                   each with @1% for every 100th message, whosever it is; with read:64KiB,missing@1%
                   every 100th read finds no file, and ends the connection that asked for it;
                   several kinds with + between them: cpu:80us+sleep:5ms@2%
  --message BYTES  how long a message is, for --work [64]
  --state SIZE     memory that the server holds, touched before it listens: 256MiB
  --touch SHARE    the share of the state's pages that a connection writes to as it begins: 10%
  --check          serve nobody: end with 0 if MODEL can serve here, else say why not and end with 69
  --list           the models, tab-separated: name, family, what they hold, a sentence
  --help, --version

Signals: TERM and INT end it, QUIT lets open connections finish (10 s at most), USR1 prints a line.

Models:
";

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// What is wrong and what to type instead.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut words = arguments
        .map(|word| word.to_string_lossy().into_owned())
        .flat_map(split);
    let mut model = None;
    let (mut port, mut listen, mut workers) = (None, IpAddr::V4(Ipv4Addr::LOCALHOST), 4);
    let (mut message, mut work, mut state, mut touch) = (64, Vec::new(), 0, None);
    let mut check = false;
    let (mut recycle, mut stack) = (usize::MAX, 2 << 20);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or(format!("{word} needs a value; {SEE_HELP}"))
        };
        match word.as_str() {
            "--help" | "-h" => return Ok(Command::Print(help())),
            "--version" | "-V" => return Ok(Command::Print(version())),
            "--list" => return Ok(Command::Print(list())),
            "--check" => check = true,
            "--port" => port = Some(number(&word, &value()?, 0, 65_535)?),
            "--workers" => workers = number(&word, &value()?, 1, 65_536)?,
            "--recycle" => recycle = number(&word, &value()?, 1, usize::MAX)?,
            "--stack" => stack = stack_size(&value()?)?,
            "--listen" => listen = address(&value()?)?,
            "--message" => message = whole_size(&word, &value()?)?,
            "--work" => work = work_specs(&value()?)?,
            "--state" => state = size(&value()?)?,
            "--touch" => touch = Some(share(&value()?)?),
            option if option.starts_with('-') => {
                return Err(format!("there is no option {option}; {SEE_HELP}"));
            }
            name if model.is_none() => model = Some(find(name)?),
            extra => {
                return Err(format!(
                    "one model at a time, and then `{extra}`? {SEE_HELP}"
                ));
            }
        }
    }
    let model = model.ok_or_else(|| format!("which model? One of {}", names()))?;
    if check {
        return Ok(Command::Check(model));
    }
    let port = port.ok_or("--port is missing; --port 0 takes a free one")?;
    if touch.is_some_and(|share| share.0 > 0) && state == 0 {
        return Err(
            "--touch is a share of --state: say how large, as in --state 256MiB".to_owned(),
        );
    }
    let address = SocketAddr::new(listen, u16::try_from(port).unwrap_or_default());
    Ok(Command::Serve(Options {
        model,
        address,
        workers,
        recycle,
        stack,
        message,
        work,
        state,
        touch,
    }))
}

const SEE_HELP: &str = "`echo-server --help` shows what there is";

/// `--port=9000` is `--port 9000`.
fn split(word: String) -> Vec<String> {
    match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => {
            vec![option.to_owned(), value.to_owned()]
        }
        _ => vec![word],
    }
}

fn find(name: &str) -> Result<&'static Model, String> {
    if let Some(model) = MODELS.iter().find(|model| model.name == name) {
        return Ok(model);
    }
    let near = MODELS
        .iter()
        .map(|model| (distance(name, model.name), model.name))
        .min();
    let guess = match near {
        Some((edits, nearest)) if edits <= 3 || nearest.starts_with(name) => {
            format!(": did you mean `{nearest}`?")
        }
        _ => ".".to_owned(),
    };
    Err(format!(
        "there is no model `{name}`{guess} Models: {}",
        names()
    ))
}

/// Insertions, deletions and replacements between two words (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn names() -> String {
    MODELS
        .iter()
        .map(|model| model.name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn list() -> String {
    let line = |m: &Model| format!("{}\t{}\t{}\t{}\n", m.name, m.family, m.holds, m.sentence);
    MODELS.iter().map(line).collect()
}

fn help() -> String {
    let line = |model: &Model| format!("  {:<25} {}\n", model.name, model.sentence);
    USAGE
        .chars()
        .map(String::from)
        .chain(MODELS.iter().map(line))
        .collect()
}

fn version() -> String {
    format!("echo-server {}\n", env!("CARGO_PKG_VERSION"))
}

fn number(option: &str, word: &str, least: usize, most: usize) -> Result<usize, String> {
    match word.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!(
            "{option} takes a number from {least} to {most}, not `{word}`"
        )),
    }
}

fn address(word: &str) -> Result<IpAddr, String> {
    word.parse()
        .map_err(|_| format!("--listen takes an address such as 0.0.0.0 or ::1, not `{word}`"))
}

fn whole_size(option: &str, word: &str) -> Result<usize, String> {
    match size(word)? {
        0 => Err(format!("{option} must be 1 or more")),
        size => Ok(size),
    }
}

/// The smallest that the deepest call of the service leaves room in.
const STACK_LEAST: usize = 64 << 10;

fn stack_size(word: &str) -> Result<usize, String> {
    match size(word)? {
        stack if stack >= STACK_LEAST => Ok(stack),
        _ => Err(format!("--stack takes 64KiB or more, not `{word}`")),
    }
}

/// No machine holds more; a slip of the finger would fill a disk.
const LARGEST: u64 = 1 << 40;

/// `64`, `64B`, `64KiB`, `256MiB`, `1GiB`.
fn size(word: &str) -> Result<usize, String> {
    let units = [
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("", 1),
    ];
    with_unit(word, &units)
        .filter(|&bytes| bytes <= LARGEST)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| format!("a size is written 64, 64KiB, 256MiB or 1GiB, not `{word}`"))
}

/// `50ns`, `80us`, `2ms`, `1s`.
fn duration(word: &str) -> Result<Duration, String> {
    let units = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
    ];
    with_unit(word, &units)
        .map(Duration::from_nanos)
        .ok_or_else(|| format!("a time is written 50ns, 80us, 2ms or 1s, not `{word}`"))
}

/// `10%`, `0.5%`.
fn share(word: &str) -> Result<Share, String> {
    word.strip_suffix('%')
        .and_then(|number| number.parse::<f64>().ok())
        .map(|percent| percent * 10_000.0)
        .filter(|millionths| (0.0..=1_000_000.0).contains(millionths))
        .map(|millionths| Share(millionths.round() as u32))
        .ok_or_else(|| format!("a share is written 10% or 0.5%, at most 100%, not `{word}`"))
}

/// One kind of work, or several with `+` between them.
fn work_specs(word: &str) -> Result<Vec<WorkSpec>, String> {
    match word.contains('+') {
        false => Ok(work_spec(word)?.into_iter().collect()),
        true => word
            .split('+')
            .map(|part| work_spec(part)?.ok_or_else(|| format!("`none` is no part of `{word}`")))
            .collect(),
    }
}

/// `none`, or `cpu:50ns`, `sleep:2ms`, `read:64KiB`, each with `@1%`; after a read `,missing@1%`.
fn work_spec(word: &str) -> Result<Option<WorkSpec>, String> {
    let (rest, missing) = match word.split_once(",missing@") {
        Some((rest, part)) => (rest, Some(share(part)?)),
        None => (word, None),
    };
    let (what, share) = match rest.split_once('@') {
        Some((what, part)) => (what, share(part)?),
        None => (rest, Share::ALL),
    };
    let kind = match (what.split_once(':'), missing) {
        (None, None) if word == "none" => return Ok(None),
        (Some(("cpu", time)), None) => WorkKind::Cpu(duration(time)?),
        (Some(("sleep", time)), None) => WorkKind::Sleep(duration(time)?),
        (Some(("read", amount)), _) => {
            WorkKind::Read(size(amount)?, missing.unwrap_or(Share::NONE))
        }
        _ => {
            return Err(format!(
                "--work takes none, cpu:50ns, sleep:2ms, read:64KiB or read:64KiB,missing@1%, \
                 each with @1%, not `{word}`"
            ));
        }
    };
    Ok(Some(WorkSpec { kind, share }))
}

/// A whole number and one of `units`, as a number of the smallest.
fn with_unit(word: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = word.split_at(digits);
    let &(_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        match parse(line.split_whitespace().map(OsString::from))? {
            Command::Serve(options) => Ok(options),
            Command::Print(text) => Err(text),
            Command::Check(model) => Err(format!("--check {}", model.name)),
        }
    }

    #[test]
    fn a_full_line_is_understood() {
        let line = "prefork --port 9000 --workers=8 --listen ::1 --message 1KiB \
                    --work read:64KiB@0.5% --state 256MiB --touch 10%";
        let options = parsed(line).expect("a valid line");
        assert_eq!(options.model.name, "prefork");
        assert_eq!(options.address.to_string(), "[::1]:9000");
        assert_eq!((options.workers, options.message), (8, 1024));
        assert_eq!(options.state, 256 << 20);
        assert_eq!(options.touch, Some(Share(100_000)));
        let read = WorkSpec {
            kind: WorkKind::Read(64 << 10, Share::NONE),
            share: Share(5_000),
        };
        assert_eq!(options.work, [read]);
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let options = parsed("iterative --port 0 --work none").expect("a valid line");
        assert_eq!(options.address.to_string(), "127.0.0.1:0");
        assert_eq!(
            (options.workers, options.message, options.state),
            (4, 64, 0)
        );
        assert_eq!((options.work.len(), options.touch), (0, None));
    }

    #[test]
    fn times_have_units() {
        let kind = |word: &str| work_spec(word).map(|spec| spec.map(|spec| spec.kind));
        assert_eq!(
            kind("cpu:50ns"),
            Ok(Some(WorkKind::Cpu(Duration::from_nanos(50))))
        );
        assert_eq!(
            kind("sleep:80us"),
            Ok(Some(WorkKind::Sleep(Duration::from_micros(80))))
        );
        assert_eq!(
            kind("sleep:2ms@1%"),
            Ok(Some(WorkKind::Sleep(Duration::from_millis(2))))
        );
        assert_eq!(
            work_spec("read:1KiB@50%,missing@1%").ok().flatten(),
            Some(WorkSpec {
                kind: WorkKind::Read(1 << 10, Share(10_000)),
                share: Share(500_000),
            })
        );
        assert!(kind("sleep:2ms,missing@1%").is_err() && kind("read:1,missing@x").is_err());
        assert!(kind("cpu:50").is_err() && kind("cpu:ns").is_err() && kind("none@1%").is_err());
    }

    #[test]
    fn several_kinds_of_work_stand_side_by_side() {
        let kinds = |word: &str| work_specs(word).map(|specs| specs.len());
        assert_eq!(kinds("none"), Ok(0));
        assert_eq!(kinds("cpu:80us+sleep:5ms@2%"), Ok(2));
        for wrong in ["cpu:80us+", "none+cpu:1us", "+", "cpu:80us+sleep"] {
            assert!(kinds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_near_miss_is_named_and_so_are_all_models() {
        let problem = parsed("prefrok --port 1").expect_err("no such model");
        assert!(problem.contains("did you mean `prefork`?"), "{problem}");
        assert!(
            MODELS.iter().all(|model| problem.contains(model.name)),
            "{problem}"
        );
        let far = parsed("zzzzzzzzzzzz --port 1").expect_err("no such model");
        assert!(!far.contains("did you mean"), "{far}");
    }

    #[test]
    fn bad_input_is_an_error_and_never_a_panic() {
        let odd = [
            "",
            "-",
            "--",
            "--port",
            "-1",
            "65_536",
            "99999999999999999999",
            "1e3",
            "NaN%",
            "inf%",
            "101%",
            "@",
            ":",
            "cpu:",
            "read:9999999999GiB",
            "sleep:99999999999s",
            "µ",
            "5µ",
            "=",
            "--=%",
            "é=é",
        ];
        for option in [
            "--port",
            "--workers",
            "--recycle",
            "--stack",
            "--message",
            "--work",
            "--state",
            "--touch",
            "--listen",
        ] {
            for word in odd {
                let words = ["iterative", "--port", "0", option, word].map(OsString::from);
                assert!(parse(words.into_iter()).is_err(), "{option} {word}");
            }
        }
        let bytes = std::os::unix::ffi::OsStringExt::from_vec(vec![0xFF, b'=', 0x80]);
        assert!(parse([bytes].into_iter()).is_err());
        assert!(parsed("iterative").is_err() && parsed("--port 1").is_err());
        assert!(parsed("iterative --port 1 --touch 10%").is_err());
        assert!(parsed("iterative prefork --port 1").is_err());
    }
}
