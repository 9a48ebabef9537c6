//! `lesson`: predictions first, on the terminal or from a file, then the run, then what was predicted beside what came.
//! Lessons are `report`'s data; the run is one of the suite `lessons`, without what the lesson does not measure.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use record::{Predictions, Suite, Taken, read_predictions};
use report::{Language, Lesson};
use terminal_size::{Width, terminal_size_of};

use super::failure::{Failure, print};
use super::hosts::HostsArgs;
use super::measured::Measured;
use super::resume::Resumed;
use super::session::{self, Asked};
use super::turn::TurnArgs;
use super::{explain, run, suites};
use crate::Who;

mod asking;

/// Columns where there is no terminal.
const COLUMNS: usize = 80;

/// Which lesson, and where predictions come from.
#[derive(Args, Clone)]
pub struct LessonArgs {
    /// Its number; without it, all lessons are listed
    #[arg(value_name = "N")]
    number: Option<u32>,
    /// Predictions from a file, instead of asking for them
    #[arg(long, value_name = "FILE", requires = "number")]
    answers: Option<PathBuf>,
    /// Print a blank file of predictions, of this lesson or of all, to be filled in
    #[arg(long, conflicts_with = "answers")]
    form: bool,
    /// Who takes it: it stands in the answers that a teacher collects
    #[arg(long, value_name = "NAME")]
    student: Option<String>,
    /// Fewer rounds: wider intervals, sooner
    #[arg(long)]
    quick: bool,
    /// The lesson in this language
    #[arg(long, value_name = "en|zh", default_value = "en", value_parser = explain::language)]
    lang: Language,
    /// The results folder [default: ./results/lesson-N-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// From which every order and payload follows [default: from the clock]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    pub there: HostsArgs,
    #[command(flatten)]
    pub turn: TurnArgs,
    /// Print the answers as one JSON object
    #[arg(long, requires = "number")]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When there is no such lesson, predictions cannot be meant, or it cannot be run or written.
pub fn lesson(args: &LessonArgs, resumed: Option<Resumed>) -> Result<ExitCode, Failure> {
    let lesson = match args.number {
        None if args.form => return Ok(form(report::lessons(), args.lang)),
        None => return Ok(list(args.lang)),
        Some(number) => named(number)?,
    };
    if args.form {
        return Ok(form(std::slice::from_ref(lesson), args.lang));
    }
    let (suite, suite_text) = match &resumed {
        Some(resumed) => resumed.suite("lessons")?,
        None => suite_of(lesson, args)?,
    };
    // What was predicted is older than the run, and stands in its plan.
    let taken = match &resumed {
        Some(_) => None,
        None => Some(predicted(args, lesson)?),
    };
    let mut bench = args.there.bench()?;
    let mut contestants = run::contestants(&Who::default(), None, &suite, bench.as_mut())?;
    contestants.retain(|it| {
        it.entrant.is_part() || suite.scenarios.iter().any(|one| one.asks(&it.entrant.name))
    });
    let measured = session::carry_out(Asked {
        suite,
        suite_text,
        contestants,
        out: args.out.clone(),
        seed: args.seed,
        go_on: Box::new(|_, _| None),
        quiet: args.json,
        provisional: false,
        bench,
        resumed,
        turn: args.turn,
        lesson: taken,
    })?;
    conclude(args, measured)
}

/// Of whoever takes it.
fn predicted(args: &LessonArgs, lesson: &Lesson) -> Result<Taken, Failure> {
    let taken = match &args.answers {
        Some(path) => from_file(path, lesson)?,
        None => ask(lesson, args.lang)?,
    };
    Ok(Taken {
        student: args.student.clone().or(taken.student),
        ..taken
    })
}

fn named(number: u32) -> Result<&'static Lesson, Failure> {
    report::lesson(number).ok_or_else(|| {
        let count = report::lessons().len();
        Failure::usage(
            format!("there is no lesson {number}"),
            format!("there are lessons 1 to {count}"),
        )
        .hint("fiveways lesson")
    })
}

fn list(language: Language) -> ExitCode {
    for lesson in report::lessons() {
        print(&format!("{:>2}  {}", lesson.number, lesson.title(language)));
    }
    print(&match language {
        Language::English => {
            "\nfiveways lesson N asks first and measures then; --form prints what a class fills in."
        }
        Language::Chinese => "\nfiveways lesson N 先问再测;--form 打印供全班填写的表格。",
    });
    ExitCode::SUCCESS
}

