//! Texts of a picture as boxes: where they stand, and whether all of them can be read.

use crate::charts::canvas::{self, SMALL};
use crate::charts::{Data, draw_all, look};

/// A text of an SVG as a box.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) size: f64,
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

pub(super) fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = element.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

pub(super) fn number(element: &str, name: &str) -> f64 {
    attribute(element, name)
        .and_then(|value| value.parse().ok())
        .expect(name)
}

pub(super) fn texts(svg: &str) -> Vec<Placed> {
    let elements = svg.split("<text").skip(1);
    elements
        .map(|element| {
            let (head, rest) = element.split_once('>').expect("a head");
            let text = rest
                .split_once("</text>")
                .expect("an end")
                .0
                .trim()
                .replace("&amp;", "&")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&apos;", "'");
            let size = number(head, "font-size");
            let bold = attribute(head, "font-weight") == Some("bold");
            let type_ = if bold {
                canvas::bold(size.round() as i32)
            } else {
                canvas::plain(size.round() as i32)
            };
            let (x, y, wide) = (
                number(head, "x"),
                number(head, "y"),
                f64::from(canvas::width(&text, type_)),
            );
            let left = match attribute(head, "text-anchor") {
                Some("middle") => x - wide / 2.0,
                Some("end") => x - wide,
                _ => x,
            };
            // From the top of capitals to the foot of a p, about the middle of small letters.
            Placed {
                text,
                size,
                x: (left, left + wide),
                y: (y - 0.5 * size, y + 0.5 * size),
            }
        })
        .collect()
}

pub(super) fn check(results: &record::Results) -> usize {
    check_in(results, look::Look::default())
}

pub(super) fn check_in(results: &record::Results, look: look::Look) -> usize {
    let summary = crate::summarise(results);
    let data = Data::new(results, &summary).looking(look);
    let drawn = draw_all(&data);
    for chart in &drawn {
        let height = number(chart.svg.split_once('>').expect("an svg").0, "height");
        let texts = texts(&chart.svg);
        assert!(texts.len() > 5, "{} says nothing", chart.name);
        for (index, a) in texts.iter().enumerate() {
            let inside = a.x.0 >= 0.0
                && a.x.1 <= f64::from(canvas::WIDTH)
                && a.y.0 >= 0.0
                && a.y.1 <= height;
            assert!(inside, "{}: {a:?} leaves the frame", chart.name);
            assert!(
                a.size + 0.01 >= f64::from(SMALL),
                "{}: {a:?} is too small",
                chart.name
            );
            for b in &texts[index + 1..] {
                let apart = a.x.1 <= b.x.0 || b.x.1 <= a.x.0 || a.y.1 <= b.y.0 || b.y.1 <= a.y.0;
                assert!(apart, "{}: {a:?} stands on {b:?}", chart.name);
            }
        }
    }
    drawn.len()
}
