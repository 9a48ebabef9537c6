//! What somebody is told who has answered: each question with bars, the prediction beside them, what it was worth, why.

use record::lesson::Shown;
use record::{Answers, Prediction, Results, Scored, Summary};

use super::texts::{Ask, Kind, Lesson, lesson};
use crate::claims::Language;
use crate::claims::plain::wrapped;
use crate::conditions::machine;
use crate::format;
use crate::terminal::bars::{Bar, bold, dim, drawn};
use crate::terminal::text::{clip, wrap_to};

/// Narrower, nothing can be read; wider, a bar is none.
const COLUMNS: (usize, usize) = (40, 160);

/// The lesson that a run was, for a terminal of so many columns; `None` where it was none.
pub fn lesson_text(
    results: &Results,
    summary: &Summary,
    language: Language,
    columns: usize,
) -> Option<String> {
    let answers = summary.lesson.as_ref()?;
    let lesson = lesson(answers.lesson)?;
    let columns = columns.clamp(COLUMNS.0, COLUMNS.1);
    let mut lines: Vec<String> = lesson
        .opening(language, columns)
        .into_iter()
        .take(1)
        .map(|head| bold(&head))
        .collect();
    lines.extend(dim(&wrap_to(&machine(&results.run.host), columns)));
    for (ask, scored) in asked(lesson, answers) {
        lines.push(String::new());
        lines.extend(wrapped(ask.question(language), columns, ""));
        lines.extend(bars(results, ask, scored, language, columns));
        lines.extend(wrapped(&worth(scored, language), columns, "→ "));
    }
    lines.push(String::new());
    lines.extend(
        wrapped(&total(answers, language), columns, "")
            .iter()
            .map(|line| bold(line)),
    );
    lines.push(String::new());
    lines.extend(wrapped(&lesson.why(language), columns, ""));
    lines.push(String::new());
    let more = format!(
        "{} {}",
        in_language(language, "To read on:", "延伸阅读:"),
        lesson.further().join(", ")
    );
    lines.extend(wrap_to(&more, columns));
    Some(lines.join("\n") + "\n")
}

/// What was asked, each with what became of it.
pub(crate) fn asked<'a>(
    lesson: &'a Lesson,
    answers: &'a Answers,
) -> impl Iterator<Item = (&'a Ask, &'a Scored)> {
    let all = answers.asked.iter();
    all.filter_map(|scored| {
        let ask = lesson.asks.iter().find(|it| it.name == scored.ask)?;
        Some((ask, scored))
    })
}

fn bars(
    results: &Results,
    ask: &Ask,
    scored: &Scored,
    language: Language,
    columns: usize,
) -> Vec<String> {
    let rows = match ask.kind() {
        Kind::Order(_) => of_order(results, ask, scored, language),
        Kind::Number | Kind::Factor => of_number(ask, scored, language),
    };
    let named: Vec<Bar<'_>> = rows
        .iter()
        .map(|row| Bar {
            name: &row.name,
            family: &row.family,
            value: row.value,
            figure: row.figure.clone(),
            spread: row.beside.clone(),
        })
        .collect();
    let mut lines = dim(&[clip(&title(ask), columns)]);
    lines.extend(drawn(&named, columns));
    lines
}

struct Row {
    name: String,
    family: String,
    value: Option<f64>,
    figure: String,
    beside: String,
}

fn of_order(results: &Results, ask: &Ask, scored: &Scored, language: Language) -> Vec<Row> {
    let family = |name: &str| {
        let entrant = results.run.entrants.iter().find(|it| it.name == name);
        entrant.map(|it| it.family.clone()).unwrap_or_default()
    };
    let row = |(place, it): (usize, &Shown)| Row {
        name: format!("{place} {}", it.name),
        family: family(&it.name),
        value: it.value.filter(|value| *value >= 0.0),
        figure: figure(ask, it),
        beside: foretold(scored, &it.name).map_or(String::new(), |place| match language {
            Language::English => format!("you: {place}"),
            Language::Chinese => format!("你:{place}"),
        }),
    };
    (1..).zip(&scored.measured).map(row).collect()
}

fn of_number(ask: &Ask, scored: &Scored, language: Language) -> Vec<Row> {
    let measured = scored.measured.iter().map(|it| Row {
        name: in_language(language, "measured", "测得").to_owned(),
        family: "event-driven".to_owned(),
        value: it.value,
        figure: figure(ask, it),
        beside: interval(ask, it).unwrap_or_default(),
    });
    let predicted = number(scored).map(|value| Row {
        name: in_language(language, "you", "你").to_owned(),
        family: "prefork".to_owned(),
        value: Some(value),
        figure: amount(ask, value),
        beside: String::new(),
    });
    measured.chain(predicted).collect()
}

