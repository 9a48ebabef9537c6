//! Text in a terminal's columns: cut, wrapped, left out.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::format::printable;

/// Of a terminal that nobody widened.
pub(crate) const COLUMNS: usize = 80;

/// `lines` in at most `room` of them, `more` in the last when some are left out.
pub(crate) fn cut(mut lines: Vec<String>, room: usize, more: &str) -> Vec<String> {
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        if room > 0 {
            lines.push(more.to_owned());
        }
    }
    lines
}

/// Where the report is, in one line or two.
pub(crate) fn path_lines(path: &str) -> Vec<String> {
    let line = format!("report: {}", printable(path));
    if width(&line) <= COLUMNS {
        return vec![line];
    }
    let path = printable(path);
    if width(&path) <= COLUMNS {
        return vec!["report:".to_owned(), path];
    }
    let from_end: String = path.chars().rev().collect();
    let tail: String = head(&from_end, COLUMNS - 1).chars().rev().collect();
    vec!["report:".to_owned(), format!("…{tail}")]
}

/// Columns that a text takes: some characters take two, some none.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// As much of the beginning as so many columns hold.
fn head(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        end = at + c.len_utf8();
    }
    &text[..end]
}

/// `text` and as many spaces as make it so wide.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    text.to_owned() + &" ".repeat(columns.saturating_sub(width(text)))
}

/// `text` in at most `columns`, an ellipsis at the end when it is cut.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    let line = printable(text);
    if width(&line) <= columns {
        return line;
    }
    format!("{}…", head(&line, columns.saturating_sub(1)))
}

/// `text` broken at spaces, continued lines indented by two.
pub(crate) fn wrap(text: &str) -> Vec<String> {
    wrap_to(text, COLUMNS)
}

/// The same in so many columns.
pub(crate) fn wrap_to(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    // At plain spaces only: a no-break space holds a sign to its number.
    for word in text.split(' ') {
        let fits = width(&line) + 1 + width(word) <= columns;
        if line.trim().is_empty() || fits {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        lines.push(clip(&line, columns));
        line = format!("  {word}");
    }
    lines.push(clip(&line, columns));
    lines
}
