//! A sheet of white paper, 1920 units wide, and the few strokes that charts are made of.
//!
//! 24 units are 12 px when a picture stands 960 px wide: no text is smaller. Texts are measured with the
//! very font they are drawn in, so that nothing overlaps by surprise.

use std::sync::Once;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::format::printable;

/// Width of every picture.
pub(crate) const WIDTH: i32 = 1920;
/// Space at its edges.
pub(crate) const MARGIN: i32 = 60;
/// The smallest text.
pub(crate) const SMALL: i32 = 24;
/// Text.
pub(crate) const BODY: i32 = 27;
/// A title.
pub(crate) const TITLE: i32 = 50;

/// The font of all pictures.
pub(crate) const FONT: &str = "DejaVu Sans";

/// Text.
pub(crate) const INK: RGBColor = RGBColor(0x1c, 0x1f, 0x24);
/// Text beside text.
pub(crate) const SOFT: RGBColor = RGBColor(0x5a, 0x60, 0x6a);
/// What all stands on.
pub(crate) const PAPER: RGBColor = WHITE;
/// Lines that guide the eye.
pub(crate) const RULE: RGBColor = RGBColor(0xdd, 0xe0, 0xe5);

/// Where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// At its beginning.
    Left,
    /// In its middle.
    Middle,
    /// At its end.
    Right,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Type {
    /// Units an em.
    pub size: i32,
    /// Bold or not.
    pub bold: bool,
    /// Its colour.
    pub colour: RGBColor,
}

/// Regular text in ink.
pub(crate) const fn plain(size: i32) -> Type {
    Type {
        size,
        bold: false,
        colour: INK,
    }
}

/// Bold text in ink.
pub(crate) const fn bold(size: i32) -> Type {
    Type {
        size,
        bold: true,
        colour: INK,
    }
}

/// Regular text that steps back.
pub(crate) const fn soft(size: i32) -> Type {
    Type {
        size,
        bold: false,
        colour: SOFT,
    }
}

/// The sheet. Strokes cannot fail: the backend writes to a String.
pub(crate) struct Canvas<'a>(DrawingArea<SVGBackend<'a>, plotters::coord::Shift>);

/// A picture of this height.
pub(crate) fn picture(height: i32, draw: impl FnOnce(&Canvas<'_>)) -> String {
    register();
    let mut svg = String::new();
    {
        let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
        let canvas = Canvas(SVGBackend::with_string(&mut svg, size).into_drawing_area());
        canvas.fill(0, 0, WIDTH, height, WHITE);
        draw(&canvas);
        let _ = canvas.0.present();
    }
    // Elsewhere than in our PNG the font may be missing: Verdana is its sister and as wide.
    grouped(&svg).replace(
        "font-family=\"DejaVu Sans\"",
        "font-family=\"DejaVu Sans, Verdana, sans-serif\"",
    )
}

/// The first character of texts that are none: between such two stands what is a contender's. A backend has no groups.
const MARK: char = '\u{e000}';

/// The picture with a group in the place of each pair of marks.
fn grouped(svg: &str) -> String {
    let mut texts = svg.split("<text ");
    let mut out = texts.next().unwrap_or_default().to_owned();
    for text in texts {
        let body = text.split_once(">\n").map_or("", |(_, body)| body);
        let marked = body
            .strip_prefix(MARK)
            .and_then(|it| it.split_once("\n</text>"));
        match marked {
            Some(("", rest)) => out.extend(["</g>", rest]),
            Some((name, rest)) => out.extend(["<g data-contender=\"", name, "\">", rest]),
            None => out.extend(["<text ", text]),
        }
    }
    out
}

/// The picture with a title and a description for those who cannot see it.
pub(crate) fn described(svg: String, title: &str, description: &str) -> String {
    let escape = |text: &str| printable(text).replace('&', "&amp;").replace('<', "&lt;");
    let said = format!(
        "<title>{}</title>\n<desc>{}</desc>\n",
        escape(title),
        escape(description)
    );
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head} role=\"img\">\n{said}{}", rest.trim_start()),
        None => svg,
    }
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Both are whole fonts that the crate brings; a test draws with them.
        let _ = plotters::style::register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        let _ = plotters::style::register_font(FONT, FontStyle::Bold, dejavu::sans::bold());
    });
}

fn style(bold: bool) -> FontStyle {
    if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    }
}

/// How wide a text is, in units.
pub(crate) fn width(text: &str, type_: Type) -> i32 {
    register();
    // The rasteriser sizes a font by ascent + descent, 1.164 em in this one.
    let font = FontDesc::new(
        FontFamily::Name(FONT),
        f64::from(type_.size) * 1.164,
        style(type_.bold),
    );
    let guess = text.chars().count() as i32 * type_.size * 2 / 3;
    font.box_size(text)
        .map_or(guess, |(width, _)| i32::try_from(width).unwrap_or(guess))
}

/// The text cut to a width, with an ellipsis.
pub(crate) fn fit(text: &str, type_: Type, most: i32) -> String {
    if width(text, type_) <= most {
        return text.to_owned();
    }
    let mut cut: Vec<char> = text.chars().collect();
    while cut.pop().is_some() {
        let shorter = cut.iter().collect::<String>() + "…";
        if width(&shorter, type_) <= most {
            return shorter;
        }
    }
    String::new()
}

