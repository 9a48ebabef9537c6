//! Text in a terminal's columns: cut, wrapped, left out.

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
    let line = format!("report: {path}");
    if width(&line) <= COLUMNS {
        return vec![line];
    }
    let tail: Vec<char> = path.chars().rev().take(COLUMNS - 1).collect();
    let whole = tail.len() == path.chars().count();
    let tail: String = tail.into_iter().rev().collect();
    vec![
        "report:".to_owned(),
        if whole { tail } else { format!("…{tail}") },
    ]
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// `text` in at most `columns`, an ellipsis at the end when it is cut.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width(&line) <= columns {
        return line;
    }
    line.chars().take(columns - 1).chain(['…']).collect()
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
