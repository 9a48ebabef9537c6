//! How one picture is to look: whom it shows, on which paper, under which title. Pages ask for none of it; a slide does.

use std::str::FromStr;

/// What a picture is shown on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// White paper.
    #[default]
    Light,
    /// A dark screen.
    Dark,
    /// White paper and black ink: told apart by dashes, markers, hatches and greys.
    Print,
}

impl FromStr for Theme {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "light" => Ok(Theme::Light),
            "dark" => Ok(Theme::Dark),
            "print" => Ok(Theme::Print),
            _ => Err("a theme is light, dark or print".to_owned()),
        }
    }
}

/// How a picture is to look.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Names of those who are shown; everybody when it is empty. Nobody's colour or marker depends on it.
    pub only: Vec<String>,
    /// On what.
    pub theme: Theme,
    /// In the place of the chart's own title.
    pub title: Option<String>,
}

impl Look {
    /// Whether this one is shown.
    pub(crate) fn shows(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it == name)
    }

    /// Whether nothing may be told by its colour.
    pub(crate) fn is_print(&self) -> bool {
        self.theme == Theme::Print
    }
}