/// A file of predictions in which only the predictions are missing.
fn form(lessons: &[Lesson], language: Language) -> ExitCode {
    let mut lines = vec!["student = \"\"".to_owned()];
    for lesson in lessons {
        lines.push(format!("\n# {}", lesson.title(language)));
        lines.push(format!("[lesson.{}]", lesson.number));
        for ask in &lesson.asks {
            lines.extend(
                textwrap::wrap(ask.question(language), COLUMNS - 2)
                    .iter()
                    .map(|line| format!("# {line}")),
            );
            lines.push(match ask.kind() {
                report::Kind::Order(who) => {
                    let names: Vec<String> = who.iter().map(|name| format!("\"{name}\"")).collect();
                    format!("# {} = [{}]", ask.name, names.join(", "))
                }
                report::Kind::Number | report::Kind::Factor => format!("# {} = ", ask.name),
            });
        }
    }
    print(&lines.join("\n"));
    ExitCode::SUCCESS
}

/// The lesson's part of a file that may hold those of all.
fn from_file(path: &Path, lesson: &Lesson) -> Result<Taken, Failure> {
    let cannot = |cause: String| {
        Failure::usage(
            format!("the predictions of {} cannot be read", path.display()),
            cause,
        )
        .hint(format!(
            "fiveways lesson {} --form, to see what is asked for",
            lesson.number
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    let Predictions {
        student,
        lesson: mut all,
    } = read_predictions(&text, path).map_err(|error| cannot(error.to_string()))?;
    let predictions = all.remove(&lesson.number.to_string());
    let predictions =
        predictions.ok_or_else(|| cannot(format!("it has no [lesson.{}]", lesson.number)))?;
    let taken = Taken {
        lesson: lesson.number,
        student: student.filter(|it| !it.trim().is_empty()),
        predictions,
    };
    report::check(lesson, &taken).map_err(cannot)?;
    Ok(taken)
}

/// Asks on standard error, so that standard output holds nothing but what came of it.
fn ask(lesson: &Lesson, language: Language) -> Result<Taken, Failure> {
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    let is_terminal = stdin.is_terminal();
    let columns = columns(&stderr);
    // Whoever cannot be told is not there to answer either.
    let _ = writeln!(stderr, "{}", lesson.opening(language, columns).join("\n"));
    let predictions = asking::all(
        lesson,
        language,
        columns,
        is_terminal,
        &mut stdin.lock(),
        &mut stderr,
    )?;
    Ok(Taken {
        lesson: lesson.number,
        student: None,
        predictions,
    })
}

fn columns(of: &impl std::os::fd::AsFd) -> usize {
    terminal_size_of(of).map_or(COLUMNS, |(Width(columns), _)| usize::from(columns).max(40))
}

/// The suite of all lessons, without what this one does not measure.
fn suite_of(lesson: &Lesson, args: &LessonArgs) -> Result<(Suite, String), Failure> {
    let (mut suite, text) = suites::find("lessons")?;
    if args.quick {
        suite = suite.quickened();
    }
    suite
        .scenarios
        .retain(|it| lesson.scenarios.contains(&it.name));
    suite.labs.retain(|it| lesson.scenarios.contains(&it.name));
    suite.name = format!("lesson-{}", lesson.number);
    suite.question = lesson.title(Language::English).to_owned();
    Ok((suite, text))
}

fn conclude(args: &LessonArgs, measured: Measured) -> Result<ExitCode, Failure> {
    let summary = measured.write_report(args.lang)?;
    let (results, folder) = (&measured.results, &measured.folder);
    let path = folder.join("answers.json");
    if args.json {
        let mut object = serde_json::to_value(&summary.lesson).unwrap_or_default();
        object["results"] = folder.display().to_string().into();
        print(&object);
    } else {
        let columns = columns(&std::io::stdout());
        let text = report::lesson_text(results, &summary, args.lang, columns).unwrap_or_default();
        // Whoever reads no colours gets none; a reader who has left is no error.
        let _ = writeln!(anstream::stdout().lock(), "\n{text}");
        print(&format!(
            "answers: {}\nreport: {}",
            path.display(),
            folder.join("report.html").display()
        ));
    }
    Ok(measured.exit()?.into())
}
