//! A lesson: each question with its bars as measured, and beside each where it was put, or how much was said.

use plotters::style::RGBColor;
use record::lesson::Shown;
use record::{Answers, Scored};

use super::canvas::{
    BODY, Canvas, Held, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, width, wrap,
};
use super::palette;
use crate::claims::Language;
use crate::data::Data;
use crate::lessons::told::{amount, asked, figure, foretold, number, title, worth};
use crate::lessons::{Ask, Kind, Lesson, lesson};

const NAMES: i32 = 460;
const VALUES: i32 = 520;
const ROW: i32 = 62;
const BAR: i32 = 18;
/// Between two lines of a question.
const LINE: i32 = 36;
/// Between two questions.
const GAP: i32 = 70;
/// Of a prediction.
const SAID: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
const MEASURED: RGBColor = RGBColor(0x00, 0x9e, 0x73);

/// One bar.
struct Row {
    name: String,
    colour: RGBColor,
    value: Option<f64>,
    interval: Option<(f64, f64)>,
    figure: String,
    beside: String,
}

/// One question.
struct Panel {
    lines: Vec<String>,
    axis: String,
    rows: Vec<Row>,
    verdict: String,
}

/// The picture; `None` of a run that was no lesson.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let answers = data.summary.lesson.as_ref()?;
    let lesson = lesson(answers.lesson)?;
    let panels: Vec<Panel> = asked(lesson, answers)
        .map(|(ask, scored)| panel(data, ask, scored))
        .collect();
    let subtitles = subtitles(data, lesson, answers);
    let top = head_height(&subtitles) + 20;
    let height = top + panels.iter().map(Panel::height).sum::<i32>() + 20;
    Some(picture(height, |canvas| {
        canvas.head(title, &subtitles);
        let mut y = top;
        for panel in &panels {
            panel.draw(canvas, y);
            y += panel.height();
        }
    }))
}

fn subtitles(data: &Data<'_>, lesson: &Lesson, answers: &Answers) -> Vec<String> {
    let who = answers
        .student
        .as_ref()
        .map_or("predictions".to_owned(), |it| {
            format!("predictions of {it}")
        });
    vec![
        format!(
            "Lesson {}, {}; {who} beside medians with 95 % intervals",
            lesson.number,
            lesson.title(Language::English)
        ),
        palette::machine(data),
    ]
}

fn panel(data: &Data<'_>, ask: &Ask, scored: &Scored) -> Panel {
    let rows = match ask.kind() {
        Kind::Order(_) => (1..)
            .zip(&scored.measured)
            .map(|(place, it)| placed(data, ask, scored, place, it))
            .collect(),
        Kind::Number | Kind::Factor => numbers(ask, scored),
    };
    Panel {
        lines: wrap(
            ask.question(Language::English),
            bold(BODY),
            WIDTH - 2 * MARGIN,
        ),
        axis: title(ask),
        rows,
        verdict: worth(scored, Language::English),
    }
}

fn placed(data: &Data<'_>, ask: &Ask, scored: &Scored, place: usize, it: &Shown) -> Row {
    let entrant = data.everybody().find(|entrant| entrant.name == it.name);
    let of_family = entrant
        .filter(|it| !it.is_part())
        .map(|it| palette::colour(&it.family));
    Row {
        name: format!("{place}  {}", it.name),
        colour: of_family.unwrap_or(MEASURED),
        value: it.value.filter(|value| *value > 0.0),
        interval: it.low.zip(it.high),
        figure: figure(ask, it),
        beside: foretold(scored, &it.name)
            .map_or(String::new(), |place| format!("predicted: {place}")),
    }
}

fn numbers(ask: &Ask, scored: &Scored) -> Vec<Row> {
    let measured = scored.measured.iter().map(|it| Row {
        name: "measured".to_owned(),
        colour: MEASURED,
        value: it.value.filter(|value| *value > 0.0),
        interval: it.low.zip(it.high),
        figure: figure(ask, it),
        beside: it.name.clone(),
    });
    let predicted = number(scored).map(|value| Row {
        name: "predicted".to_owned(),
        colour: SAID,
        value: Some(value).filter(|value| *value > 0.0),
        interval: None,
        figure: amount(ask, value),
        beside: String::new(),
    });
    measured.chain(predicted).collect()
}

impl Panel {
    fn height(&self) -> i32 {
        let (lines, rows) = (self.lines.len() as i32, self.rows.len() as i32);
        LINE * (lines + 2) + ROW * rows + GAP
    }

    fn draw(&self, canvas: &Canvas<'_>, top: i32) {
        let mut y = top;
        for line in &self.lines {
            canvas.text((MARGIN, y), Held::Left, bold(BODY), line);
            y += LINE;
        }
        canvas.text(
            (MARGIN, y),
            Held::Left,
            soft(SMALL),
            &fit(&self.axis, soft(SMALL), WIDTH - 2 * MARGIN),
        );
        y += LINE;
        let (left, right) = (MARGIN + NAMES, WIDTH - MARGIN - VALUES);
        let ends = self
            .rows
            .iter()
            .flat_map(|row| [row.value, row.interval.map(|it| it.1)]);
        let most = ends.flatten().fold(f64::MIN_POSITIVE, f64::max);
        let at = |value: f64| {
            left + (f64::from(right - left) * (value / most).clamp(0.0, 1.0)).round() as i32
        };
        let bottom = y + ROW * self.rows.len() as i32 - ROW / 2;
        canvas.line(&[(left, y - BAR - 4), (left, bottom)], SOFT, 2);
        for row in &self.rows {
            row.draw(canvas, (y, left), &at);
            y += ROW;
        }
        let verdict = fit(&self.verdict, plain(SMALL), WIDTH - 2 * MARGIN);
        canvas.text((MARGIN, y), Held::Left, plain(SMALL), &verdict);
        canvas.line(&[(MARGIN, y + LINE), (WIDTH - MARGIN, y + LINE)], RULE, 2);
    }
}

impl Row {
    fn draw(&self, canvas: &Canvas<'_>, (y, left): (i32, i32), at: &dyn Fn(f64) -> i32) {
        canvas.text(
            (MARGIN, y),
            Held::Left,
            plain(BODY),
            &fit(&self.name, plain(BODY), NAMES - 20),
        );
        let mut end = left;
        if let Some(value) = self.value {
            canvas.fill(left, y - BAR, at(value), y + BAR, self.colour);
            end = at(value);
        }
        if let Some((low, high)) = self.interval.filter(|_| self.value.is_some()) {
            canvas.whisker_across(at(low.max(0.0)), at(high), y, 9);
            end = end.max(at(high));
        }
        let figure = fit(&self.figure, bold(BODY), WIDTH - MARGIN - end - 20);
        canvas.text((end + 18, y), Held::Left, bold(BODY), &figure);
        let after = end + 18 + width(&figure, bold(BODY)) + 30;
        let beside = fit(&self.beside, plain(SMALL), WIDTH - MARGIN - after);
        canvas.text((after, y), Held::Left, plain(SMALL), &beside);
    }
}
