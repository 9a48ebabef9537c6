//! Who takes part: our own models, by `echo-server --list`, and commands from TOML files. Who cannot is
//! named with the reason, and the others go on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use measure::{Bench, Contestant};
use record::{CONTROL, Contender, Entrant, Holds, Suite, is_name, read_contenders};
use regex::Regex;

use super::failure::{Failure, of_a_limit};
use super::site::Site;
use crate::Who;

mod echo_server;

/// The foreign contenders that are compiled in.
const FOREIGN: &str = include_str!("../../contenders.toml");
/// What mends a pair of programs that do not understand each other.
const BOTH_OF_ONE_BUILD: &str =
    "cargo build --release, so that fiveways and echo-server are of one build";

/// Everybody there is, in order: ours, the compiled-in foreign ones, those of files, those of `--with`. Whoever is not
/// `wanted` is there by name alone: asking for a version, or building somebody, takes time.
///
/// # Errors
/// When `echo-server` cannot be found or built, a file has a mistake, or two have one name.
pub fn gather(
    who: &Who,
    wanted: impl Fn(&str) -> bool,
    bench: Option<&mut Bench>,
) -> Result<Vec<Contestant>, Failure> {
    gather_at(who, &wanted, &mut Site::of(bench))
}

/// Those whose name matches, of everybody there is.
///
/// # Errors
/// When the expression is none, nobody matches, or they cannot be gathered.
pub fn matching(
    who: &Who,
    pattern: Option<&str>,
    bench: Option<&mut Bench>,
) -> Result<Vec<Contestant>, Failure> {
    let regex = pattern.map(regex).transpose()?;
    let all = gather(who, |name| matches(regex.as_ref(), name), bench)?;
    select(all, pattern)
}

/// Without an expression everybody does.
fn matches(regex: Option<&Regex>, name: &str) -> bool {
    regex.is_none_or(|it| it.is_match(name))
}

fn gather_at(
    who: &Who,
    wanted: &dyn Fn(&str) -> bool,
    site: &mut Site<'_>,
) -> Result<Vec<Contestant>, Failure> {
    let program = echo_server::program(site)?;
    let mut all = ours(&program, wanted, site)?;
    let folder = workspace().join("servers/contenders");
    let mut foreign = read(FOREIGN, &folder.join("contenders.toml"))?;
    for path in &who.contenders {
        foreign.extend(read(&read_file(path)?, path)?);
    }
    for with in &who.with {
        foreign.push(from_words(with)?);
    }
    for contender in foreign {
        let taken = all.iter().any(|known| known.entrant.name == contender.name);
        if taken || contender.name == CONTROL {
            return Err(Failure::usage(
                format!("two contenders are called `{}`", contender.name),
                "names are the keys of all results; `control` is the reference's second copy",
            )
            .hint("another name for yours"));
        }
        all.push(enter(contender, &program, wanted, site)?);
    }
    Ok(all)
}

/// Those whose name matches.
///
/// # Errors
/// When the expression is none, or nobody matches.
pub fn select(all: Vec<Contestant>, pattern: Option<&str>) -> Result<Vec<Contestant>, Failure> {
    let Some(pattern) = pattern else {
        return Ok(all);
    };
    let regex = regex(pattern)?;
    let names: Vec<String> = all.iter().map(|one| one.entrant.name.clone()).collect();
    let chosen: Vec<Contestant> = all
        .into_iter()
        .filter(|one| regex.is_match(&one.entrant.name))
        .collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    Err(Failure::unknown("contender that matches", pattern, &names))
}

/// Those who take part in a suite: whoever `only` matches, if it is said; else those whom the suite is about, and
/// whoever the user has added.
///
/// # Errors
/// When they cannot be gathered, an expression is none, or nobody matches.
pub fn for_suite(
    who: &Who,
    only: Option<&str>,
    suite: &Suite,
    site: &mut Site<'_>,
) -> Result<Vec<Contestant>, Failure> {
    let pattern = match (only, &suite.only) {
        (None, Some(about)) => Some(with_added(about, who)?),
        _ => only.map(str::to_owned),
    };
    let regex = pattern.as_deref().map(regex).transpose()?;
    let wanted = |name: &str| matches(regex.as_ref(), name);
    let mut all = gather_at(who, &wanted, site)?;
    add_own(&mut all, suite, &wanted, site)?;
    select(all, pattern.as_deref())
}

/// Whom the suite is about, or whom the user has added.
fn with_added(about: &str, who: &Who) -> Result<String, Failure> {
    let mut pattern = format!("(?:{about})");
    for name in added(who)? {
        pattern.push_str(&format!("|^{name}$"));
    }
    Ok(pattern)
}