/// Where a name was put, from 1.
pub(crate) fn foretold(scored: &Scored, name: &str) -> Option<usize> {
    match &scored.predicted {
        Some(Prediction::Order(order)) => Some(1 + order.iter().position(|it| it == name)?),
        _ => None,
    }
}

/// The number that was predicted.
pub(crate) fn number(scored: &Scored) -> Option<f64> {
    match scored.predicted {
        Some(Prediction::Number(number)) => Some(number),
        _ => None,
    }
}

/// `requests/s under crr-16`, `CPU per request, fork-per-connection / prefork`.
pub(crate) fn title(ask: &Ask) -> String {
    use super::texts::Figures;
    let title = record::metric(ask.metric()).map_or(ask.metric(), |it| it.title);
    match ask.figures() {
        Some(Figures::Order(_, under, _)) => format!("{title} ({}), {under}", ask.metric()),
        Some(Figures::Number(left, None)) => {
            format!("{title} ({}), {}, {}", ask.metric(), left.0, left.1)
        }
        Some(Figures::Number(left, Some(right))) if left.0 == right.0 => {
            format!(
                "{title} ({}), {}: {} / {}",
                ask.metric(),
                left.0,
                left.1,
                right.1
            )
        }
        Some(Figures::Number(left, Some(right))) => {
            format!(
                "{title} ({}), {}: {} / {}",
                ask.metric(),
                left.1,
                left.0,
                right.0
            )
        }
        None => title.to_owned(),
    }
}

/// The figure, or why there is none.
pub(crate) fn figure(ask: &Ask, it: &Shown) -> String {
    match it.value {
        Some(value) => amount(ask, value),
        None => it
            .reason
            .clone()
            .unwrap_or_else(|| format::MISSING.to_owned()),
    }
}

/// An amount of what is asked for.
pub(crate) fn amount(ask: &Ask, value: f64) -> String {
    let whole =
        value.fract() == 0.0 && record::metric(ask.metric()).is_some_and(|it| it.unit == "1");
    match ask.kind() {
        Kind::Factor => format!("{}\u{a0}×", format::digits(value)),
        _ if whole => format::count(value),
        _ => format::figure(ask.metric(), value),
    }
}

/// `(3.9 to 4.4)`.
pub(crate) fn interval(ask: &Ask, it: &Shown) -> Option<String> {
    let (low, high) = it.low.zip(it.high)?;
    let each = |value: f64| match ask.kind() {
        Kind::Factor => format::digits(value),
        _ => format::figure(ask.metric(), value),
    };
    Some(format!("({} to {})", each(low), each(high)))
}

/// What a prediction was worth, and by what.
pub(crate) fn worth(scored: &Scored, language: Language) -> String {
    let percent = scored.score.map(|score| format!("{:.0} %", 100.0 * score));
    let none = || scored.reason.clone().unwrap_or_default();
    match (language, percent, scored.pairs_right.zip(scored.pairs)) {
        (Language::English, Some(percent), Some((right, pairs))) => {
            format!(
                "{right} of {} that this run tells apart as predicted: {percent}",
                format::plural(pairs as usize, "pair")
            )
        }
        (Language::Chinese, Some(percent), Some((right, pairs))) => {
            format!("本次运行能分出先后的 {pairs} 对中,猜对 {right} 对:{percent}")
        }
        (Language::English, Some(percent), None) => format!("worth {percent}"),
        (Language::Chinese, Some(percent), None) => format!("得分 {percent}"),
        (Language::English, None, _) => format!("no score: {}", none()),
        (Language::Chinese, None, _) => format!("没有得分:{}", none()),
    }
}

/// All of it.
pub(crate) fn total(answers: &Answers, language: Language) -> String {
    let student = answers.student.as_deref().map(format::printable);
    let who = student.map_or(String::new(), |it| format!("{it}: "));
    let scores = answers.asked.iter().filter(|it| it.score.is_some()).count();
    match (answers.score(), language) {
        (Some(score), Language::English) => {
            format!(
                "{who}{:.0} % of what {} could be worth",
                100.0 * score,
                format::plural(scores, "prediction")
            )
        }
        (Some(score), Language::Chinese) => {
            format!("{who}{scores} 个预测共得 {:.0} %", 100.0 * score)
        }
        (None, Language::English) => format!("{who}no score: this run decides none of them"),
        (None, Language::Chinese) => format!("{who}没有得分:本次运行一个也判定不了"),
    }
}

fn in_language<'a>(language: Language, english: &'a str, chinese: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}