/// The text in lines of at most a width: clauses are kept whole, and broken at spaces if they must be.
pub(crate) fn wrap(text: &str, type_: Type, most: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut put = |piece: &str| match lines.last_mut() {
        Some(line) if width(&format!("{line} {piece}"), type_) <= most => {
            line.push(' ');
            line.push_str(piece);
        }
        _ => lines.push(fit(piece, type_, most)),
    };
    for clause in text
        .split_inclusive("; ")
        .map(str::trim)
        .filter(|clause| !clause.is_empty())
    {
        if width(clause, type_) <= most {
            put(clause);
        } else {
            clause.split_whitespace().for_each(&mut put);
        }
    }
    lines
}

impl Canvas<'_> {
    /// A text; `y` is the middle of its small letters.
    pub fn text(&self, (x, y): (i32, i32), held: Held, type_: Type, text: &str) {
        let at = match held {
            Held::Left => HPos::Left,
            Held::Middle => HPos::Center,
            Held::Right => HPos::Right,
        };
        // The SVG backend divides sizes by 1.24.
        let font = FontDesc::new(
            FontFamily::Name(FONT),
            f64::from(type_.size) * 1.24,
            style(type_.bold),
        );
        let style = font.color(&type_.colour).pos(Pos::new(at, VPos::Center));
        let text = printable(text).replace(MARK, " ");
        let _ = self.0.draw(&Text::new(text, (x, y), style));
    }

    /// What `draw` puts on the sheet is this contender's: a page may leave it out.
    pub fn of(&self, contender: &str, draw: impl FnOnce()) {
        let mark = |name: &str| {
            let font = FontDesc::new(FontFamily::Name(FONT), 24.0, FontStyle::Normal);
            let text = format!("{MARK}{}", printable(name).replace(MARK, " "));
            let _ = self.0.draw(&Text::new(text, (0, 0), font.color(&INK)));
        };
        // A name of nothing would be an end.
        let contender = if contender.is_empty() { " " } else { contender };
        mark(contender);
        draw();
        mark("");
    }

    /// A filled rectangle.
    pub fn fill(&self, x0: i32, y0: i32, x1: i32, y1: i32, colour: RGBColor) {
        let _ = self
            .0
            .draw(&Rectangle::new([(x0, y0), (x1, y1)], colour.filled()));
    }

    /// The outline of a rectangle.
    pub fn outline(&self, x0: i32, y0: i32, x1: i32, y1: i32, colour: RGBColor, stroke: u32) {
        let _ = self.0.draw(&Rectangle::new(
            [(x0, y0), (x1, y1)],
            colour.stroke_width(stroke),
        ));
    }

    /// A line through points.
    pub fn line(&self, points: &[(i32, i32)], colour: RGBColor, stroke: u32) {
        let _ = self.0.draw(&PathElement::new(
            points.to_vec(),
            colour.stroke_width(stroke),
        ));
    }

    /// A dashed line through points; dashes of so many units, gaps half as long.
    pub fn dashes(&self, points: &[(i32, i32)], colour: RGBColor, stroke: u32, dash: i32) {
        let style = colour.stroke_width(stroke);
        let dashed =
            plotters::element::DashedPathElement::new(points.to_vec(), dash, dash / 2, style);
        let _ = self.0.draw(&dashed);
    }

    /// A filled circle.
    pub fn dot(&self, at: (i32, i32), radius: i32, colour: RGBColor) {
        let _ = self.0.draw(&Circle::new(at, radius, colour.filled()));
    }

    /// A circle's line.
    pub fn ring(&self, at: (i32, i32), radius: i32, colour: RGBColor, stroke: u32) {
        let _ = self
            .0
            .draw(&Circle::new(at, radius, colour.stroke_width(stroke)));
    }

    /// A filled polygon.
    pub fn polygon(&self, points: &[(i32, i32)], colour: RGBColor) {
        let _ = self.0.draw(&Polygon::new(points.to_vec(), colour.filled()));
    }

    /// An interval along a horizontal bar.
    pub fn whisker_across(&self, x0: i32, x1: i32, y: i32, half: i32) {
        self.line(&[(x0, y), (x1, y)], INK, 2);
        for x in [x0, x1] {
            self.line(&[(x, y - half), (x, y + half)], INK, 2);
        }
    }

    /// Title and subtitles on top; where the space below them begins.
    pub fn head(&self, title: &str, subtitles: &[String]) -> i32 {
        let room = WIDTH - 2 * MARGIN;
        // A long title is written smaller before it is cut.
        let sizes = (BODY..=TITLE).rev().map(bold);
        let mut fitting = sizes.filter(|type_| width(title, *type_) <= room);
        let type_ = fitting.next().unwrap_or(bold(BODY));
        let text = fit(title, type_, room);
        self.text((MARGIN, 66), Held::Left, type_, &text);
        let mut y = 122;
        for line in subtitles
            .iter()
            .flat_map(|line| wrap(line, soft(SMALL), room))
        {
            self.text((MARGIN, y), Held::Left, soft(SMALL), &line);
            y += 34;
        }
        y + 10
    }
}

/// How high [`Canvas::head`] will be.
pub(crate) fn head_height(subtitles: &[String]) -> i32 {
    let lines = subtitles
        .iter()
        .map(|line| wrap(line, soft(SMALL), WIDTH - 2 * MARGIN).len());
    132 + 34 * i32::try_from(lines.sum::<usize>()).unwrap_or(0)
}

/// How high a picture is that has room for a head of four lines below its title: a longer head makes it taller.
pub(crate) fn taller(height: i32, subtitles: &[String]) -> i32 {
    const HEAD: i32 = 132 + 34 * 4;
    height + (head_height(subtitles) - HEAD).max(0)
}