/// Contenders that the suite brings along; whoever is not `wanted` by name alone.
///
/// # Errors
/// When a name is taken.
pub fn add_own(
    all: &mut Vec<Contestant>,
    suite: &Suite,
    wanted: &dyn Fn(&str) -> bool,
    site: &mut Site<'_>,
) -> Result<(), Failure> {
    if suite.contenders.is_empty() {
        return Ok(());
    }
    let program = echo_server::program(site)?;
    for contender in &suite.contenders {
        if all.iter().any(|known| known.entrant.name == contender.name) {
            return Err(Failure::usage(
                format!("two contenders are called `{}`", contender.name),
                format!("the suite {} brings one of that name", suite.name),
            )
            .hint("another name for yours"));
        }
        all.push(enter(contender.clone(), &program, wanted, site)?);
    }
    Ok(())
}

/// The names of those whom the user has added.
fn added(who: &Who) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for path in &who.contenders {
        let text = read_file(path)?;
        names.extend(read(&text, path)?.into_iter().map(|one| one.name));
    }
    for with in &who.with {
        names.push(from_words(with)?.name);
    }
    Ok(names)
}

fn read_file(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("the contenders of {} cannot be read", path.display()),
            error.to_string(),
        )
        .hint("--contenders FILE with a file that you may read")
    })
}

/// A regular expression that the user typed.
///
/// # Errors
/// With what is wrong in it.
pub fn regex(pattern: &str) -> Result<Regex, Failure> {
    Regex::new(pattern).map_err(|error| {
        Failure::usage(
            format!("`{pattern}` is no regular expression"),
            error.to_string().replace('\n', " "),
        )
        .hint("a name, or some of them: '^(prefork|tokio)$'")
    })
}

/// The workspace that this binary was built from; it may not exist any more where it runs.
pub fn workspace() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_path_buf()
}

/// A command line as it may be published: paths of the workspace as `{root}`, of others only the last part.
pub fn without_paths(words: impl Iterator<Item = String>) -> Vec<String> {
    let root = workspace();
    words
        .map(|word| {
            let path = Path::new(&word);
            if !path.is_absolute() {
                word
            } else if let Ok(inside) = path.strip_prefix(&root) {
                format!("{{root}}/{}", inside.display())
            } else {
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            }
        })
        .collect()
}

fn read(text: &str, path: &Path) -> Result<Vec<Contender>, Failure> {
    read_contenders(text, path).map_err(|error| {
        Failure::usage("a file of contenders has a mistake", error.to_string())
            .hint("the same once that line is mended; nothing was begun")
    })
}

/// `NAME=COMMAND`, the command split as a shell would, but run without one.
fn from_words(with: &str) -> Result<Contender, Failure> {
    let usage = |cause: &str| {
        Failure::usage(format!("--with {with} cannot be read"), cause)
            .hint("--with mine='./my-server {port}'")
    };
    let (name, command) = with
        .split_once('=')
        .ok_or_else(|| usage("it has no `=` after a name"))?;
    let command = shlex::split(command).ok_or_else(|| usage("a quotation mark is not closed"))?;
    if !is_name(name) {
        return Err(usage("a name holds only a-z, 0-9 and -"));
    }
    if !command.iter().any(|word| word.contains("{port}")) {
        return Err(usage(
            "the command does not say where the port goes: {port}",
        ));
    }
    Ok(Contender {
        name: name.to_owned(),
        command,
        family: "foreign".to_owned(),
        holds: Holds::Any,
        version: Vec::new(),
        build: Vec::new(),
        requires: Vec::new(),
        env: BTreeMap::new(),
        dir: PathBuf::from("."),
    })
}

fn enter(
    contender: Contender,
    echo_server: &Path,
    wanted: &dyn Fn(&str) -> bool,
    site: &mut Site<'_>,
) -> Result<Contestant, Failure> {
    let mut contestant = Contestant {
        entrant: Entrant {
            name: contender.name,
            family: contender.family,
            holds: contender.holds,
            version: String::new(),
            command: contender.command,
            skipped: None,
        },
        env: contender.env,
        places: vec![
            ("{dir}".to_owned(), contender.dir.display().to_string()),
            ("{root}".to_owned(), workspace().display().to_string()),
            ("{address}".to_owned(), site.address()),
            (
                "{echo-server}".to_owned(),
                echo_server.display().to_string(),
            ),
        ],
    };
    if !wanted(&contestant.entrant.name) {
        return Ok(contestant);
    }
    contestant.entrant.skipped = match missing(&contestant, &contender.requires, site)? {
        Some(program) => Some(format!("{program} is not installed{}", site.words())),
        None => build(&contestant, &contender.build, site)?.err(),
    };
    if contestant.entrant.skipped.is_none() {
        contestant.entrant.version = version(&contestant, &contender.version, site)?;
    }
    Ok(contestant)
}

/// The first of what a contender needs that is not there. On another host its own files are, too.
fn missing(
    contestant: &Contestant,
    requires: &[String],
    site: &mut Site<'_>,
) -> Result<Option<String>, Failure> {
    let mut needed = requires.to_vec();
    if site.is_there() {
        let command = &contestant.entrant.command;
        let brought = |word: &&String| word.contains("{dir}") || word.contains("{root}");
        let brought = command.iter().skip(1).filter(brought).cloned();
        let all: Vec<String> = command.iter().take(1).cloned().chain(brought).collect();
        needed.extend(contestant.fill(&all, &[]));
    }
    for program in needed {
        if !site.has(&program)? {
            return Ok(Some(program));
        }
    }
    Ok(None)
}

