//! Themes: a picture is drawn in the light one, then its colours are exchanged. So no chart knows of themes, but for
//! what print asks of lines: markers and dashes that are nobody else's.
//!
//! Dark: greys are turned round, tints lean towards the paper, colours that mean something stay. Print: text is black,
//! strokes and markers are greys by how light their colour is, areas are hatched, a hatch a colour.

use plotters::style::RGBColor;

use super::look::Theme;

/// Paper and ink of the dark theme: the page's.
const DARK: (RGBColor, RGBColor) = (RGBColor(0x15, 0x18, 0x1c), RGBColor(0xe8, 0xea, 0xed));
/// Channels that differ by less are a grey.
const GREY: u8 = 17;
/// Colours lighter than this are tints.
const TINT: f64 = 0.72;
/// Colours darker than this, by luminance, are not seen on dark paper.
const DIM: f64 = 0.13;

/// An area of a colour in print.
#[derive(Clone, Copy)]
enum Area {
    /// One grey.
    Plain(u8),
    /// A path on a tile of so many units; its stroke, or a filled one where that is 0.
    Hatch(i32, &'static str, i32),
}

/// The colours of areas, each with what it is in print: neighbours in a bar differ.
#[rustfmt::skip]
const AREAS: [(&str, Area); 14] = [
    ("0072B2", Area::Plain(0x80)),
    ("56B4E9", Area::Hatch(12, "M-3,3 l6,-6 M0,12 l12,-12 M9,15 l6,-6", 2)),
    ("E69F00", Area::Hatch(10, "M3,3 h4 v4 h-4 z", 0)),
    ("D55E00", Area::Hatch(14, "M0,0 l14,14 M14,0 l-14,14", 2)),
    ("009E73", Area::Hatch(12, "M-3,9 l6,6 M0,0 l12,12 M9,-3 l6,6", 4)),
    ("CC79A7", Area::Hatch(10, "M0,5 h10", 3)),
    ("F0E442", Area::Hatch(10, "M5,0 v10", 2)),
    ("4B3F72", Area::Plain(0x40)),
    ("8CC8EA", Area::Hatch(16, "M-4,4 l8,-8 M0,16 l16,-16 M12,20 l8,-8", 1)),
    ("C9B3D6", Area::Hatch(16, "M6,6 h4 v4 h-4 z", 0)),
    ("E3D9EA", Area::Plain(0xe8)),
    ("B4B8BF", Area::Plain(0xd0)),
    ("8A9099", Area::Plain(0xb0)),
    ("C01C28", Area::Plain(0)),
];

/// The picture in a theme.
pub(crate) fn themed(svg: String, theme: Theme) -> String {
    match theme {
        Theme::Light => svg,
        Theme::Dark => exchanged(&svg, |_, _, colour| hex(on_dark(colour))),
        Theme::Print => with_hatches(&exchanged(&svg, in_print)),
    }
}

/// Every colour of fills and strokes exchanged; what is asked is its element, its attribute and itself.
fn exchanged(svg: &str, new: impl Fn(&str, &str, RGBColor) -> String) -> String {
    let mut out = String::with_capacity(svg.len());
    for (index, piece) in svg.split('<').enumerate() {
        if index > 0 {
            out.push('<');
        }
        // Text after the element's head is nobody's colour.
        let (head, text) = piece
            .split_once('>')
            .map_or((piece, None), |(head, text)| (head, Some(text)));
        let element = head.split([' ', '\n']).next().unwrap_or_default();
        let mut rest = head;
        while let Some(at) = rest.find("=\"#") {
            let attribute = rest[..at].rsplit([' ', '\n']).next().unwrap_or_default();
            let colour = rest.get(at + 3..at + 9).and_then(parse);
            let end = if colour.is_some() { at + 9 } else { at + 3 };
            out.push_str(&rest[..at + 2]);
            match colour {
                Some(colour) => out.push_str(&new(element, attribute, colour)),
                None => out.push('#'),
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        if let Some(text) = text {
            out.push('>');
            out.push_str(text);
        }
    }
    out
}

fn parse(text: &str) -> Option<RGBColor> {
    let number = u32::from_str_radix(text, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some(RGBColor(red, green, blue))
}

fn hex(colour: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}

/// The least and the greatest channel.
fn range(RGBColor(red, green, blue): RGBColor) -> (u8, u8) {
    (red.min(green).min(blue), red.max(green).max(blue))
}

/// Halfway between the least and the greatest channel, from 0 to 1.
fn lightness(colour: RGBColor) -> f64 {
    let (low, high) = range(colour);
    f64::from(u16::from(low) + u16::from(high)) / 510.0
}

fn is_grey(colour: RGBColor) -> bool {
    let (low, high) = range(colour);
    high - low < GREY
}

/// Relative luminance, as WCAG has it.
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        match share <= 0.04045 {
            true => share / 12.92,
            false => ((share + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// So much of `b` in `a`.
fn mixed(a: RGBColor, b: RGBColor, share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let mix = |a: u8, b: u8| (f64::from(a) * (1.0 - share) + f64::from(b) * share).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

fn on_dark(colour: RGBColor) -> RGBColor {
    let (paper, ink) = DARK;
    let light = lightness(colour);
    let is_area = area(colour).is_some();
    if is_grey(colour) && !is_area {
        let of_ink = lightness(super::canvas::INK);
        return mixed(paper, ink, (1.0 - light) / (1.0 - of_ink));
    }
    if light > TINT && !is_grey(colour) {
        // What is a part of a bar is to be seen, what is a ground for others steps back.
        let most = if is_area { 0.5 } else { 0.9 };
        return mixed(colour, paper, ((light - TINT) / 0.2).min(most));
    }
    match luminance(colour) < DIM {
        true => mixed(colour, ink, 0.4),
        false => colour,
    }
}

fn area(colour: RGBColor) -> Option<Area> {
    let name = hex(colour);
    let mut areas = AREAS.iter();
    areas
        .find(|(other, _)| *other == &name[1..])
        .map(|(_, area)| *area)
}

fn in_print(element: &str, attribute: &str, colour: RGBColor) -> String {
    let grey = |value: u8| hex(RGBColor(value, value, value));
    if is_grey(colour) {
        // What stood back a little on a screen is read on paper.
        let light = lightness(colour);
        return match light < 0.45 {
            true => grey(0),
            false => grey((light * 255.0).round() as u8),
        };
    }
    if element == "rect" && attribute == "fill" {
        let name = &hex(colour)[1..];
        return match area(colour) {
            Some(Area::Plain(value)) => grey(value),
            Some(Area::Hatch(..)) => format!("url(#hatch-{name})"),
            None => grey((lightness(colour) * 255.0) as u8),
        };
    }
    let share = (luminance(colour) - 0.1) / 0.9;
    grey((share.clamp(0.0, 1.0).sqrt() * 190.0) as u8)
}

/// The definitions of the hatches that are used.
fn with_hatches(svg: &str) -> String {
    let used = AREAS.iter().filter_map(|(name, area)| match area {
        Area::Hatch(tile, path, stroke) if svg.contains(&format!("url(#hatch-{name})")) => {
            let drawn = match stroke {
                0 => "fill=\"#000000\"".to_owned(),
                stroke => format!("fill=\"none\" stroke=\"#000000\" stroke-width=\"{stroke}\""),
            };
            Some(format!(
                "<pattern id=\"hatch-{name}\" width=\"{tile}\" height=\"{tile}\" patternUnits=\"userSpaceOnUse\">\
                 <rect width=\"{tile}\" height=\"{tile}\" fill=\"#FFFFFF\"/><path d=\"{path}\" {drawn}/></pattern>\n"
            ))
        }
        _ => None,
    });
    let used: String = used.collect();
    match svg.split_once(">\n") {
        Some((head, rest)) if !used.is_empty() => format!("{head}>\n<defs>\n{used}</defs>\n{rest}"),
        _ => svg.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::canvas::{INK, PAPER, RULE, SOFT};

    const SEEN: f64 = 3.0;

    /// WCAG's contrast of two colours.
    fn contrast(a: RGBColor, b: RGBColor) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        (a / b).max(b / a)
    }

    #[test]
    fn on_dark_paper_text_is_read_and_colours_are_seen() {
        let paper = on_dark(PAPER);
        assert_eq!(hex(paper), "#15181C");
        assert!(contrast(on_dark(INK), paper) > 12.0);
        assert!(contrast(on_dark(SOFT), paper) > 4.5);
        assert!(contrast(on_dark(RULE), paper) < 2.0, "a rule steps back");
        for (name, _) in AREAS {
            let colour = parse(name).expect("a colour");
            let on_dark = on_dark(colour);
            assert!(contrast(on_dark, paper) >= SEEN, "{name}: {}", hex(on_dark));
        }
    }

    #[test]
    fn only_colours_of_elements_are_exchanged() {
        let svg = "<svg>\n<text fill=\"#0072B2\">\na=\"#0072B2\" <\n</text><rect fill=\"#0072B2\" stroke=\"none\"/><a b=\"#01\"/>";
        let found = exchanged(svg, |element, attribute, _| {
            format!("[{element} {attribute}]")
        });
        assert_eq!(
            found,
            "<svg>\n<text fill=\"[text fill]\">\na=\"#0072B2\" <\n</text><rect fill=\"[rect fill]\" stroke=\"none\"/><a b=\"#01\"/>"
        );
    }
}
