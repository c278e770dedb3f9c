//! Standard output is for results, standard error for the rest.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

/// When to colour what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Whether standard output gets colours.
    pub fn on_stdout(self) -> bool {
        self.wanted(std::io::stdout().is_terminal())
    }

    /// Whether standard error gets colours.
    pub fn on_stderr(self) -> bool {
        self.wanted(std::io::stderr().is_terminal())
    }

    fn wanted(self, terminal: bool) -> bool {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => terminal && !no_color,
        }
    }
}

/// Prints a result. A reader who has gone away (`| head`) is not an error.
pub fn result(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(stdout, "{text}{end}").and_then(|()| stdout.flush());
}

/// Says something that is not the result, in one go.
pub fn note(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Says why a command failed.
pub fn error(text: &str, color: Color) {
    let (red, plain) = if color.on_stderr() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    note(&format!("{red}error{plain}: {text}"));
}
