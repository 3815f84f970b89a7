//! Writes to the terminal: lines that stay, and below them a block that is drawn again in place. Into a file or a pipe only
//! the lines that stay are written, without colours. Knows nothing of what it shows.

use std::io::{self, IsTerminal as _, Write as _};

/// Where nobody knows how wide the output is.
const WIDTH: usize = 100;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    #[default]
    Plain,
    Dim,
    Bold,
    Good,
    Bad,
    Changed,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "\x1b[2m",
            Self::Bold => "\x1b[1m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[1;31m",
            Self::Changed => "\x1b[1;33m",
        }
    }
}

/// A line made of pieces in different styles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Style, String)>);

impl Line {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::default().and(Style::Plain, text)
    }

    pub(super) fn styled(style: Style, text: impl Into<String>) -> Self {
        Self::default().and(style, text)
    }

    #[must_use]
    pub(super) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    fn render(&self, width: Option<usize>, coloured: bool) -> String {
        let mut room = width.unwrap_or(usize::MAX);
        let mut out = String::new();
        for (style, text) in &self.0 {
            let text = cut(text, room);
            room -= text.chars().count();
            if text.is_empty() {
                continue;
            }
            let code = if coloured { style.code() } else { "" };
            out.push_str(code);
            out.push_str(&text);
            out.push_str(if code.is_empty() { "" } else { "\x1b[0m" });
        }
        out.truncate(out.trim_end().len());
        out
    }
}

pub(super) struct Screen {
    is_terminal: bool,
    coloured: bool,
    /// Lines of the block that stand below the last line that stays.
    drawn: usize,
}

impl Screen {
    /// Stdout.
    pub(super) fn open() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let coloured = is_terminal && std::env::var_os("NO_COLOR").is_none();
        Self { is_terminal, coloured, drawn: 0 }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Columns, as the terminal has them now.
    pub(super) fn width(&self) -> usize {
        self.size().map_or(WIDTH, |(width, _)| width)
    }

    /// Writes a line that stays.
    pub(super) fn say(&mut self, line: Line) -> io::Result<()> {
        self.say_all(&[line])
    }

    pub(super) fn say_all(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut text = self.erasure();
        for line in lines {
            text.push_str(&line.render(None, self.coloured));
            text.push('\n');
        }
        self.drawn = 0;
        write(&text)
    }

    /// Draws the block anew; nothing where there is no terminal.
    pub(super) fn draw(&mut self, block: &[Line]) -> io::Result<()> {
        let Some((width, height)) = self.size() else { return Ok(()) };
        let mut text = self.erasure();
        let shown = block.len().min(height.saturating_sub(2));
        for line in block.iter().take(shown) {
            text.push_str(&line.render(Some(width), self.coloured));
            text.push('\n');
        }
        self.drawn = shown;
        write(&text)
    }

    fn erasure(&self) -> String {
        if self.drawn == 0 { String::new() } else { format!("\x1b[{}A\x1b[J", self.drawn) }
    }

    fn size(&self) -> Option<(usize, usize)> {
        if !self.is_terminal {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        Some(size.map_or((WIDTH, 40), |size| (size.ws_col.into(), size.ws_row.into())))
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// At most `width` characters; an ellipsis says that there were more.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain((width > 0).then_some('…')).collect()
}

/// Exactly `width` characters.
pub(super) fn fit(text: &str, width: usize) -> String {
    format!("{:<width$}", cut(text, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_to_the_width_whatever_its_pieces() {
        let line = Line::plain("Bjørn ").and(Style::Bold, "Ødegård").and(Style::Dim, " of Oslo");
        assert_eq!(line.render(Some(9), false), "Bjørn Ød…");
        assert_eq!(line.render(Some(7), true), "Bjørn \x1b[1m…\x1b[0m");
        assert_eq!(line.render(None, false), "Bjørn Ødegård of Oslo");
    }

    #[test]
    fn fitted_texts_stand_in_columns() {
        assert_eq!(fit("Łukasz", 8), "Łukasz  ");
        assert_eq!(fit("Łukasz Nowak", 8), "Łukasz …");
    }
}