fn build(
    contestant: &Contestant,
    words: &[String],
    site: &mut Site<'_>,
) -> Result<Result<(), String>, Failure> {
    let argv = contestant.fill(words, &[]);
    let Some(program) = argv.first() else {
        return Ok(Ok(()));
    };
    Ok(match site.run(&argv)? {
        Err(error) => Err(format!(
            "its build command {program} cannot be run: {error}"
        )),
        Ok(said) if said.status == Some(0) => Ok(()),
        Ok(said) => Err(format!(
            "its build failed: {}",
            said.stderr.lines().last().unwrap_or("it does not say why")
        )),
    })
}

/// What its version command says first, or the hash of its program.
fn version(
    contestant: &Contestant,
    words: &[String],
    site: &mut Site<'_>,
) -> Result<String, Failure> {
    let argv = contestant.fill(words, &[]);
    if !argv.is_empty()
        && let Ok(said) = site.run(&argv)?
        && let text = said.stdout + &said.stderr
        && let Some(line) = text.lines().next().map(str::trim)
        && !line.is_empty()
    {
        return Ok(line.to_owned());
    }
    hash(contestant, site)
}

fn hash(contestant: &Contestant, site: &mut Site<'_>) -> Result<String, Failure> {
    let command = contestant.fill(&contestant.entrant.command, &[]);
    let program = site.find(&command[0])?;
    let hash = program.and_then(|program| program.sha256);
    Ok(hash.map_or("unknown".to_owned(), |hash| format!("sha256 {hash}")))
}

fn ours(
    program: &Path,
    wanted: &dyn Fn(&str) -> bool,
    site: &mut Site<'_>,
) -> Result<Vec<Contestant>, Failure> {
    let words = [program.display().to_string(), "--list".to_owned()];
    let said = site.run(&words)?.map_err(|error| {
        let of_a_limit = of_a_limit(&error).map(|when| format!("the same {when}"));
        let hint = of_a_limit.unwrap_or_else(|| BOTH_OF_ONE_BUILD.to_owned());
        let what = format!("{} cannot be run", program.display());
        Failure::tool("prepare", what, error).hint(hint)
    })?;
    let lines = said.stdout.lines();
    lines
        .map(|line| our_model(line, program, wanted, site))
        .collect()
}

fn our_model(
    line: &str,
    program: &Path,
    wanted: &dyn Fn(&str) -> bool,
    site: &mut Site<'_>,
) -> Result<Contestant, Failure> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, family, holds, _sentence] = fields[..] else {
        return Err(Failure::tool(
            "prepare",
            "echo-server --list is not understood",
            line.to_owned(),
        )
        .hint(BOTH_OF_ONE_BUILD));
    };
    let holds = holds.parse().map_err(|error: String| {
        let cause = format!("{line}: {error}");
        Failure::tool("prepare", "echo-server --list is not understood", cause)
            .hint(BOTH_OF_ONE_BUILD)
    })?;
    let command = "{echo-server} MODEL --port {port} --workers {workers} --message {message} --work {work} \
                   --state {state} --touch {touch}";
    let mut contestant = Contestant {
        entrant: Entrant {
            name: name.to_owned(),
            family: family.to_owned(),
            holds,
            version: String::new(),
            command: command
                .split(' ')
                .map(|word| word.replace("MODEL", name))
                .collect(),
            skipped: None,
        },
        env: BTreeMap::new(),
        places: vec![
            ("{echo-server}".to_owned(), program.display().to_string()),
            ("{address}".to_owned(), site.address()),
        ],
    };
    if site.is_there() {
        let words = ["--listen", "{address}"].map(str::to_owned);
        contestant.entrant.command.extend(words);
    }
    if wanted(name) {
        let hash = hash(&contestant, site)?;
        contestant.entrant.version = format!("{}, {hash}", env!("CARGO_PKG_VERSION"));
        contestant.entrant.skipped = denied(name, program, site)?;
    }
    Ok(contestant)
}

/// The exit status of `echo-server MODEL --check` where the kernel denies what the model needs.
const UNAVAILABLE: i32 = 69;

/// Why that machine does not let a model of ours serve, in the model's own words.
fn denied(model: &str, program: &Path, site: &mut Site<'_>) -> Result<Option<String>, Failure> {
    let path = program.display().to_string();
    let words = [path.as_str(), model, "--check"].map(str::to_owned);
    let Ok(said) = site.run(&words)? else {
        return Ok(None);
    };
    let reason = said.stderr.lines().next().unwrap_or_default();
    let reason = reason.strip_prefix("echo-server: ").unwrap_or(reason);
    Ok((said.status == Some(UNAVAILABLE)).then(|| reason.to_owned()))
}
