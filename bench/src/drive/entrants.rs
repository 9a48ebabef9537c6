//! Who takes part: our own models, by `echo-server --list`, and commands from TOML files. Who cannot is
//! named with the reason, and the others go on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use measure::Contestant;
use record::{CONTROL, Contender, Entrant, Holds, Suite, is_name, read_contenders};
use regex::Regex;

use super::failure::Failure;
use super::site::Site;
use crate::Who;

/// The foreign contenders that are compiled in.
const FOREIGN: &str = include_str!("../../contenders.toml");

/// Everybody there is, in order: ours, the compiled-in foreign ones, those of files, those of `--with`.
///
/// # Errors
/// When `echo-server` cannot be found or built, a file has a mistake, or two have one name.
pub fn gather(who: &Who) -> Result<Vec<Contestant>, Failure> {
    gather_at(who, &mut Site::Here)
}

fn gather_at(who: &Who, site: &mut Site<'_>) -> Result<Vec<Contestant>, Failure> {
    let program = program_of(site)?;
    let mut all = ours(&program, site)?;
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
        all.push(enter(contender, &program, site)?);
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
    let mut all = gather_at(who, site)?;
    add_own(&mut all, suite, site)?;
    let (None, Some(about)) = (only, &suite.only) else {
        return select(all, only);
    };
    let added = added(who)?;
    let mut pattern = format!("(?:{about})");
    for name in added {
        pattern.push_str(&format!("|^{name}$"));
    }
    select(all, Some(&pattern))
}

/// Contenders that the suite brings along.
///
/// # Errors
/// When a name is taken.
pub fn add_own(
    all: &mut Vec<Contestant>,
    suite: &Suite,
    site: &mut Site<'_>,
) -> Result<(), Failure> {
    let program = program_of(site)?;
    for contender in &suite.contenders {
        if all.iter().any(|known| known.entrant.name == contender.name) {
            return Err(Failure::usage(
                format!("two contenders are called `{}`", contender.name),
                format!("the suite {} brings one of that name", suite.name),
            )
            .hint("another name for yours"));
        }
        all.push(enter(contender.clone(), &program, site)?);
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
    read_contenders(text, path)
        .map_err(|error| Failure::usage("a file of contenders has a mistake", error.to_string()))
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
        if site.find(&program)?.is_none() {
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

fn ours(program: &Path, site: &mut Site<'_>) -> Result<Vec<Contestant>, Failure> {
    let words = [program.display().to_string(), "--list".to_owned()];
    let said = site.run(&words)?.map_err(|error| {
        Failure::tool(
            "prepare",
            format!("{} cannot be run", program.display()),
            error,
        )
    })?;
    let lines = said.stdout.lines();
    lines.map(|line| our_model(line, program, site)).collect()
}

fn our_model(line: &str, program: &Path, site: &mut Site<'_>) -> Result<Contestant, Failure> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, family, holds, _sentence] = fields[..] else {
        return Err(Failure::tool(
            "prepare",
            "echo-server --list is not understood",
            line.to_owned(),
        )
        .hint("cargo build --release, so that both programs are of one version"));
    };
    let holds = holds
        .parse()
        .map_err(|error: String| Failure::tool("prepare", line.to_owned(), error))?;
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
    let hash = hash(&contestant, site)?;
    contestant.entrant.version = format!("{}, {hash}", env!("CARGO_PKG_VERSION"));
    contestant.entrant.skipped = denied(name, program, site)?;
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

/// `echo-server` where contenders will run; on another host beside fiveways there, or on its PATH.
fn program_of(site: &mut Site<'_>) -> Result<PathBuf, Failure> {
    if !site.is_there() {
        return echo_server();
    }
    let found = site.find("echo-server")?;
    found.map(|program| program.path).ok_or_else(|| {
        Failure::tool(
            "prepare",
            "echo-server is not on the server's host",
            "it is neither beside fiveways there nor on its PATH",
        )
        .hint("both programs of one build, in one folder of that host")
    })
}

/// `echo-server`: built by cargo when this binary stands where cargo has put it and its workspace is still
/// there (so that what is measured is what the sources say), else the one that stands beside this binary.
fn echo_server() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| {
        Failure::tool(
            "prepare",
            "this program cannot find itself",
            error.to_string(),
        )
    })?;
    let beside = own.with_file_name("echo-server");
    let root = workspace();
    let folder = own.parent().unwrap_or(Path::new("."));
    let profile = folder.file_name().and_then(|name| name.to_str());
    if let (Some(profile @ ("debug" | "release")), true) =
        (profile, root.join("Cargo.toml").is_file())
    {
        build_echo_server(&root, folder, profile)?;
    }
    if beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::tool(
        "prepare",
        "echo-server is not found",
        format!("it is not beside {}", own.display()),
    )
    .hint("cargo build --release in the workspace, and keep both programs in one folder"))
}

fn build_echo_server(root: &Path, folder: &Path, profile: &str) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--package", "servers", "--target-dir"]);
    cargo.arg(folder.parent().unwrap_or(folder));
    if profile == "release" {
        cargo.arg("--release");
    }
    let failed = |cause: String| {
        Failure::tool("prepare", "echo-server cannot be built", cause)
            .hint("cargo build --release --package servers, and read what it says")
    };
    let output = cargo
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let first = stderr
        .lines()
        .find(|line| line.starts_with("error"))
        .unwrap_or("cargo does not say why");
    Err(failed(first.to_owned()))
}
